// Encodes a batch as ONE ClickHouse Native block (revision 0), driven by the table of fields.
// Typed columns are copied whole; names become a dictionary per block; counters become two u32.

import assert from 'node:assert/strict'
import type { Batch, Column, Heap } from '../model/columns.ts'
import type { Field } from '../model/field.ts'
import { columnType } from './column-type.ts'
import { createOctetWriter, type OctetWriter } from './octet-writer.ts'
import { isZero } from './zeros.ts'

export interface BlockEncoder {
  /**
   * Native block of the batch's rows, columns in the table's order. The octets are valid until the next call.
   * A counter outside 0 … 2^53−1 or not whole is an assertion: such a row must never be made.
   */
  encode(batch: Batch): Uint8Array
  /** One column of such a block, its name and type included. Valid until the next call. */
  encodeColumn(batch: Batch, field: Field): Uint8Array
}

/** Makes an encoder that keeps its buffers between blocks. */
export function createBlockEncoder(): BlockEncoder {
  const writer = createOctetWriter()
  const dictionary = createDictionary()
  const counters = createCounters()

  function encode(batch: Batch): Uint8Array {
    writer.reset()
    writer.varint(batch.table.fields.length)
    writer.varint(batch.length)
    for (const field of batch.table.fields) write(batch, field)
    return writer.octets()
  }

  function encodeColumn(batch: Batch, field: Field): Uint8Array {
    writer.reset()
    write(batch, field)
    return writer.octets()
  }

  function write(batch: Batch, field: Field): void {
    writer.text(field.name)
    writer.text(columnType(field))
    const column = batch.columns[field.name] as Column
    const values = column.values as Uint32Array
    if (column.nulls) writer.copy(column.nulls.subarray(0, batch.length))
    if (isEmpty(column, batch.length)) writeEmpty(writer, field, batch.length)
    else if (field.kind === 'name') dictionary.write(writer, values, batch)
    else if (field.kind === 'counter') counters.write(writer, column, batch.length)
    else if (field.kind === 'text') writeTexts(writer, values, batch)
    else if (field.kind === 'octets') writeOctets(writer, values, batch)
    else if (field.kind === 'list') writeLists(writer, values.subarray(0, batch.length), batch.heap)
    else writeWhole(writer, column, batch.length)
  }

  return { encode, encodeColumn }
}

/** Octets of the empty value of kinds that take a loop over their rows to write. */
const emptyWidths: Readonly<Record<string, number>> = {
  name: 1,
  counter: 8,
  text: 1,
  octets: 1,
  list: 8,
}

/** Whether all rows are 0, which is the empty name, text, list …: true of most columns of a wide table. */
function isEmpty({ field, values }: Column, rows: number): boolean {
  if (emptyWidths[field.kind] === undefined) return false
  const length = rows * values.BYTES_PER_ELEMENT
  return isZero(new Uint8Array(values.buffer, values.byteOffset, length), 0, length)
}

function writeEmpty(writer: OctetWriter, { kind }: Field, rows: number): void {
  if (kind === 'name') writeDictionary(writer, [], rows)
  writer.room(rows * (emptyWidths[kind] as number)).fill(0)
}

/** String: each value with its length. */
function writeTexts(writer: OctetWriter, values: Uint32Array, { names, length }: Batch): void {
  for (let row = 0; row < length; row++) writer.text(names.text(values[row] as number))
}

function writeOctets(writer: OctetWriter, values: Uint32Array, { heap, length }: Batch): void {
  for (let row = 0; row < length; row++) {
    const octets = heap.octets[values[row] as number] as Uint8Array
    writer.varint(octets.length)
    writer.copy(octets)
  }
}

/** Array(String): the end of every row's list, then all their texts. */
function writeLists(writer: OctetWriter, values: Uint32Array, { lists }: Heap): void {
  let end = 0
  for (const index of values) {
    end += (lists[index] as readonly string[]).length
    writer.u64(end)
  }
  for (const index of values) {
    for (const text of lists[index] as readonly string[]) writer.text(text)
  }
}

/** Little-endian hosts only (x86-64, arm64): the column's memory is the block's. */
function writeWhole(writer: OctetWriter, column: Column, rows: number): void {
  const { values } = column
  const perRow = elementsPerRow[column.field.kind] ?? 1
  const length = rows * perRow * values.BYTES_PER_ELEMENT
  writer.copy(new Uint8Array(values.buffer, values.byteOffset, length))
}

const elementsPerRow: Readonly<Record<string, number>> = { time: 2, id: 2, address: 16 }

/** The words of one column are used again for the next: new memory costs more than filling it. */
function createCounters() {
  let pairs = new Uint32Array(2048)

  function write(writer: OctetWriter, column: Column, rows: number): void {
    if (pairs.length < rows * 2) pairs = new Uint32Array(column.values.length * 2)
    const values = column.values as Float64Array
    for (let row = 0; row < rows; row++) {
      const value = values[row] as number
      const low = value >>> 0
      const high = (value / 0x1_0000_0000) >>> 0
      if (high > 0x1f_ffff || high * 0x1_0000_0000 + low !== value) {
        assert.fail(`${column.field.name} of row ${row} is no counter: ${value}`)
      }
      pairs[row * 2] = low
      pairs[row * 2 + 1] = high
    }
    writer.copy(new Uint8Array(pairs.buffer, 0, rows * 8))
  }

  return { write }
}

/** Maps interner indexes to keys of one block; the scratch table is cleared key by key after each column. */
function createDictionary() {
  let keyOf = new Uint32Array(1024)
  let all = new Uint32Array(1024)
  const indexes: number[] = []

  function write(writer: OctetWriter, values: Uint32Array, batch: Batch): void {
    if (keyOf.length < batch.names.size()) keyOf = new Uint32Array(batch.names.size() * 2)
    if (all.length < batch.length) all = new Uint32Array(batch.capacity)
    const keys = all.subarray(0, batch.length)
    indexes.length = 0
    for (let row = 0; row < batch.length; row++) {
      const index = values[row] as number
      let key = keyOf[index] as number
      if (key === 0 && index !== 0) {
        key = indexes.push(index)
        keyOf[index] = key
      }
      keys[row] = key
    }
    for (const index of indexes) keyOf[index] = 0
    const texts = indexes.map(batch.names.text)
    writeKeys(writer, keys, writeDictionary(writer, texts, batch.length))
  }

  return { write }
}

/** All up to the keys of the rows; the width of a key comes back. */
function writeDictionary(writer: OctetWriter, texts: readonly string[], rows: number): 0 | 1 | 2 {
  const width = texts.length < 256 ? 0 : texts.length < 65_536 ? 1 : 2
  writer.u64(1)
  writer.u64(0x600 | width)
  writer.u64(texts.length + 1)
  writer.text('')
  for (const text of texts) writer.text(text)
  writer.u64(rows)
  return width
}

function writeKeys(writer: OctetWriter, keys: Uint32Array, width: 0 | 1 | 2): void {
  if (width === 0) writer.room(keys.length).set(keys)
  else if (width === 1) writer.copy(new Uint8Array(Uint16Array.from(keys).buffer))
  else writer.copy(new Uint8Array(keys.buffer, 0, keys.byteLength))
}
