// Rows as JSON objects, as the API's answers have them, straight from columns into octets. Of some 70 columns most have
// one value in all rows of a block: those are written once, together with the names beside them.
//
//   {"time":" … ","node":"a","view":"socket","bytes": … ,"errno":"","drops":0}⏎
//   └ fixed ┘     └ fixed ─────────────────────────┘     └ fixed ────────────┘

import type { Batch, Column } from '../model/columns.ts'
import type { Field } from '../model/field.ts'
import { createTextWriter, type TextWriter } from './text-writer.ts'

/** Some rows of a batch of columns. */
export interface BatchRows {
  readonly batch: Batch
  readonly rows: readonly number[]
}

/** Rows as text, one behind the other. */
export interface JsonChunk {
  /** Each row ends with a newline. */
  readonly octets: Buffer
  /** Where the rows end, behind their newline. */
  readonly ends: readonly number[]
}

type WriteValue = (writer: TextWriter, row: number) => void

/** Octets that are the same in all rows, and the value that comes behind them. */
interface Member {
  readonly fixed: Uint8Array
  readonly value: WriteValue
}

interface Plan {
  readonly members: readonly Member[]
  readonly tail: Uint8Array
}

export interface ChunkOptions {
  /** A chunk ends with the row that brings it to so many. */
  readonly octetsMax?: number
  /** The next chunk is written over the last. */
  readonly reuse?: boolean
  /** The JSON of texts and lists, for readers that want more of it escaped than JSON asks for. */
  readonly quote?: Quote
}

type Quote = (value: unknown) => string

/** More than most rows have, so that few rows take little memory. */
const rowOctets = 2048

/** Every row, in order, with these fields alone. */
export function* jsonChunks(
  parts: readonly BatchRows[],
  fields: readonly Field[],
  { octetsMax = 256 * 1024, reuse = false, quote = JSON.stringify }: ChunkOptions = {},
): Generator<JsonChunk> {
  const count = parts.reduce((sum, { rows }) => sum + rows.length, 0)
  const writer = createTextWriter(Math.min(octetsMax + 8 * 1024, count * rowOctets))
  let ends: number[] = []
  for (const { batch, rows } of parts) {
    const { members, tail } = planOf({ batch, rows }, fields, quote)
    for (const row of rows) {
      for (const { fixed, value } of members) {
        writer.copy(fixed)
        value(writer, row)
      }
      writer.copy(tail)
      ends.push(writer.length())
      if (writer.length() < octetsMax) continue
      yield { octets: writer.take(reuse), ends }
      ends = []
    }
  }
  if (ends.length > 0) yield { octets: writer.take(reuse), ends }
}

/** The rows of a chunk, without their newlines. */
export function* rowsIn({ octets, ends }: JsonChunk): Generator<Buffer> {
  let from = 0
  for (const end of ends) {
    yield octets.subarray(from, end - 1)
    from = end
  }
}

function planOf({ batch, rows }: BatchRows, fields: readonly Field[], quote: Quote): Plan {
  const writer = createTextWriter(8 * 1024)
  const changing: { readonly end: number; readonly value: WriteValue }[] = []
  writer.text('{')
  const heads = headsOf(fields)
  for (const [index, { name }] of fields.entries()) {
    const column = batch.columns[name] as Column
    const value = writeOf(batch, column, quote)
    writer.copy(heads[index] as Buffer)
    if (isSame(column, rows)) value(writer, rows[0] as number)
    else changing.push({ end: writer.length(), value })
  }
  writer.text('}\n')
  const octets = writer.take()
  let from = 0
  const members = changing.map(({ end, value }) => {
    const fixed = octets.subarray(from, end)
    from = end
    return { fixed, value }
  })
  return { members, tail: octets.subarray(from) }
}

const knownHeads = new WeakMap<readonly Field[], readonly Buffer[]>()

/** What stands before each value; made once for fields that come again. */
function headsOf(fields: readonly Field[]): readonly Buffer[] {
  const known = knownHeads.get(fields)
  if (known) return known
  const heads = fields.map(({ name }, index) =>
    Buffer.from(`${index === 0 ? '' : ','}${JSON.stringify(name)}:`),
  )
  knownHeads.set(fields, heads)
  return heads
}

/** Whether all rows have the same in memory; no rows have not. */
function isSame({ field, values, nulls }: Column, rows: readonly number[]): boolean {
  const [first] = rows
  if (first === undefined) return false
  const width = widthOf(field)
  for (const row of rows) {
    if (nulls && nulls[row] !== nulls[first]) return false
    for (let part = 0; part < width; part++) {
      if (values[row * width + part] !== values[first * width + part]) return false
    }
  }
  return true
}

function widthOf({ kind }: Field): number {
  if (kind === 'address') return 16
  return kind === 'time' || kind === 'id' ? 2 : 1
}

function writeOf(batch: Batch, column: Column, quote: Quote): WriteValue {
  const { nulls } = column
  const known = knownWrite(batch, column, quote)
  if (!nulls) return known
  return (writer, row) => (nulls[row] === 1 ? writer.copy(nothing) : known(writer, row))
}

const nothing = Buffer.from('null')
const mark = Buffer.from('"')
const truth = [Buffer.from('false'), Buffer.from('true')] as const

function knownWrite({ names, heap }: Batch, { field, values }: Column, quote: Quote): WriteValue {
  switch (field.kind) {
    case 'name':
    case 'text':
      return remembered(values, (index) => quote(names.text(index)))
    case 'list':
      return remembered(values, (index) => quote(heap.lists[index]))
    case 'time':
      return quoted((writer, row) =>
        writer.time(values[row * 2] as number, values[row * 2 + 1] as number),
      )
    case 'id':
      return quoted((writer, row) =>
        writer.id(values[row * 2] as number, values[row * 2 + 1] as number),
      )
    case 'address':
      return quoted((writer, row) => writer.address(values as Uint8Array, row * 16))
    case 'flag':
      return (writer, row) => writer.copy(truth[values[row] === 1 ? 1 : 0])
    case 'octets':
      return quoted((writer, row) => writer.text(base64Of(heap.octets[values[row] as number])))
    default:
      return (writer, row) => writer.number(values[row] as number)
  }
}

/** The text of each index is made once. */
function remembered(values: Column['values'], textOf: (index: number) => string): WriteValue {
  const known = new Map<number, Uint8Array>()
  return (writer, row) => {
    const index = values[row] as number
    let octets = known.get(index)
    if (!octets) {
      octets = Buffer.from(textOf(index))
      known.set(index, octets)
    }
    writer.copy(octets)
  }
}

/** Of values that need no escape. */
function quoted(value: WriteValue): WriteValue {
  return (writer, row) => {
    writer.copy(mark)
    value(writer, row)
    writer.copy(mark)
  }
}

function base64Of(octets: Uint8Array | undefined): string {
  return Buffer.from(octets ?? []).toString('base64')
}
