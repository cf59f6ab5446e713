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

/** Values of `octets` and `list` fields by index; index 0 is the empty one. */
export interface Heap {
  readonly octets: Uint8Array[]
  readonly lists: (readonly string[])[]
}

/** Rows as columns; `names` holds the texts of all name and text columns. */
export interface Batch {
  readonly table: Table
  /** Number of rows that are filled. */
  length: number
  readonly capacity: number
  readonly names: Interner
  readonly heap: Heap
  readonly columns: Readonly<Record<string, Column>>
}

/** Makes an empty batch of all or some columns; name columns hold indexes into `names`. */
export function createBatch(
  table: Table,
  capacity: number,
  names = createInterner(),
  fields: readonly Field[] = table.fields,
): Batch {
  const columns: Record<string, Column> = {}
  for (const field of fields) columns[field.name] = createColumn(field, capacity)
  return { table, length: 0, capacity, names, heap: emptyHeap(), columns }
}

/** An empty column: zeros, nothing null. */
export function createColumn(field: Field, capacity: number): Column {
  const nulls = field.nullable ? new Uint8Array(capacity) : undefined
  return { field, values: allocate(field, capacity), nulls }
}

/** A heap that holds the empty values alone. */
export function emptyHeap(): Heap {
  return { octets: [new Uint8Array(0)], lists: [[]] }
}

/** Forgets the rows; their memory and the names stay. */
export function clearBatch(batch: Batch): void {
  batch.length = 0
  batch.heap.octets.length = 1
  batch.heap.lists.length = 1
}

/** A batch twice as large with the same rows, the same interner and the same heap. */
export function grown(batch: Batch): Batch {
  const larger = createBatch(batch.table, batch.capacity * 2, batch.names)
  larger.length = batch.length
  for (const field of batch.table.fields) {
    const from = batch.columns[field.name] as Column
    const to = larger.columns[field.name] as Column
    to.values.set(from.values)
    if (from.nulls) to.nulls?.set(from.nulls)
  }
  return { ...larger, heap: batch.heap }
}

/** A batch of its own with these rows alone, each once and in their order; names are shared. */
export function pickRows(batch: Batch, rows: readonly number[]): Batch {
  const picked = createBatch(batch.table, Math.max(rows.length, 1), batch.names)
  picked.length = rows.length
  const isWhole = rows.length === batch.length
  for (const field of batch.table.fields) {
    const from = batch.columns[field.name] as Column
    const to = picked.columns[field.name] as Column
    if (isWhole) copyAll(from, to, rows.length)
    else copySome(from, to, { rows, width: from.values.length / batch.capacity })
  }
  const { octets, lists } = batch.heap
  return { ...picked, heap: { octets: [...octets], lists: [...lists] } }
}

function copyAll(from: Column, to: Column, rows: number): void {
  const width = to.values.length / Math.max(rows, 1)
  to.values.set(from.values.subarray(0, rows * width))
  to.nulls?.set((from.nulls as Uint8Array).subarray(0, rows))
}

interface Picked {
  readonly rows: readonly number[]
  /** Elements a row. */
  readonly width: number
}

function copySome(from: Column, to: Column, { rows, width }: Picked): void {
  for (const [index, row] of rows.entries()) {
    for (let part = 0; part < width; part++) {
      to.values[index * width + part] = from.values[row * width + part] as number
    }
    if (to.nulls) to.nulls[index] = from.nulls?.[row] ?? 0
  }
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
    case 'text':
    case 'octets':
    case 'list':
    case 'u32':
      return new Uint32Array(capacity)
    case 'u16':
      return new Uint16Array(capacity)
    case 'u8':
    case 'flag':
      return new Uint8Array(capacity)
  }
}
