// Records of the probe `xdp` as rows of the table `events`, kind packet: one row per packet that was reported.

import {
  xdpEventByte as head,
  packetHeadByte,
  packetRecordBytes,
  type RuleNames,
  type XdpEvent,
  xdpEventFlag,
  xdpEventOf,
} from '../../kernel/mod.ts'
import { type Batch, type EventField, eventTable, type Interner } from '../../wire/mod.ts'
import type { Cgroups } from '../identity/cgroups.ts'
import { type Columns, endColumnsOf } from '../rows/columns.ts'
import { createEndWriter } from '../rows/end-writer.ts'
import type { Moment } from '../rows/moment.ts'
import { createWallTime, type WallTime } from '../rows/wall-time.ts'
import { createWriter } from '../rows/writer.ts'
import type { Connections } from '../tcp/state.ts'
import { createHeldRecords } from './held-records.ts'
import { protocolName, tcpFlagLetters } from './packet-words.ts'
import { endsOfRecords, nameCgroupsOf, type TupleLayout, writeConnection } from './tuples.ts'

/** The source whose records these are. */
export const packetSource = 'xdp'

/** Interfaces in the order of the probe's, and the names of their rules. */
export interface PacketInterface {
  readonly name: string
  readonly rules: RuleNames
}

export interface PacketEventsOptions {
  readonly node: string
  readonly state: Connections
  readonly cgroups: Cgroups
  readonly interfaces: readonly PacketInterface[]
  /** Octets of each packet's sample at most. */
  readonly snap: number
  /** Gets each packet as it comes, those too that are lost here. */
  readonly onPacket?: (event: XdpEvent) => void
  /** Packets of one interval that are kept; what is beyond is counted as lost. Default 262,144. */
  readonly packetsMax?: number
  /** Rows of one batch; default 65,536. */
  readonly rowsMax?: number
}

export interface PacketEvents {
  /** Whole records; they are copied. */
  take(words: Uint32Array, count: number): void
  /** Before the stage enrich reports, which forgets connections that have ended. The batch is used again. */
  report(moment: Moment, emit: (batch: Batch) => void): void
  /** Since last taken: records that came = rows + lost. */
  takeCounts(): { readonly records: number; readonly rows: number; readonly full: number }
}

export function createPacketEvents(options: PacketEventsOptions): PacketEvents {
  const { packetsMax = 262_144, rowsMax = 65_536, interfaces, snap, onPacket } = options
  const recordWords = packetRecordBytes(snap) / 4
  const writer = createPacketWriter(options)
  const held = createHeldRecords(recordWords)
  let counts = { records: 0, rows: 0, full: 0 }

  function take(from: Uint32Array, more: number): void {
    const kept = Math.min(more, packetsMax - held.count())
    held.add(from, kept)
    if (onPacket) show(from, more, onPacket)
    counts.records += more
    counts.full += more - kept
  }

  function show(from: Uint32Array, more: number, sink: (event: XdpEvent) => void): void {
    const octets = new Uint8Array(from.buffer, from.byteOffset)
    for (let record = 0; record < more; record++) {
      sink(xdpEventOf(octets, record * recordWords * 4 + packetHeadByte))
    }
  }

  function report(moment: Moment, emit: (batch: Batch) => void): void {
    const count = held.count()
    for (let from = 0; from < count; from += rowsMax) {
      const length = Math.min(rowsMax, count - from)
      const batch = writer.write(held.words().subarray(from * recordWords), length, moment)
      counts.rows += batch.length
      emit(batch)
    }
    for (const { rules } of interfaces) rules.rest()
    held.clear(rowsMax)
  }

  function takeCounts() {
    const taken = counts
    counts = { records: 0, rows: 0, full: 0 }
    return taken
  }

  return { take, report, takeCounts }
}

/** One record on its way into one row. */
interface View {
  readonly wallTime: WallTime
  readonly words: Uint32Array
  readonly view: DataView
  /** Octet at which the record begins. */
  readonly at: number
  readonly row: number
  readonly columns: Columns<EventField>
  readonly interner: Interner
}

const member = (name: keyof typeof head) => packetHeadByte + head[name]
const netnsByte = 4
const noVlan = 0xffff
const ethernetBytes = 14
const [dropped, icmp, icmpv6] = [1, 1, 58]

function createPacketWriter(options: PacketEventsOptions) {
  const { node, state, cgroups, interfaces, snap } = options
  const recordBytes = packetRecordBytes(snap)
  const tuple = tupleOf(recordBytes)
  const writer = createWriter(eventTable)
  const owners = createEndWriter({ node, cgroups, ends: state.ends }, writer.batch().names)
  const wallTime = createWallTime()

  function write(words: Uint32Array, count: number, moment: Moment): Batch {
    writer.begin()
    const interner = writer.batch().names
    owners.begin(interner)
    wallTime.begin(moment)
    const view = new DataView(words.buffer, words.byteOffset)
    const ends = endsOfRecords(words, count, state.ends, tuple)
    nameCgroupsOf(ends, state.ends, cgroups)
    for (let record = 0; record < count; record++) {
      const row = writer.next()
      const at = record * recordBytes
      const packet = { wallTime, words, view, at, row, columns: writer.columns(), interner }
      writeAddresses(packet)
      writeHeaders(packet)
      writeVerdict(packet, interfaces[view.getUint32(at, true) - 1])
      writeSample(packet, writer.batch())
      packet.columns.node.values[row] = interner.index(node)
      const [src, dst] = [ends.src[record] as number, ends.dst[record] as number]
      writeConnection(packet.columns, row, state, src < 0 ? dst : src)
      if (src >= 0) owners.end(endColumnsOf(packet.columns, 'src'), row, src)
      if (dst >= 0) owners.end(endColumnsOf(packet.columns, 'dst'), row, dst)
    }
    return writer.batch()
  }

  return { write }
}

function tupleOf(recordBytes: number): TupleLayout {
  return {
    bytes: recordBytes,
    source: member('src') / 4,
    destination: member('dst') / 4,
    netns: netnsByte / 4,
    source_port: member('src_port'),
    destination_port: member('dst_port'),
    protocol: member('protocol'),
  }
}

function writeAddresses({ words, view, at, row, columns, wallTime }: View): void {
  const [source, destination] = [(at + member('src')) / 4, (at + member('dst')) / 4]
  for (let index = 0; index < 4; index++) {
    columns.src_address.values[row * 4 + index] = words[source + index] as number
    columns.dst_address.values[row * 4 + index] = words[destination + index] as number
  }
  columns.src_port.values[row] = view.getUint16(at + member('src_port'), true)
  columns.dst_port.values[row] = view.getUint16(at + member('dst_port'), true)
  columns.netns.values[row] = words[(at + netnsByte) / 4] as number
  wallTime.write(columns.time, row, words, (at + member('time_ns')) / 4)
}

/** What is no IP packet has the length that follows its Ethernet header. */
function writeHeaders({ view, at, row, columns, interner }: View): void {
  const octet = (name: keyof typeof head) => view.getUint8(at + member(name))
  const word = (name: keyof typeof head) => view.getUint32(at + member(name), true)
  const isIp = octet('family') !== 0
  const size = isIp ? word('bytes') : Math.max(0, word('frame_bytes') - ethernetBytes)
  const every = Math.max(1, word('every'))
  columns.kind.values[row] = interner.index('packet')
  columns.direction.values[row] = interner.index('received')
  columns.count.values[row] = every
  columns.bytes.values[row] = size * every
  set(columns.packet_size_bytes, row, size)
  set(columns.ether_type, row, view.getUint16(at + member('ether_type'), true))
  const vlan = view.getUint16(at + member('vlan'), true)
  if (vlan !== noVlan) set(columns.vlan, row, vlan)
  if (!isIp) return
  const protocol = octet('protocol')
  columns.protocol.values[row] = interner.index(protocolName(protocol))
  columns.tcp_flags.values[row] = interner.index(tcpFlagLetters(octet('tcp_flags')))
  const isFragment = (octet('flags') & xdpEventFlag.FRAGMENT) !== 0
  if ((protocol !== icmp && protocol !== icmpv6) || isFragment) return
  set(columns.icmp_type, row, octet('icmp_type'))
  set(columns.icmp_code, row, octet('icmp_code'))
}

function writeVerdict(packet: View, from: PacketInterface | undefined): void {
  const { view, at, row, columns, interner } = packet
  const word = (name: keyof typeof head) => view.getUint32(at + member(name), true)
  const isDropped = view.getUint8(at + member('action')) === dropped
  columns.action.values[row] = interner.index(isDropped ? 'drop' : 'pass')
  columns.interface.values[row] = interner.index(from?.name ?? '')
  if ((view.getUint8(at + member('flags')) & xdpEventFlag.MATCHED) === 0) return
  const label = word('label')
  if (label !== 0) columns.label.values[row] = interner.index(String(label))
  const generation = view.getUint8(at + member('generation'))
  const rule = { generation, epoch: word('epoch'), rank: word('rule') }
  columns.rule.values[row] = interner.index(from?.rules.nameOf(rule) ?? '')
}

/** From the IP header on; of what is no IP packet from behind its Ethernet header on. */
function writeSample({ words, view, at, row, columns }: View, batch: Batch): void {
  const length = view.getUint32(at + member('sample_bytes'), true)
  const begin = view.getUint16(at + member('ip_offset'), true) || ethernetBytes
  if (length <= begin) return
  const from = words.byteOffset + at + member('sample')
  const sample = Uint8Array.from(new Uint8Array(words.buffer, from + begin, length - begin))
  columns.payload.values[row] = batch.heap.octets.push(sample) - 1
}

function set(
  { nulls, values }: { readonly nulls: Uint8Array; readonly values: { [row: number]: number } },
  row: number,
  value: number,
): void {
  nulls[row] = 0
  values[row] = value
}
