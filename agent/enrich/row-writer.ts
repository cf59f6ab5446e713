// Writes one row of a batch from a connection and its ends: typed array to typed array, no object per row.

import { type Batch, createBatch, flowTable, grown } from '../../wire/mod.ts'
import { octet, recordOctets, recordWords, short, word } from '../drain/record.ts'
import type { Cgroups } from './cgroups.ts'
import { type ConnectionTable, flag, isSet } from './connection-table.ts'
import { type EndTable, shortAt, u32At } from './end-table.ts'
import type { Moment } from './moment.ts'
import { type EndColumns, type RowColumns, rowColumnsOf, type Values } from './row-columns.ts'
import { createRowNames } from './row-names.ts'
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

const namesMax = 65_536
const capacityMin = 1024
/** When so many reports in a row need a quarter of the batch at most, it begins anew smaller. */
const calmReports = 12

export function createRowWriter(state: Connections, cgroups: Cgroups, node: string): RowWriter {
  let batch = createBatch(flowTable, capacityMin)
  let columns = rowColumnsOf(batch)
  let names = createRowNames(batch.names, cgroups, node)
  let time = new Uint32Array(2)
  let offset = new Uint32Array(2)
  let reports = 0
  let most = 0

  /** Names gather over days; when there are many, the batch and its interner begin anew. */
  function begin(moment: Moment): void {
    if (batch.names.size() > namesMax) {
      batch = createBatch(flowTable, batch.capacity)
      columns = rowColumnsOf(batch)
      names = createRowNames(batch.names, cgroups, node)
    }
    shrinkAfterPeak()
    batch.length = 0
    time = halves(moment.time)
    offset = halves(moment.bootToWallNs)
  }

  function shrinkAfterPeak(): void {
    most = Math.max(most, batch.length)
    reports++
    if (reports < calmReports) return
    if (batch.capacity > capacityMin && most * 4 <= batch.capacity) {
      batch = createBatch(flowTable, Math.max(batch.capacity / 4, capacityMin), batch.names)
      columns = rowColumnsOf(batch)
    }
    reports = 0
    most = 0
  }

  function write(connection: number, facts: RowFacts): void {
    if (batch.length === batch.capacity) {
      batch = grown(batch)
      columns = rowColumnsOf(batch)
    }
    const row = batch.length++
    const { table } = state
    const src = table.src[connection] as number
    const dst = table.dst[connection] as number
    columns.node.u32[row] = names.fixed.node
    columns.counted.u8[row] = 1
    columns.view.u32[row] = names.fixed.view
    columns.protocol.u32[row] = names.fixed.protocol
    columns.observer.u32[row] =
      src < 0 ? names.fixed.dst : dst < 0 ? names.fixed.src : names.fixed.both
    writeTimes(row, connection, facts)
    writeOrigin(row, connection, facts)
    writeOutcome(row, connection, facts)
    writeCounters(columns, row, facts)
    writeEnd(columns.src, row, src)
    writeEnd(columns.dst, row, dst)
  }

  function writeTimes(row: number, connection: number, facts: RowFacts): void {
    const { table, ends } = state
    columns.time.u32[row * 2] = time[0] as number
    columns.time.u32[row * 2 + 1] = time[1] as number
    const opened = hasStart(table, connection)
    setWall(columns.start, row, opened ? table.start : undefined, connection * 2)
    const last = facts.ended ? lastRecord(ends, table, connection) : 0
    setWall(columns.end, row, facts.ended ? ends.words : undefined, last)
  }

  /** Boot nanoseconds at `from[at]` as wall-clock halves; null without `from`. */
  function setWall(column: Values, row: number, from: Uint32Array | undefined, at: number): void {
    column.nulls[row] = from ? 0 : 1
    const low = from ? (from[at] as number) + (offset[0] as number) : 0
    const high = from ? (from[at + 1] as number) + (offset[1] as number) : 0
    column.u32[row * 2] = low
    column.u32[row * 2 + 1] = high + (low > 0xffff_ffff ? 1 : 0)
  }

  /** Addresses as the initiator's end has them, if it is here: that is what was connected to. */
  function writeOrigin(row: number, connection: number, facts: RowFacts): void {
    const { table, ends } = state
    const src = table.src[connection] as number
    const near = src >= 0 ? src : (table.dst[connection] as number)
    const own = src >= 0
    const port = shortAt(ends, near, short.localPort)
    const far = shortAt(ends, near, short.remotePort)
    columns.srcPort.u16[row] = own ? port : far
    columns.dstPort.u16[row] = own ? far : port
    const at = near * recordWords
    copyAddress(columns.srcAddress.u32, row, ends, at + (own ? word.local : word.remote))
    copyAddress(columns.dstAddress.u32, row, ends, at + (own ? word.remote : word.local))
    columns.interface.u32[row] = names.text(ends.words, near * recordWords + word.interface)
    columns.directionKnown.u8[row] = isSet(table, connection, flag.directionKnown) ? 1 : 0
    columns.opened.u8[row] = facts.first && hasStart(table, connection) ? 1 : 0
    columns.connectionId.u32[row * 2] = table.id[connection * 2] as number
    columns.connectionId.u32[row * 2 + 1] = table.id[connection * 2 + 1] as number
    writeRtt(row, connection, word.srtt)
    writeRtt(row, connection, word.rttMin)
  }

  function writeRtt(row: number, connection: number, member: number): void {
    const { table, ends } = state
    const src = table.src[connection] as number
    const dst = table.dst[connection] as number
    let us = src >= 0 ? u32At(ends, src, member) : 0
    if (us === 0 && dst >= 0) us = u32At(ends, dst, member)
    setNullable(member === word.srtt ? columns.rtt : columns.rttMin, row, us === 0 ? -1 : us * 1000)
  }

  function writeOutcome(row: number, connection: number, facts: RowFacts): void {
    columns.state.u32[row] = facts.closed ? names.fixed.closed : names.state(facts.state)
    const outcome = facts.ended ? names.outcome(state, connection) : undefined
    columns.endReason.u32[row] = outcome ? outcome.reason : 0
    columns.errno.u32[row] = outcome ? outcome.errno : 0
  }

  function writeEnd(to: EndColumns, row: number, slot: number): void {
    if (slot < 0) {
      clearEnd(to, row)
      return
    }
    const { words, octets } = state.ends
    const at = slot * recordWords
    const source = octets[slot * recordOctets + octet.ownerSource] as number
    const process = names.process(words, at)
    to.process.u32[row] = process
    to.pid.u32[row] = words[at + word.tgid] as number
    to.uid.u32[row] = source === 0 ? 0 : (words[at + word.uid] as number)
    to.uid.nulls[row] = source === 0 ? 1 : 0
    to.netns.u32[row] = words[at + word.netns] as number
    const low = words[at + word.cgroup] as number
    const high = words[at + word.cgroup + 1] as number
    to.cgroup_id.u32[row * 2] = low
    to.cgroup_id.u32[row * 2 + 1] = high
    to.process_source.u32[row] = names.source(source)
    const owner = names.owner(low + high * 0x1_0000_0000)
    to.unit.u32[row] = owner ? owner.unit : 0
    to.container.u32[row] = owner ? owner.container : 0
    to.node.u32[row] = names.fixed.node
    to.workload.u32[row] = (owner && (owner.unit || owner.container)) || process
  }

  return { batch: () => batch, begin, write }
}

function writeCounters(columns: RowColumns, row: number, { increments, totals }: RowFacts): void {
  for (let index = 0; index < 4; index++) {
    ;(columns.increments[index] as Values).f64[row] = increments[index] as number
  }
  setNullable(columns.increments[4] as Values, row, increments[4] as number)
  setNullable(columns.increments[5] as Values, row, increments[5] as number)
  ;(columns.totals[0] as Values).f64[row] = totals[0] as number
  ;(columns.totals[1] as Values).f64[row] = totals[1] as number
}

function setNullable(column: Values, row: number, value: number): void {
  column.nulls[row] = value < 0 ? 1 : 0
  column.f64[row] = Math.max(value, 0)
}

function clearEnd(to: EndColumns, row: number): void {
  to.process.u32[row] = 0
  to.pid.u32[row] = 0
  to.uid.u32[row] = 0
  to.uid.nulls[row] = 1
  to.netns.u32[row] = 0
  to.cgroup_id.u32[row * 2] = 0
  to.cgroup_id.u32[row * 2 + 1] = 0
  to.process_source.u32[row] = 0
  to.unit.u32[row] = 0
  to.container.u32[row] = 0
  to.node.u32[row] = 0
  to.workload.u32[row] = 0
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
