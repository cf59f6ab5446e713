// Metrics over rows in memory, for `--local` and live readers: a tally per group, rows added one by one. What it says
// is what the store's SQL of the same metric says (store/query/metric-sql.ts); a test holds one against the other.

import { rowTest } from '../filter/predicate.ts'
import type { Batch, Column } from './columns.ts'
import type { Metric } from './flow-metrics.ts'

/** What was seen so far of each metric, in their order. */
export type Tally = readonly Part[]

interface Part {
  /** Of a sum or a count; null until a row has a value. */
  sum: number | null
  /** Of a distinct count: each value as a text. */
  readonly seen: Set<string>
  /** Of a quantile, in the order they came. */
  readonly values: number[]
}

/** A tally of no rows. */
export function createTally(metrics: readonly Metric[]): Tally {
  return metrics.map(({ op, nullable }) => ({
    sum: op === 'count' || (op === 'sum' && !nullable) ? 0 : null,
    seen: new Set(),
    values: [],
  }))
}

/** Adds a row of this batch to a tally of the same metrics. */
export function tallyOf(
  metrics: readonly Metric[],
  batch: Batch,
): (tally: Tally, row: number) => void {
  const readers = metrics.map((metric) => readerOf(metric, batch))
  return (tally, row) => {
    for (const [index, read] of readers.entries()) read(tally[index] as Part, row)
  }
}

/** Adds all rows of another tally of the same metrics. */
export function joinTally(tally: Tally, other: Tally): void {
  for (const [index, part] of tally.entries()) {
    const { sum, seen, values } = other[index] as Part
    if (sum !== null) part.sum = (part.sum ?? 0) + sum
    for (const value of seen) part.seen.add(value)
    for (const value of values) part.values.push(value)
  }
}

/** The values by name of metric. */
export function tallied(metrics: readonly Metric[], tally: Tally): Record<string, number | null> {
  const found = (metric: Metric, index: number) => valueOfPart(metric, tally[index] as Part)
  return Object.fromEntries(metrics.map((metric, index) => [metric.name, found(metric, index)]))
}

function valueOfPart({ op, rank = 0 }: Metric, { sum, seen, values }: Part): number | null {
  if (op === 'distinct') return seen.size
  if (op !== 'quantile') return sum
  const sorted = Float64Array.from(values).sort()
  return sorted[Math.min(Math.floor(rank * sorted.length), sorted.length - 1)] ?? null
}

function readerOf({ op, of, where }: Metric, batch: Batch): (part: Part, row: number) => void {
  const passes = where ? rowTest(where, batch) : () => true
  const columns = of.map(({ name }) => batch.columns[name] as Column)
  const add = adders[op]
  return (part, row) => {
    if (passes(row)) add(part, columns, row)
  }
}

type Add = (part: Part, columns: readonly Column[], row: number) => void

const adders: Readonly<Record<Metric['op'], Add>> = {
  count: (part) => {
    part.sum = (part.sum ?? 0) + 1
  },
  sum: (part, columns, row) => {
    for (const column of columns) {
      if (isKnown(column, row)) part.sum = (part.sum ?? 0) + (column.values[row] as number)
    }
  },
  distinct: (part, columns, row) => {
    for (const column of columns) if (isKnown(column, row)) part.seen.add(textOf(column, row))
  },
  quantile: (part, columns, row) => {
    for (const column of columns) {
      if (isKnown(column, row)) part.values.push(column.values[row] as number)
    }
  },
}

function isKnown({ nulls }: Column, row: number): boolean {
  return nulls?.[row] !== 1
}

/** The value's own numbers: 1 of a number, 2 of a time or an id, 16 of an address. */
function textOf({ field, values }: Column, row: number): string {
  const width = field.kind === 'address' ? 16 : field.kind === 'time' || field.kind === 'id' ? 2 : 1
  return values.subarray(row * width, (row + 1) * width).join(' ')
}
