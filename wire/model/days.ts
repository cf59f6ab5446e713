// A frame holds rows of one UTC day, so that its insert is one part of the store. Rows of one instant are of one
// day anyway; rows with times of their own (events) may lie on both sides of midnight.

import type { Batch, Column } from './columns.ts'
import { createBatch } from './columns.ts'

/** Earliest and latest `time` of rows, nanoseconds since 1970. */
export interface TimeRange {
  readonly timeMin: bigint
  readonly timeMax: bigint
}

const dayNs = 86_400_000_000_000n

/** Of a batch with at least one row. */
export function timeRange(batch: Batch): TimeRange {
  const values = batch.columns['time']?.values as Uint32Array
  let first = 0
  let last = 0
  for (let row = 1; row < batch.length; row++) {
    if (isEarlier(values, row, first)) first = row
    else if (isEarlier(values, last, row)) last = row
  }
  return { timeMin: timeAt(batch, first), timeMax: timeAt(batch, last) }
}

/** Halves are compared as they are: a batch may have very many rows. */
function isEarlier(values: Uint32Array, a: number, b: number): boolean {
  const high = (values[a * 2 + 1] as number) - (values[b * 2 + 1] as number)
  return high === 0 ? (values[a * 2] as number) < (values[b * 2] as number) : high < 0
}

/** The batch itself when all of its rows are of one UTC day, else one batch per day, earliest first. */
export function byDay(batch: Batch): readonly Batch[] {
  if (batch.length === 0) return []
  const { timeMin, timeMax } = timeRange(batch)
  if (timeMin / dayNs === timeMax / dayNs) return [batch]
  const days = new Map<bigint, number[]>()
  for (let row = 0; row < batch.length; row++) {
    const day = timeAt(batch, row) / dayNs
    const rows = days.get(day)
    if (rows) rows.push(row)
    else days.set(day, [row])
  }
  const ordered = [...days].toSorted(([a], [b]) => (a < b ? -1 : 1))
  return ordered.map(([, rows]) => rowsOf(batch, rows))
}

/** A new batch of some rows; names and heap are shared. */
function rowsOf(batch: Batch, rows: readonly number[]): Batch {
  const part = { ...createBatch(batch.table, rows.length, batch.names), heap: batch.heap }
  part.length = rows.length
  for (const [name, to] of Object.entries(part.columns)) {
    copyRows(batch.columns[name] as Column, to, { rows, capacity: batch.capacity })
  }
  return part
}

function copyRows(
  from: Column,
  to: Column,
  { rows, capacity }: { readonly rows: readonly number[]; readonly capacity: number },
): void {
  const perRow = from.values.length / capacity
  for (const [target, row] of rows.entries()) {
    for (let part = 0; part < perRow; part++) {
      to.values[target * perRow + part] = from.values[row * perRow + part] as number
    }
    if (from.nulls && to.nulls) to.nulls[target] = from.nulls[row] as number
  }
}

function timeAt({ columns }: Batch, row: number): bigint {
  const values = columns['time']?.values as Uint32Array
  return (BigInt(values[row * 2 + 1] as number) << 32n) | BigInt(values[row * 2] as number)
}
