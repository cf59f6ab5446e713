// Checks every octet of structure in a Native block before central trusts it: an agent may be broken, or not
// an agent at all. What passes is a block of exactly the columns of the sender's schema, which the engine reads
// without error. Runs over the octets in place: nothing is allocated per value.

import { type Field, fieldsOf, type Table } from '../model/field.ts'
import { columnType } from './column-type.ts'
import { type Cursor, damaged, readU64, readVarint, take } from './cursor.ts'
import { isZero } from './zeros.ts'

/** What the frame's header says about the block. */
export interface BlockClaim {
  readonly rows: number
  /** Of the `time` column, nanoseconds since 1970. */
  readonly timeMin: bigint
  readonly timeMax: bigint
}

/** A checked block and where its columns lie: what reads or replaces whole columns needs no second look. */
export interface BlockView {
  readonly table: Table
  /** The fields of the sender's schema, in the block's order. */
  readonly fields: readonly Field[]
  readonly rows: number
  readonly octets: Uint8Array
  /** Per field: where its column begins (name and type), where its data begin, where it ends. */
  readonly from: Uint32Array
  readonly data: Uint32Array
  readonly to: Uint32Array
}

/** Throws `bad_frame` when the octets are no block of the schema with the claimed rows and times. */
export type BlockCheck = (block: Uint8Array, claim: BlockClaim) => BlockView

/** Octets of the longest name a dictionary may hold. */
export const nameLengthMax = 4096
/** Octets of the longest value of a text, octets or list field. */
export const textLengthMax = 65_536
/** Texts of all lists of a column at most, per row on average. */
const listLengthMax = 1024

interface ColumnCheck {
  readonly field: Field
  /** Name and type as the block must spell them, lengths included. */
  readonly head: Uint8Array
}

/** Octets of one value; 0 = its own check moves over it. */
export const widths: Readonly<Record<Field['kind'], number>> = {
  time: 8,
  name: 0,
  text: 0,
  octets: 0,
  list: 0,
  address: 16,
  counter: 8,
  id: 8,
  u8: 1,
  u16: 2,
  u32: 4,
  flag: 1,
}

/** Prepares the check of one table's blocks, of its schema of today or of an older one. */
export function createBlockCheck(table: Table, schema = table.schema): BlockCheck {
  const checkLeading = createLeadingCheck(table, schema)
  return (block, claim) => {
    const view = checkLeading(block, claim)
    if (view.octets.length !== block.length) throw damaged('octets follow its block')
    return view
  }
}

/** All blocks of a file that is nothing but blocks of the table, one after the other. Throws `bad_frame`. */
export function createBlocksReader(
  table: Table,
  schema = table.schema,
): (octets: Uint8Array) => readonly BlockView[] {
  const checkLeading = createLeadingCheck(table, schema)
  return (octets) => {
    const views: BlockView[] = []
    for (let at = 0; at < octets.length; at += (views.at(-1) as BlockView).octets.length) {
      const rest = octets.subarray(at)
      views.push(checkLeading(rest, { ...anyTime, rows: rowsOf(rest) }))
    }
    return views
  }
}

const anyTime = { timeMin: 0n, timeMax: 2n ** 63n - 1n }

/** Of a block that begins there: the number behind that of its columns. */
function rowsOf(octets: Uint8Array): number {
  const view = new DataView(octets.buffer, octets.byteOffset, octets.length)
  const cursor: Cursor = { octets, view, rows: 0, at: 0 }
  readVarint(cursor)
  return readVarint(cursor)
}

/** Checks the block that the octets begin with; the view ends where it ends. */
function createLeadingCheck(table: Table, schema: number): BlockCheck {
  const fields = fieldsOf(table, schema)
  const columns: readonly ColumnCheck[] = fields.map((field) => ({
    field,
    head: headOf(field),
  }))

  return (block, claim) => {
    const data = new DataView(block.buffer, block.byteOffset, block.length)
    const cursor: Cursor = { octets: block, view: data, rows: claim.rows, at: 0 }
    const view = emptyView(table, fields, cursor)
    if (readVarint(cursor) !== columns.length) throw damaged('its number of columns differs')
    if (readVarint(cursor) !== claim.rows) throw damaged('its number of rows differs')
    for (const [index, column] of columns.entries()) {
      view.from[index] = cursor.at
      checkHead(cursor, column)
      view.data[index] = cursor.at
      checkColumn(cursor, column.field, claim)
      view.to[index] = cursor.at
    }
    return cursor.at === block.length ? view : { ...view, octets: block.subarray(0, cursor.at) }
  }
}

/** A view that does not say yet where its columns lie. */
export function emptyView(
  table: Table,
  fields: readonly Field[],
  { rows, octets }: Pick<BlockView, 'rows' | 'octets'>,
): BlockView {
  const places = () => new Uint32Array(fields.length)
  return { table, fields, rows, octets, from: places(), data: places(), to: places() }
}

function checkHead(cursor: Cursor, { field, head }: ColumnCheck): void {
  const from = take(cursor, head.length, field)
  for (let at = 0; at < head.length; at++) {
    if (cursor.octets[from + at] !== head[at]) throw damaged(`column ${field.name} is not there`)
  }
}

function checkColumn(cursor: Cursor, field: Field, claim: BlockClaim): void {
  if (field.nullable) checkBits(cursor, take(cursor, cursor.rows, field), field)
  if (field.kind === 'name') checkNames(cursor, field)
  else if (field.kind === 'list') checkLists(cursor, field)
  else if (widths[field.kind] === 0) checkTexts(cursor, field, cursor.rows)
  else checkFixed(cursor, field, claim)
}

function checkFixed(cursor: Cursor, field: Field, claim: BlockClaim): void {
  const data = take(cursor, cursor.rows * widths[field.kind], field)
  if (field.kind === 'flag') checkBits(cursor, data, field)
  if (field.kind === 'counter') checkCounters(cursor, data, field)
  if (field.name === 'time') checkTimes(cursor, data, claim)
}

/** Null maps and flags hold 0 and 1 only. */
function checkBits(cursor: Cursor, from: number, field: Field): void {
  const { octets, rows } = cursor
  if (isZero(octets, from, from + rows)) return
  let seen = 0
  for (let at = from; at < from + rows; at++) seen |= octets[at] as number
  if (seen > 1) throw damaged(`${field.name} has a bit that is no bit`)
}

/** Counters must fit the numbers of JSON: below 2^53. */
function checkCounters(cursor: Cursor, from: number, field: Field): void {
  if (isZero(cursor.octets, from, from + cursor.rows * 8)) return
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

/** String: a length and octets per value. */
function checkTexts(cursor: Cursor, field: Field, count: number): void {
  for (let value = 0; value < count; value++) {
    const length = readVarint(cursor)
    if (length > textLengthMax) throw damaged(`${field.name} has a value of ${length} octets`)
    take(cursor, length, field)
  }
}

/** Array(String): where each row's list ends, then the texts. */
function checkLists(cursor: Cursor, field: Field): void {
  let end = 0
  for (let row = 0; row < cursor.rows; row++) {
    const next = readU64(cursor, field)
    if (next < end) throw damaged(`${field.name} has a list that ends before it begins`)
    end = next
  }
  if (end > cursor.rows * listLengthMax) throw damaged(`${field.name} has ${end} texts`)
  checkTexts(cursor, field, end)
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
  const to = from + cursor.rows * width
  if (isZero(cursor.octets, from, to)) return
  if (highestIndex(cursor, width, from, to) >= keys) {
    throw damaged(`${field.name} has an index outside its dictionary`)
  }
}

/** A loop for each width: one that asks for the width of every index takes three times as long. */
function highestIndex({ octets, view }: Cursor, width: number, from: number, to: number): number {
  let highest = 0
  if (width === 1) {
    for (let at = from; at < to; at++) highest = Math.max(highest, octets[at] as number)
  } else if (width === 2) {
    for (let at = from; at < to; at += 2) highest = Math.max(highest, view.getUint16(at, true))
  } else {
    for (let at = from; at < to; at += 4) highest = Math.max(highest, view.getUint32(at, true))
  }
  return highest
}

/** Name and type of a column as a block spells them, each with its length. */
export function headOf(field: Field): Uint8Array {
  return Buffer.concat([lengthAndText(field.name), lengthAndText(columnType(field))])
}

function lengthAndText(text: string): Uint8Array {
  const octets = Buffer.from(text)
  return Buffer.concat([Uint8Array.of(octets.length), octets])
}
