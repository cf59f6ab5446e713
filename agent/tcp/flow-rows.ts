// Writes one row of flows from a connection and its ends: typed array to typed array, no object per row. A field
// that it does not set is empty (rows/writer.ts).

import { type Batch, type FlowField, flowTable } from '../../wire/mod.ts'
import { octet, recordOctets, recordWords, short, word } from '../drain/record.ts'
import type { Cgroups } from '../identity/cgroups.ts'
import { type Columns, type EndColumns, endColumnsOf, type Nullable } from '../rows/columns.ts'
import type { Moment } from '../rows/moment.ts'
import { createEndNames } from '../rows/names.ts'
import { createWriter } from '../rows/writer.ts'
import { type ConnectionTable, flag, isSet, total } from './connection-table.ts'
import { type EndTable, shortAt, u32At } from './end-table.ts'
import { createFlowNames } from './flow-names.ts'
import type { Connections } from './state.ts'

/** What report.ts computed of a row. */
export interface RowFacts {
  /** In the order of `total` (connection-table.ts); −1 = not known. */
  readonly increments: Float64Array
  readonly totals: Float64Array
  /** The row carries the end. */
  ended: boolean
  /** The connection has ended, with this row or an earlier one. */
  closed: boolean
  first: boolean
  /** TCP state at the end of the interval, of the end that is open. */
  state: number
}

export interface RowWriter {
  /** The rows since `begin`; the same memory is used again by the next one. */
  batch(): Batch
  begin(moment: Moment): void
  write(connection: number, facts: RowFacts): void
}

type FlowColumns = Columns<FlowField>

export function createRowWriter(state: Connections, cgroups: Cgroups, node: string): RowWriter {
  const writer = createWriter(flowTable)
  let columns = writer.columns()
  let srcEnd = endColumnsOf(columns, 'src')
  let dstEnd = endColumnsOf(columns, 'dst')
  let interner = writer.batch().names
  let names = createFlowNames(interner, node)
  let endNames = createEndNames(interner, cgroups)
  let time = new Uint32Array(2)
  let offset = new Uint32Array(2)

  function begin(moment: Moment): void {
    writer.begin()
    if (writer.batch().names !== interner) {
      interner = writer.batch().names
      names = createFlowNames(interner, node)
      endNames = createEndNames(interner, cgroups)
    }
    time = halves(moment.time)
    offset = halves(moment.bootToWallNs)
  }

  function nextRow(): number {
    const row = writer.next()
    if (writer.columns() !== columns) {
      columns = writer.columns()
      srcEnd = endColumnsOf(columns, 'src')
      dstEnd = endColumnsOf(columns, 'dst')
    }
    return row
  }

  function write(connection: number, facts: RowFacts): void {
    const row = nextRow()
    const { table } = state
    const src = table.src[connection] as number
    const dst = table.dst[connection] as number
    columns.node.values[row] = names.fixed.node
    columns.counted.values[row] = 1
    columns.view.values[row] = names.fixed.view
    columns.protocol.values[row] = names.fixed.protocol
    columns.observer.values[row] =
      src < 0 ? names.fixed.dst : dst < 0 ? names.fixed.src : names.fixed.both
    writeTimes(row, connection, facts)
    writeOrigin(row, connection, facts)
    writeOutcome(row, connection, facts)
    writeCounters(columns, row, facts)
    if (src >= 0) writeEnd(srcEnd, row, src)
    if (dst >= 0) writeEnd(dstEnd, row, dst)
  }

  function writeTimes(row: number, connection: number, facts: RowFacts): void {
    const { table, ends } = state
    columns.time.values[row * 2] = time[0] as number
    columns.time.values[row * 2 + 1] = time[1] as number
    if (hasStart(table, connection)) setWall(columns.start, row, table.start, connection * 2)
    if (!facts.ended) return
    setWall(columns.end, row, ends.words, lastRecord(ends, table, connection))
  }

  /** Boot nanoseconds at `from[at]` as wall-clock halves. */
  function setWall(column: Nullable<Uint32Array>, row: number, from: Uint32Array, at: number) {
    const low = (from[at] as number) + (offset[0] as number)
    const high = (from[at + 1] as number) + (offset[1] as number)
    column.nulls[row] = 0
    column.values[row * 2] = low
    column.values[row * 2 + 1] = high + (low > 0xffff_ffff ? 1 : 0)
  }

  /** Addresses as the initiator's end has them, if it is here: that is what was connected to. */
  function writeOrigin(row: number, connection: number, facts: RowFacts): void {
    const { table, ends } = state
    const src = table.src[connection] as number
    const near = src >= 0 ? src : (table.dst[connection] as number)
    const own = src >= 0
    const port = shortAt(ends, near, short.localPort)
    const far = shortAt(ends, near, short.remotePort)
    columns.src_port.values[row] = own ? port : far
    columns.dst_port.values[row] = own ? far : port
    const at = near * recordWords
    copyAddress(columns.src_address.values, row, ends, at + (own ? word.local : word.remote))
    copyAddress(columns.dst_address.values, row, ends, at + (own ? word.remote : word.local))
    columns.interface.values[row] = endNames.text(ends.words, near * recordWords + word.interface)
    columns.direction_known.values[row] = isSet(table, connection, flag.directionKnown) ? 1 : 0
    columns.opened.values[row] = facts.first && hasStart(table, connection) ? 1 : 0
    columns.connection_id.values[row * 2] = table.id[connection * 2] as number
    columns.connection_id.values[row * 2 + 1] = table.id[connection * 2 + 1] as number
    writeRtt(row, connection, word.srtt)
    writeRtt(row, connection, word.rttMin)
  }

  function writeRtt(row: number, connection: number, member: number): void {
    const { table, ends } = state
    const src = table.src[connection] as number
    const dst = table.dst[connection] as number
    let us = src >= 0 ? u32At(ends, src, member) : 0
    if (us === 0 && dst >= 0) us = u32At(ends, dst, member)
    if (us === 0) return
    setNumber(member === word.srtt ? columns.rtt_ns : columns.rtt_min_ns, row, us * 1000)
  }

  function writeOutcome(row: number, connection: number, facts: RowFacts): void {
    columns.state.values[row] = facts.closed ? names.fixed.closed : names.state(facts.state)
    if (!facts.ended) return
    const outcome = names.outcome(state, connection)
    columns.end_reason.values[row] = outcome.reason
    columns.errno.values[row] = outcome.errno
  }

  function writeEnd(to: EndColumns<FlowColumns>, row: number, slot: number): void {
    const { words, octets } = state.ends
    const at = slot * recordWords
    const source = octets[slot * recordOctets + octet.ownerSource] as number
    const process = endNames.process(words, at)
    to.process.values[row] = process
    to.pid.values[row] = words[at + word.tgid] as number
    if (source !== 0) setNumber(to.uid, row, words[at + word.uid] as number)
    to.netns.values[row] = words[at + word.netns] as number
    const low = words[at + word.cgroup] as number
    const high = words[at + word.cgroup + 1] as number
    to.cgroup_id.values[row * 2] = low
    to.cgroup_id.values[row * 2 + 1] = high
    to.process_source.values[row] = endNames.source(source)
    const owner = endNames.owner(low + high * 0x1_0000_0000)
    to.node.values[row] = names.fixed.node
    to.workload.values[row] = (owner && (owner.unit || owner.container)) || process
    if (!owner) return
    to.unit.values[row] = owner.unit
    to.container.values[row] = owner.container
  }

  return { batch: writer.batch, begin, write }
}

function writeCounters(columns: FlowColumns, row: number, { increments, totals }: RowFacts): void {
  columns.bytes.values[row] = increments[total.bytes] as number
  columns.reverse_bytes.values[row] = increments[total.reverseBytes] as number
  columns.packets.values[row] = increments[total.packets] as number
  columns.reverse_packets.values[row] = increments[total.reversePackets] as number
  setKnown(columns.retransmits, row, increments[total.retransmits] as number)
  setKnown(columns.reverse_retransmits, row, increments[total.reverseRetransmits] as number)
  columns.total_bytes.values[row] = totals[total.bytes] as number
  columns.total_reverse_bytes.values[row] = totals[total.reverseBytes] as number
}

/** Below 0 is not known. */
function setKnown(column: Nullable<Float64Array>, row: number, value: number): void {
  if (value >= 0) setNumber(column, row, value)
}

function setNumber(column: Nullable<Float64Array | Uint32Array>, row: number, value: number): void {
  column.nulls[row] = 0
  column.values[row] = value
}

function copyAddress(to: Uint32Array, row: number, { words }: EndTable, from: number): void {
  for (let index = 0; index < 4; index++) to[row * 4 + index] = words[from + index] as number
}

function hasStart(table: ConnectionTable, connection: number): boolean {
  return table.start[connection * 2] !== 0 || table.start[connection * 2 + 1] !== 0
}

/** Word index of the later time of the ends' records. */
function lastRecord(ends: EndTable, table: ConnectionTable, connection: number): number {
  const src = (table.src[connection] as number) * recordWords
  const dst = (table.dst[connection] as number) * recordWords
  if (src < 0 || dst < 0) return Math.max(src, dst) + word.time
  const { words } = ends
  const high = (words[src + 1] as number) - (words[dst + 1] as number)
  const later = high === 0 ? (words[src] as number) > (words[dst] as number) : high > 0
  return (later ? src : dst) + word.time
}

function halves(ns: bigint): Uint32Array<ArrayBuffer> {
  return Uint32Array.of(Number(ns & 0xffff_ffffn), Number(ns >> 32n))
}
