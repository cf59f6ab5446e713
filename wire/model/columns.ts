// Rows in memory: one typed array per field, no object per row. Grown by doubling, reused between intervals.

import type { Field, Table } from './field.ts'
import { createInterner, type Interner } from './interner.ts'

/** The values of one field over all rows of a batch. */
export interface Column {
  readonly field: Field
  /** See the table in field.ts: pairs (time, id) hold 2 elements a row, addresses 16 octets. */
  values: Float64Array | Uint32Array | Uint16Array | Uint8Array
  /** Of nullable fields: 1 = null. */
  nulls: Uint8Array | undefined
}

/** Rows as columns; `names` holds the texts of all name columns. */
export interface Batch {
  readonly table: Table
  /** Number of rows that are filled. */
  length: number
  readonly capacity: number
  readonly names: Interner
  readonly columns: Readonly<Record<string, Column>>
}

/** Makes an empty batch; name columns hold indexes into `names`. */
export function createBatch(table: Table, capacity: number, names = createInterner()): Batch {
  const columns: Record<string, Column> = {}
  for (const field of table.fields) {
    const nulls = field.nullable ? new Uint8Array(capacity) : undefined
    columns[field.name] = { field, values: allocate(field, capacity), nulls }
  }
  return { table, length: 0, capacity, names, columns }
}

/** A batch twice as large with the same rows and the same interner. */
export function grown(batch: Batch): Batch {
  const larger = createBatch(batch.table, batch.capacity * 2, batch.names)
  larger.length = batch.length
  for (const field of batch.table.fields) {
    const from = batch.columns[field.name] as Column
    const to = larger.columns[field.name] as Column
    to.values.set(from.values)
    if (from.nulls) to.nulls?.set(from.nulls)
  }
  return larger
}

function allocate(field: Field, capacity: number): Column['values'] {
  switch (field.kind) {
    case 'time':
    case 'id':
      return new Uint32Array(capacity * 2)
    case 'address':
      return new Uint8Array(capacity * 16)
    case 'counter':
      return new Float64Array(capacity)
    case 'name':
    case 'u32':
      return new Uint32Array(capacity)
    case 'u16':
      return new Uint16Array(capacity)
    case 'u8':
    case 'flag':
      return new Uint8Array(capacity)
  }
}
