// Writes one row of flows from a connection and its ends: typed array to typed array, no object per row. A field
// that it does not set is empty (rows/writer.ts).

import { type Batch, type FlowField, flowTable } from '../../wire/mod.ts'
import { recordWords, short, word } from '../drain/record.ts'
import type { Cgroups } from '../identity/cgroups.ts'
import { type Columns, endColumnsOf, type Nullable } from '../rows/columns.ts'
import { createEndWriter } from '../rows/end-writer.ts'
import type { Moment } from '../rows/moment.ts'
import { createWallTime, isTimeKnown } from '../rows/wall-time.ts'
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
  const owners = createEndWriter({ node, cgroups, ends: state.ends }, interner)
  const wallTime = createWallTime()

  function begin(moment: Moment): void {
    writer.begin()
    if (writer.batch().names !== interner) {
      interner = writer.batch().names
      names = createFlowNames(interner, node)
      owners.begin(interner)
    }
    wallTime.begin(moment)
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
    if (src >= 0) owners.end(srcEnd, row, src)
    if (dst >= 0) owners.end(dstEnd, row, dst)
  }

  function writeTimes(row: number, connection: number, facts: RowFacts): void {
    const { table, ends } = state
    wallTime.writeNow(columns.time, row)
    const start = connection * 2
    if (isTimeKnown(table.start, start)) wallTime.write(columns.start, row, table.start, start)
    if (!facts.ended) return
    wallTime.write(columns.end, row, ends.words, lastRecord(ends, table, connection))
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
    columns.interface.values[row] = owners.text(ends.words, near * recordWords + word.interface)
    columns.direction_known.values[row] = isSet(table, connection, flag.directionKnown) ? 1 : 0
    columns.opened.values[row] = facts.first && isTimeKnown(table.start, connection * 2) ? 1 : 0
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
    const { src, dst } = state.table
    const outcome = names.outcome(state, src[connection] as number, dst[connection] as number)
    columns.end_reason.values[row] = outcome.reason
    columns.errno.values[row] = outcome.errno
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
