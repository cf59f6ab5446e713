// Rows of one table in memory that is used again: grows to what an interval needs, shrinks when many needed less.
// A row begins with the empty value in every field (0, '' or null), whatever the memory held before; who writes it
// sets the fields that it has.

import {
  type Batch,
  clearBatch,
  createBatch,
  type Field,
  grown,
  type TableOf,
} from '../../wire/mod.ts'
import { type Columns, columnsOf } from './columns.ts'

export interface Writer<F extends Field> {
  /** The rows since `begin`; the same memory is used again by the next one. */
  batch(): Batch
  /** Where to write the fields; others after every `begin` and every row that made the memory grow. */
  columns(): Columns<F>
  /** Forgets the rows; names are forgotten only when there are many. */
  begin(): void
  /** The number of a new row, all of its fields empty. */
  next(): number
}

/** Rows of one frame: a busy interval is several, so that its memory is a frame's and not that of all its rows. */
export const batchRowsMax = 16_384

const namesMax = 65_536
const capacityMin = 1024
/** When so many reports in a row need a quarter of the batch at most, it begins anew smaller. */
const calmReports = 12

export function createWriter<F extends Field>(table: TableOf<F>): Writer<F> {
  let batch = createBatch(table, capacityMin)
  let columns = use(batch)
  let reports = 0
  let most = 0

  function use(fresh: Batch): Columns<F> {
    batch = fresh
    empty(batch, batch.length, batch.capacity)
    return columnsOf<F>(batch)
  }

  function begin(): void {
    most = Math.max(most, batch.length)
    reports++
    if (batch.names.size() > namesMax) columns = use(createBatch(table, batch.capacity))
    else if (isTooLarge()) {
      const capacity = Math.max(batch.capacity / 4, capacityMin)
      columns = use(createBatch(table, capacity, batch.names))
    } else {
      empty(batch, 0, batch.length)
      clearBatch(batch)
    }
  }

  /** Asked at every begin; true at most once in `calmReports`. */
  function isTooLarge(): boolean {
    if (reports < calmReports) return false
    const isLarge = batch.capacity > capacityMin && most * 4 <= batch.capacity
    reports = 0
    most = 0
    return isLarge
  }

  function next(): number {
    if (batch.length === batch.capacity) columns = use(grown(batch))
    return batch.length++
  }

  return { batch: () => batch, columns: () => columns, begin, next }
}

/** Rows [from, to) have the empty value in every field; of a nullable one that is null. */
function empty({ columns, capacity }: Batch, from: number, to: number): void {
  for (const { values, nulls } of Object.values(columns)) {
    const width = values.length / capacity
    values.fill(0, from * width, to * width)
    nulls?.fill(1, from, to)
  }
}
