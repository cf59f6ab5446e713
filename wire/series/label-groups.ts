// Which rows of a batch have the same labels, as a number per row: a label's text is then made once per group, not once
// per row. Rows are compared by the words of their columns, so nothing is made for a row.

import type { Batch, Column } from '../model/columns.ts'

export interface RowGroups {
  /** Group by row, from 0 on, in the order of their first rows. */
  readonly of: Uint32Array
  /** The first row of each group. */
  readonly firsts: readonly number[]
}

/** Groups rows by the columns under `names`; a name that the table does not have divides nothing. */
export type RowGrouper = (batch: Batch, names: readonly string[]) => RowGroups

export function createRowGrouper(): RowGrouper {
  /** Open addressing: group + 1, 0 = empty. Kept between batches, as the words are. */
  let table = new Uint32Array(1024)
  let words = new Uint32Array(1024)

  return (batch, names) => {
    const parts = names.flatMap((name) => wordsOf(batch, batch.columns[name]))
    const width = parts.reduce((sum, part) => sum + part.width, 0)
    if (words.length < batch.length * width) words = new Uint32Array(batch.length * width)
    pack(parts, words, width)
    const size = 2 ** Math.ceil(Math.log2(2 * batch.length + 1))
    if (table.length < size) table = new Uint32Array(size)
    table.fill(0, 0, size)
    const of = new Uint32Array(batch.length)
    const firsts: number[] = []
    for (let row = 0; row < batch.length; row++) {
      let place = hashAt(words, row * width, width) & (size - 1)
      let group = (table[place] as number) - 1
      while (group >= 0 && !isSame(words, row, firsts[group] as number, width)) {
        place = (place + 1) & (size - 1)
        group = (table[place] as number) - 1
      }
      if (group < 0) {
        group = firsts.push(row) - 1
        table[place] = group + 1
      }
      of[row] = group
    }
    return { of, firsts }
  }
}

/** The columns as words of one array, row by row: a loop that meets one type of array is several times as fast. */
function pack(parts: readonly Words[], to: Uint32Array, width: number): void {
  let offset = 0
  for (const part of parts) {
    spread(part, to, offset, width)
    offset += part.width
  }
}

interface Words {
  readonly words: Uint32Array
  /** Of one row. */
  readonly width: number
}

function spread({ words, width }: Words, to: Uint32Array, offset: number, toWidth: number): void {
  for (let from = 0, at = offset; from < words.length; at += toWidth) {
    for (let index = 0; index < width; index++) to[at + index] = words[from++] as number
  }
}

/** A column that may be null has a word that says so. */
function wordsOf({ length, capacity }: Batch, column: Column | undefined): readonly Words[] {
  if (!column) return []
  const { values, nulls } = column
  const octets = values.byteLength / capacity
  const words =
    octets < 4
      ? new Uint32Array(values.subarray(0, length))
      : new Uint32Array(values.buffer, values.byteOffset, (length * octets) / 4)
  const own = { words, width: Math.max(octets / 4, 1) }
  return nulls ? [own, { words: new Uint32Array(nulls.subarray(0, length)), width: 1 }] : [own]
}

function hashAt(words: Uint32Array, at: number, width: number): number {
  let hash = 0
  for (let index = at; index < at + width; index++) {
    hash = Math.imul(hash ^ (words[index] as number), 0x9e37_79b1)
    hash ^= hash >>> 15
  }
  return hash >>> 0
}

function isSame(words: Uint32Array, row: number, other: number, width: number): boolean {
  for (let index = 0; index < width; index++) {
    if (words[row * width + index] !== words[other * width + index]) return false
  }
  return true
}
