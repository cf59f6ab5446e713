// Checks every octet of structure in a Native block before central trusts it: an agent may be broken, or not
// an agent at all. What passes is a block of exactly the table's columns, which the engine reads without error.
// Runs over the octets in place: nothing is allocated per value.

import { wireError } from '../errors.ts'
import type { Field, Table } from '../model/field.ts'
import { columnType } from './column-type.ts'

/** What the frame's header says about the block. */
export interface BlockClaim {
  readonly rows: number
  /** Of the `time` column, nanoseconds since 1970. */
  readonly timeMin: bigint
  readonly timeMax: bigint
}

/** Throws `bad_frame` when the octets are no block of the table with the claimed rows and times. */
export type BlockCheck = (block: Uint8Array, claim: BlockClaim) => void

/** Octets of the longest name a dictionary may hold. */
export const nameLengthMax = 4096

interface Cursor {
  readonly octets: Uint8Array
  readonly view: DataView
  readonly rows: number
  at: number
}

interface ColumnCheck {
  readonly field: Field
  /** Name and type as the block must spell them, lengths included. */
  readonly head: Uint8Array
}

const widths: Readonly<Record<Field['kind'], number>> = {
  time: 8,
  name: 0,
  address: 16,
  counter: 8,
  id: 8,
  u8: 1,
  u16: 2,
  u32: 4,
  flag: 1,
}

/** Prepares the check of one table's blocks. */
export function createBlockCheck(table: Table): BlockCheck {
  const columns: readonly ColumnCheck[] = table.fields.map((field) => ({
    field,
    head: Buffer.concat([lengthAndText(field.name), lengthAndText(columnType(field))]),
  }))

  return (block, claim) => {
    const view = new DataView(block.buffer, block.byteOffset, block.length)
    const cursor: Cursor = { octets: block, view, rows: claim.rows, at: 0 }
    if (readVarint(cursor) !== columns.length) throw damaged('its number of columns differs')
    if (readVarint(cursor) !== claim.rows) throw damaged('its number of rows differs')
    for (const column of columns) checkColumn(cursor, column, claim)
    if (cursor.at !== block.length) throw damaged('octets follow its block')
  }
}

function checkColumn(cursor: Cursor, column: ColumnCheck, claim: BlockClaim): void {
  const { field, head } = column
  const from = take(cursor, head.length, field)
  for (let at = 0; at < head.length; at++) {
    if (cursor.octets[from + at] !== head[at]) throw damaged(`column ${field.name} is not there`)
  }
  if (field.nullable) checkBits(cursor, take(cursor, cursor.rows, field), field)
  if (field.kind === 'name') {
    checkNames(cursor, field)
    return
  }
  const data = take(cursor, cursor.rows * widths[field.kind], field)
  if (field.kind === 'flag') checkBits(cursor, data, field)
  if (field.kind === 'counter') checkCounters(cursor, data, field)
  if (field.name === 'time') checkTimes(cursor, data, claim)
}

/** Null maps and flags hold 0 and 1 only. */
function checkBits(cursor: Cursor, from: number, field: Field): void {
  for (let at = from; at < from + cursor.rows; at++) {
    if ((cursor.octets[at] as number) > 1) throw damaged(`${field.name} has a bit that is no bit`)
  }
}

/** Counters must fit the numbers of JSON: below 2^53. */
function checkCounters(cursor: Cursor, from: number, field: Field): void {
  for (let row = 0; row < cursor.rows; row++) {
    if (cursor.view.getUint32(from + row * 8 + 4, true) > 0x1f_ffff) {
      throw damaged(`${field.name} is above 2^53`)
    }
  }
}

function checkTimes(cursor: Cursor, from: number, claim: BlockClaim): void {
  const minHigh = Number(claim.timeMin >> 32n)
  const minLow = Number(claim.timeMin & 0xffff_ffffn)
  const maxHigh = Number(claim.timeMax >> 32n)
  const maxLow = Number(claim.timeMax & 0xffff_ffffn)
  for (let row = 0; row < cursor.rows; row++) {
    const low = cursor.view.getUint32(from + row * 8, true)
    const high = cursor.view.getInt32(from + row * 8 + 4, true)
    const early = high < minHigh || (high === minHigh && low < minLow)
    const late = high > maxHigh || (high === maxHigh && low > maxLow)
    if (early || late) throw damaged('a time is outside its range')
  }
}

/** LowCardinality(String): version, index width, keys, rows, indexes. */
function checkNames(cursor: Cursor, field: Field): void {
  if (readU64(cursor, field) !== 1) throw damaged(`${field.name} has an unknown dictionary version`)
  const type = readU64(cursor, field)
  const width = 1 << (type - 0x600)
  if (type < 0x600 || type > 0x602) throw damaged(`${field.name} has an unknown index width`)
  const keys = readU64(cursor, field)
  if (keys < 1 || keys > cursor.rows + 1) throw damaged(`${field.name} has ${keys} keys`)
  for (let key = 0; key < keys; key++) {
    const length = readVarint(cursor)
    if (length > nameLengthMax) throw damaged(`${field.name} has a name of ${length} octets`)
    if (key === 0 && length !== 0) throw damaged(`${field.name} has no empty name first`)
    take(cursor, length, field)
  }
  if (readU64(cursor, field) !== cursor.rows) throw damaged(`${field.name} has other rows`)
  checkIndexes(cursor, take(cursor, cursor.rows * width, field), { width, keys, field })
}

function checkIndexes(
  cursor: Cursor,
  from: number,
  names: { readonly width: number; readonly keys: number; readonly field: Field },
): void {
  const { width, keys, field } = names
  const { view } = cursor
  const end = from + cursor.rows * width
  for (let at = from; at < end; at += width) {
    const index =
      width === 1
        ? view.getUint8(at)
        : width === 2
          ? view.getUint16(at, true)
          : view.getUint32(at, true)
    if (index >= keys) throw damaged(`${field.name} has an index outside its dictionary`)
  }
}

/** Moves over `length` octets and gives where they begin. */
function take(cursor: Cursor, length: number, field: Field): number {
  const from = cursor.at
  if (length > cursor.octets.length - from) throw damaged(`it ends within ${field.name}`)
  cursor.at = from + length
  return from
}

/** LEB128 of at most 32 bits. */
function readVarint(cursor: Cursor): number {
  let value = 0
  for (let shift = 0; shift < 35; shift += 7) {
    const octet = cursor.octets[cursor.at++]
    if (octet === undefined) throw damaged('it ends within a length')
    value += (octet & 127) * 2 ** shift
    if (octet < 128) return value
  }
  throw damaged('a length is too long')
}

/** A u64 that must be below 2^32: all of the format's are. */
function readU64(cursor: Cursor, field: Field): number {
  const from = take(cursor, 8, field)
  if (cursor.view.getUint32(from + 4, true) !== 0) throw damaged(`${field.name} has a huge number`)
  return cursor.view.getUint32(from, true)
}

function lengthAndText(text: string): Uint8Array {
  const octets = Buffer.from(text)
  return Buffer.concat([Uint8Array.of(octets.length), octets])
}

function damaged(what: string) {
  return wireError('bad_frame', { details: { what } })
}
