// Records of the probe `drop` as rows of the table `events`: kinds drop, retransmit and reset.

import {
  dropRecordByte as byte,
  dropFlag,
  dropKind,
  dropRecordBytes,
  packetsOfDrops,
  dropRecordWord as word,
} from '../../kernel/mod.ts'
import { type Batch, type EventField, eventTable, type Interner } from '../../wire/mod.ts'
import type { Cgroups } from '../identity/cgroups.ts'
import { type Columns, endColumnsOf, type Nullable } from '../rows/columns.ts'
import { createEndWriter } from '../rows/end-writer.ts'
import type { Moment } from '../rows/moment.ts'
import { createWallTime, isTimeKnown, type WallTime } from '../rows/wall-time.ts'
import { createWriter } from '../rows/writer.ts'
import type { Connections } from '../tcp/state.ts'
import { createHeldRecords } from './held-records.ts'
import { protocolName, tcpFlagLetters } from './packet-words.ts'
import { createDropNames, type DropNames } from './reasons.ts'
import { endsOfRecords, nameCgroupsOf, writeConnection } from './tuples.ts'

/** The source whose records these are. */
export const dropSource = 'drop'

export interface DropEventsOptions {
  readonly node: string
  readonly state: Connections
  readonly cgroups: Cgroups
  /** Default: what the running kernel says. */
  readonly names?: DropNames
}

export interface DropEvents {
  /** Whole records; they are copied. */
  take(words: Uint32Array, count: number): void
  /** Before the stage enrich reports, which forgets connections that have ended. Undefined if there is nothing. */
  report(moment: Moment): Batch | undefined
  /** Since last taken: records that came, the packets that they stand for, and rows that left. */
  takeCounts(): { readonly records: number; readonly packets: number; readonly rows: number }
}

const recordWords = dropRecordBytes / 4
const two32 = 0x1_0000_0000

export function createDropEvents({ node, state, cgroups, names }: DropEventsOptions): DropEvents {
  const writer = createDropWriter({ node, state, cgroups })
  const held = createHeldRecords(recordWords)
  let counts = { records: 0, packets: 0, rows: 0 }
  let dropNames = names

  function take(from: Uint32Array, more: number): void {
    held.add(from, more)
    const fresh = from.subarray(0, more * recordWords)
    counts.records += more
    counts.packets += packetsOfDrops(
      new Uint8Array(fresh.buffer, fresh.byteOffset, fresh.byteLength),
    )
  }

  function report(moment: Moment): Batch | undefined {
    if (held.count() === 0) return undefined
    dropNames ??= createDropNames()
    const batch = writer.write(held.words(), held.count(), { moment, names: dropNames })
    counts.rows += batch.length
    held.clear()
    return batch
  }

  function takeCounts() {
    const taken = counts
    counts = { records: 0, packets: 0, rows: 0 }
    return taken
  }

  return { take, report, takeCounts }
}

interface Instant {
  readonly moment: Moment
  readonly names: DropNames
}

type EventColumns = Columns<EventField>

function createDropWriter(options: Omit<DropEventsOptions, 'names'>) {
  const { node, state, cgroups } = options
  const writer = createWriter(eventTable)
  let interner: Interner = writer.batch().names
  const owners = createEndWriter({ node, cgroups, ends: state.ends }, interner)
  const wallTime = createWallTime()

  function write(words: Uint32Array, count: number, instant: Instant): Batch {
    writer.begin()
    interner = writer.batch().names
    owners.begin(interner)
    wallTime.begin(instant.moment)
    const octets = new Uint8Array(words.buffer, 0, count * dropRecordBytes)
    instant.names.learn(locationsOf(words, count))
    const ends = endsOfRecords(words, count, state.ends)
    nameCgroupsOf(ends, state.ends, cgroups, cgroupIds(words, count))
    for (let record = 0; record < count; record++) {
      const row = writer.next()
      const own = { words, octets, record, row, columns: writer.columns() }
      const view = { ...own, interner, wallTime, names: instant.names }
      writePacket(view)
      writeKind(view)
      view.columns.node.values[row] = interner.index(node)
      const src = ends.src[record] as number
      const dst = ends.dst[record] as number
      writeConnection(view.columns, row, state, src < 0 ? dst : src)
      writeSide(view, 'src', src)
      writeSide(view, 'dst', dst)
    }
    return writer.batch()
  }

  /** The socket's end if it is known, else the cgroup of the socket that the kernel named. */
  function writeSide(view: View, side: 'src' | 'dst', slot: number): void {
    const to = endColumnsOf(view.columns, side)
    if (slot >= 0) {
      owners.end(to, view.row, slot)
      return
    }
    const flags = view.octets[view.record * dropRecordBytes + byte.flags] as number
    const isLocal = side === ((flags & dropFlag.FROM_LOCAL) !== 0 ? 'src' : 'dst')
    const at = view.record * recordWords + word.cgroup_id
    if (!isLocal || (view.words[at] === 0 && view.words[at + 1] === 0)) return
    owners.owner(to, view.row, view.words, at)
    to.netns.values[view.row] = view.words[view.record * recordWords + word.netns] as number
  }

  return { write }
}

function* cgroupIds(words: Uint32Array, count: number): Generator<number> {
  for (let record = 0; record < count; record++) {
    yield wide(words, record * recordWords + word.cgroup_id)
  }
}

/** One record on its way into one row. */
interface View {
  readonly names: DropNames
  readonly wallTime: WallTime
  readonly words: Uint32Array
  readonly octets: Uint8Array
  readonly record: number
  readonly row: number
  readonly columns: EventColumns
  readonly interner: Interner
}

function locationsOf(words: Uint32Array, count: number): number[] {
  return Array.from({ length: count }, (_, record) => locationAt(words, record))
}

/** The low 48 bits: see kernel/loader/kallsyms.ts. */
function locationAt(words: Uint32Array, record: number): number {
  const at = record * recordWords + word.location
  return ((words[at + 1] as number) & 0xffff) * two32 + (words[at] as number)
}

/** What every kind has. What found the table full has neither tuple nor times: it is of the whole interval. */
function writePacket({ words, octets, record, row, columns, interner, wallTime }: View): void {
  const at = record * recordWords
  const octetsAt = record * dropRecordBytes
  for (let index = 0; index < 4; index++) {
    columns.src_address.values[row * 4 + index] = words[at + word.source + index] as number
    columns.dst_address.values[row * 4 + index] = words[at + word.destination + index] as number
  }
  columns.src_port.values[row] = shortOf(octets, octetsAt + byte.source_port)
  columns.dst_port.values[row] = shortOf(octets, octetsAt + byte.destination_port)
  const protocol = octets[octetsAt + byte.protocol] as number
  columns.protocol.values[row] = interner.index(protocolName(protocol))
  columns.count.values[row] = wide(words, at + word.count)
  columns.bytes.values[row] = wide(words, at + word.bytes)
  columns.netns.values[row] = words[at + word.netns] as number
  const last = at + word.last_ns
  if (!isTimeKnown(words, last)) {
    wallTime.writeNow(columns.time, row)
    return
  }
  wallTime.write(columns.time, row, words, last)
  wallTime.write(columns.end, row, words, last)
  wallTime.write(columns.start, row, words, at + word.first_ns)
}

function writeKind(view: View): void {
  const { octets, record, row, columns, interner } = view
  const kind = octets[record * dropRecordBytes + byte.kind] as number
  const name = (text: string) => interner.index(text)
  if (kind === dropKind.RETRANSMIT) {
    columns.kind.values[row] = name('retransmit')
    return
  }
  const reason = view.words[record * recordWords + word.reason] as number
  if (reason !== 0xffff_ffff) setNumber(columns.reason_code, row, reason)
  if (kind === dropKind.PACKET) {
    columns.kind.values[row] = name('drop')
    columns.reason.values[row] = name(view.names.reason(reason))
    writeDrop(view)
    return
  }
  columns.kind.values[row] = name('reset')
  columns.direction.values[row] = name(kind === dropKind.RESET_SENT ? 'sent' : 'received')
  columns.reason.values[row] = name(reason === 0xffff_ffff ? '' : view.names.resetReason(reason))
}

function writeDrop({ words, octets, record, row, columns, interner, names }: View): void {
  const at = record * recordWords
  const octetsAt = record * dropRecordBytes
  const flags = octets[octetsAt + byte.flags] as number
  const isOutgoing = (flags & dropFlag.OUTGOING) !== 0
  columns.location.values[row] = interner.index(names.location(locationAt(words, record)))
  if (locationAt(words, record) === 0) return
  columns.direction.values[row] = interner.index(isOutgoing ? 'sent' : 'received')
  const letters = tcpFlagLetters(octets[octetsAt + byte.tcp_flags] as number)
  columns.tcp_flags.values[row] = interner.index(letters)
  setNumber(columns.packet_size_bytes, row, words[at + word.packet_bytes] as number)
  const type = shortOf(octets, octetsAt + byte.link_protocol)
  if (type !== 0) setNumber(columns.ether_type, row, type)
  const from = octetsAt + byte.interface
  const interfaceName = Buffer.from(octets.buffer, octets.byteOffset + from, 16).toString('latin1')
  columns.interface.values[row] = interner.index(interfaceName.replace(/\0.*$/s, ''))
}

function shortOf(octets: Uint8Array, at: number): number {
  return (octets[at] as number) | ((octets[at + 1] as number) << 8)
}

/** What is no count of anything is the largest one that a row can carry. */
function wide(words: Uint32Array, at: number): number {
  const value = (words[at] as number) + (words[at + 1] as number) * two32
  return Math.min(value, Number.MAX_SAFE_INTEGER)
}

function setNumber(
  column: Nullable<Float64Array | Uint32Array | Uint16Array>,
  row: number,
  value: number,
): void {
  column.nulls[row] = 0
  column.values[row] = value
}
