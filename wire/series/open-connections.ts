// Which connections are open, for the gauges that say so. An open connection has a row at least once a minute; one that
// has had none for `openForMs` was lost without an end (its node is gone). There may be a million of them, so each is a
// slot of typed arrays.

import type { Batch } from '../model/columns.ts'
import type { BoundedFamily, BoundedSeries } from './bounded-family.ts'
import { OpenTable } from './open-table.ts'
import type { PartRows } from './part-rows.ts'

export interface OpenConnections {
  /** Rows of connections. */
  see(rows: PartRows): void
  tick(nowMs: number): void
  /** Brings the values of the family's series up to date. */
  settle(nowMs: number): void
  size(): number
}

/** An open connection has a row each minute; two may be late. */
export const openForMs = 150_000
/** Beyond, a new connection is not followed. */
const connectionsMax = 1_000_000

export function createOpenConnections(family: BoundedFamily): OpenConnections {
  const isOldest = family.metric.op === 'oldest'
  const open = new OpenTable()
  const perSeries = new Set<BoundedSeries>()

  function see({ batch, rows, groupOf, labels, nowMs }: PartRows): void {
    const ids = batch.columns['connection_id']?.values as Uint32Array
    const ends = batch.columns['end']?.nulls as Uint8Array
    for (const row of rows) {
      const [low, high] = [ids[row * 2] as number, ids[row * 2 + 1] as number]
      const slot = open.find(low, high)
      if (slot >= 0) open.heard(slot, nowMs)
      if (ends[row] === 0) {
        if (slot >= 0) close(slot, nowMs)
        else if (isOldest) ended(batch, row, labels(groupOf[row] as number), nowMs)
      } else if (slot < 0 && open.size() < connectionsMax) {
        const series = family.seriesOf(labels(groupOf[row] as number), nowMs)
        series.lastMs = nowMs
        perSeries.add(series)
        const startMs = timeOf(batch, 'start', row) ?? nowMs
        open.heard(open.add(low, high, { series, startMs }), nowMs)
      }
    }
  }

  function close(slot: number, nowMs: number): void {
    if (isOldest) open.seriesOf(slot).value = Math.max(0, nowMs - open.startOf(slot)) / 1000
    open.remove(slot)
  }

  /** It opened and ended within one interval. */
  function ended(batch: Batch, row: number, labels: string, nowMs: number): void {
    const series = family.seriesOf(labels, nowMs)
    series.lastMs = nowMs
    const startMs = timeOf(batch, 'start', row)
    const endMs = timeOf(batch, 'end', row)
    if (startMs !== undefined && endMs !== undefined) series.value = (endMs - startMs) / 1000
  }

  function settle(nowMs: number): void {
    if (!isOldest) {
      countOpen(nowMs)
      return
    }
    const oldest = new Map<BoundedSeries, number>()
    open.forEach((series, startMs) => {
      oldest.set(series, Math.min(oldest.get(series) ?? startMs, startMs))
    })
    for (const [series, startMs] of oldest) series.value = Math.max(0, nowMs - startMs) / 1000
  }

  function countOpen(nowMs: number): void {
    const { undivided, labels } = family.metric
    if (undivided && !labels) {
      // One number for all: 0 is also an answer.
      const all = family.seriesOf('', nowMs)
      all.lastMs = nowMs
      perSeries.add(all)
    }
    for (const series of perSeries) series.value = 0
    open.forEach((series) => {
      series.value++
    })
    for (const series of perSeries) if (series.value === 0) perSeries.delete(series)
  }

  return { see, tick: (nowMs) => open.sweep(nowMs - openForMs), settle, size: () => open.size() }
}

/** Milliseconds since 1970; undefined when the row does not know it. */
function timeOf(batch: Batch, name: string, row: number): number | undefined {
  const column = batch.columns[name]
  if (!column || column.nulls?.[row] === 1) return undefined
  const { values } = column
  const ns = (values[row * 2 + 1] as number) * 0x1_0000_0000 + (values[row * 2] as number)
  return ns / 1e6
}
