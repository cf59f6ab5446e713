// Reads columns of a checked block back into a batch: for what central fills in, live readers and exports.

import { type Batch, type Column, createBatch } from '../model/columns.ts'
import type { Field } from '../model/field.ts'
import type { Interner } from '../model/interner.ts'
import { type BlockView, widths } from './block-check.ts'
import { type Cursor, readU64, readVarint, take } from './cursor.ts'
import { isZero } from './zeros.ts'

/**
 * The columns of the view under `names` (all of them when left out) as a batch of its table that has no others, with
 * values that may be changed. What the view's schema does not have reads as it does in the store: 0, '', null or `older`.
 */
export function readBlock(view: BlockView, names?: readonly string[], interner?: Interner): Batch {
  const wanted = names && new Set(names)
  const fields = view.table.fields.filter(({ name }) => wanted?.has(name) ?? true)
  const batch = createBatch(view.table, view.rows, interner, fields)
  batch.length = view.rows
  for (const field of fields) {
    const index = view.fields.indexOf(field)
    const column = batch.columns[field.name] as Column
    if (index < 0) fillOlder(column)
    else readColumn(batch, column, cursorAt(view, index))
  }
  return batch
}

/** What rows of a schema without the field have. */
export function fillOlder({ field, values, nulls }: Column): void {
  if (field.older !== undefined) values.fill(field.older)
  else nulls?.fill(1)
}

function cursorAt(view: BlockView, index: number): Cursor {
  const { octets, rows } = view
  const data = new DataView(octets.buffer, octets.byteOffset, octets.length)
  return { octets, view: data, rows, at: view.data[index] as number }
}

function readColumn(batch: Batch, column: Column, cursor: Cursor): void {
  const { field, values, nulls } = column
  const { octets, rows } = cursor
  if (nulls) {
    const from = take(cursor, rows, field)
    nulls.set(octets.subarray(from, from + rows))
  }
  if (field.kind === 'name') readNames(batch, column, cursor)
  else if (field.kind === 'text') {
    for (let row = 0; row < rows; row++) values[row] = batch.names.index(readText(cursor, field))
  } else if (field.kind === 'octets') {
    for (let row = 0; row < rows; row++) {
      values[row] = batch.heap.octets.push(Uint8Array.from(readOctets(cursor, field))) - 1
    }
  } else if (field.kind === 'list') readLists(batch, column, cursor)
  else if (field.kind === 'counter') readCounters(values, cursor, field)
  else {
    const length = rows * widths[field.kind]
    const from = take(cursor, length, field)
    new Uint8Array(values.buffer).set(octets.subarray(from, from + length))
  }
}

function readCounters(values: Column['values'], cursor: Cursor, field: Field): void {
  const from = take(cursor, cursor.rows * 8, field)
  if (isZero(cursor.octets, from, cursor.at)) return
  for (let row = 0; row < cursor.rows; row++) {
    const at = from + row * 8
    const high = cursor.view.getUint32(at + 4, true)
    values[row] = cursor.view.getUint32(at, true) + high * 0x1_0000_0000
  }
}

function readNames(batch: Batch, { field, values }: Column, cursor: Cursor): void {
  readU64(cursor, field)
  const width = 1 << (readU64(cursor, field) - 0x600)
  const keys = new Uint32Array(readU64(cursor, field))
  for (let key = 0; key < keys.length; key++) keys[key] = batch.names.index(readText(cursor, field))
  readU64(cursor, field)
  const from = take(cursor, cursor.rows * width, field)
  // The key 0 is the empty name, which has the index 0.
  if (!isZero(cursor.octets, from, cursor.at)) readIndexes(values, keys, { cursor, from, width })
}

interface Indexes {
  readonly cursor: Cursor
  readonly from: number
  readonly width: number
}

/** A loop for each width, as in the check. */
function readIndexes(
  values: Column['values'],
  keys: Uint32Array,
  { cursor: { rows, octets, view }, from, width }: Indexes,
): void {
  if (width === 1) {
    for (let row = 0; row < rows; row++) values[row] = keys[octets[from + row] as number] as number
  } else if (width === 2) {
    for (let row = 0; row < rows; row++) {
      values[row] = keys[view.getUint16(from + row * 2, true)] as number
    }
  } else {
    for (let row = 0; row < rows; row++) {
      values[row] = keys[view.getUint32(from + row * 4, true)] as number
    }
  }
}

function readLists(batch: Batch, { field, values }: Column, cursor: Cursor): void {
  const begin = take(cursor, cursor.rows * 8, field)
  if (isZero(cursor.octets, begin, cursor.at)) return
  cursor.at = begin
  const ends = Array.from({ length: cursor.rows }, () => readU64(cursor, field))
  let from = 0
  for (const [row, end] of ends.entries()) {
    const texts = Array.from({ length: end - from }, () => readText(cursor, field))
    values[row] = texts.length === 0 ? 0 : batch.heap.lists.push(texts) - 1
    from = end
  }
}

function readText(cursor: Cursor, field: Field): string {
  const { buffer, byteOffset, length } = readOctets(cursor, field)
  return Buffer.from(buffer, byteOffset, length).toString()
}

function readOctets(cursor: Cursor, field: Field): Uint8Array {
  const length = readVarint(cursor)
  const from = take(cursor, length, field)
  return cursor.octets.subarray(from, from + length)
}
