// Moves through the octets of a block. Whatever they say, nothing outside them is read.

import { wireError } from '../errors.ts'
import type { Field } from '../model/field.ts'

export interface Cursor {
  readonly octets: Uint8Array
  readonly view: DataView
  readonly rows: number
  at: number
}

/** Moves over `length` octets and gives where they begin. */
export function take(cursor: Cursor, length: number, field: Field): number {
  const from = cursor.at
  if (length > cursor.octets.length - from) throw damaged(`it ends within ${field.name}`)
  cursor.at = from + length
  return from
}

/** LEB128 of at most 32 bits. */
export function readVarint(cursor: Cursor): number {
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
export function readU64(cursor: Cursor, field: Field): number {
  const from = take(cursor, 8, field)
  if (cursor.view.getUint32(from + 4, true) !== 0) throw damaged(`${field.name} has a huge number`)
  return cursor.view.getUint32(from, true)
}

/** The one error of a block. */
export function damaged(what: string) {
  return wireError('bad_frame', { details: { what } })
}
