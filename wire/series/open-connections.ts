// Which connections are open, for the gauges that say so. An open connection has a row at least once a minute; one that
// has had none for `openForMs` was lost without an end (its node is gone).

import type { Batch } from '../model/columns.ts'
import type { BoundedFamily, BoundedSeries } from './bounded-family.ts'

export interface OpenConnections {
  /** A row of the connection; `labels` gives the series of its family. */
  see(batch: Batch, row: number, at: { readonly labels: string; readonly nowMs: number }): void
  tick(nowMs: number): void
  /** Brings the values of the family's series up to date. */
  settle(nowMs: number): void
  size(): number
}

interface Open {
  readonly series: BoundedSeries
  readonly startMs: number
  lastMs: number
}

/** An open connection has a row each minute; two may be late. */
export const openForMs = 150_000
/** Beyond, a new connection is not followed. */
const connectionsMax = 1_000_000

export function createOpenConnections(family: BoundedFamily): OpenConnections {
  const open = new Map<string, Open>()
  const perSeries = new Set<BoundedSeries>()

  function see(batch: Batch, row: number, at: { readonly labels: string; nowMs: number }): void {
    const id = batch.columns['connection_id']?.values as Uint32Array
    const key = `${id[row * 2 + 1]}.${id[row * 2]}`
    const known = open.get(key)
    if (batch.columns['end']?.nulls?.[row] === 0) {
      if (!known && family.metric.op === 'oldest') ended(batch, row, at)
      if (known) known.series.lastMs = at.nowMs
      if (known) keepAge(known, at.nowMs)
      open.delete(key)
    } else if (known) {
      known.lastMs = at.nowMs
      known.series.lastMs = at.nowMs
    } else if (open.size < connectionsMax) {
      const series = family.seriesOf(at.labels, at.nowMs)
      series.lastMs = at.nowMs
      perSeries.add(series)
      open.set(key, { series, startMs: startOf(batch, row) ?? at.nowMs, lastMs: at.nowMs })
    }
  }

  /** It opened and ended within one interval. */
  function ended(batch: Batch, row: number, at: { readonly labels: string; nowMs: number }): void {
    const series = family.seriesOf(at.labels, at.nowMs)
    series.lastMs = at.nowMs
    const startMs = startOf(batch, row)
    const endMs = timeOf(batch, 'end', row)
    if (startMs !== undefined && endMs !== undefined) series.value = (endMs - startMs) / 1000
  }

  function keepAge({ series, startMs }: Open, nowMs: number): void {
    if (family.metric.op === 'oldest') series.value = Math.max(0, nowMs - startMs) / 1000
  }

  function tick(nowMs: number): void {
    for (const [key, { lastMs }] of open) if (nowMs - lastMs >= openForMs) open.delete(key)
  }

  function settle(nowMs: number): void {
    if (family.metric.op === 'open') {
      countOpen(nowMs)
      return
    }
    const oldest = new Map<BoundedSeries, number>()
    for (const { series, startMs } of open.values()) {
      oldest.set(series, Math.min(oldest.get(series) ?? startMs, startMs))
    }
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
    for (const { series } of open.values()) series.value++
    for (const series of perSeries) if (series.value === 0) perSeries.delete(series)
  }

  return { see, tick, settle, size: () => open.size }
}

function startOf(batch: Batch, row: number): number | undefined {
  return timeOf(batch, 'start', row)
}

/** Milliseconds since 1970; undefined when the row does not know it. */
function timeOf(batch: Batch, name: string, row: number): number | undefined {
  const column = batch.columns[name]
  if (!column || column.nulls?.[row] === 1) return undefined
  const { values } = column
  const ns = (values[row * 2 + 1] as number) * 0x1_0000_0000 + (values[row * 2] as number)
  return ns / 1e6
}
