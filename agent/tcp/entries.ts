// What a checkpoint says: one entry for every connection of which a row was reported or is deferred and that is
// open, or that has ended and may be joined by another end, by its slot in the table. The table remembers what the last one said of each slot in one octet, so that the next can say only what
// changed. Compared once per frame: nothing in the path of a record has to remember to mark a change.
//
//   said  128  there is an entry    64  its totals, or the whole connection, are others since
//      4, 32  direction known, indexed, as in `flags`    3, 24  end of src, dst: 0 none, 1 closed, 2 open
//
// All else of an entry is fixed with the first row, or changes with an end.

import { word } from '../drain/record.ts'
import {
  type ConnectionTable,
  flag,
  isSet,
  said,
  totals as totalCount,
} from './connection-table.ts'
import { type EndTable, u32At } from './end-table.ts'
import type { Connections } from './state.ts'

/** u32 words of one entry: six f64 (the totals as reported), then as `at` says. */
export const entryWords = 24
export const at = { src: 12, dst: 14, id: 16, start: 18, pair: 20, flags: 22, slot: 23 } as const
export const known = {
  rowSent: 1,
  directionKnown: 2,
  paired: 4,
  /** Its end was reported. */
  ended: 8,
  /** An end at this side was seen. */
  srcSeen: 16,
  dstSeen: 32,
  peerHere: 64,
} as const

/** From one checkpoint to the next; valid until the next is asked for. */
export interface EntryChanges {
  /** `entryWords` for each entry that is new or another than before. */
  readonly entries: Uint32Array
  /** Slots whose entry is no more; none of them is among `entries`. */
  readonly gone: Uint32Array
}

export interface Entries {
  /** What changed since the last call; with `whole` all there is, as if nothing had been said before. */
  changes(whole: boolean): EntryChanges
}

/** A row was reported or is deferred, not our own. */
function isExported(flags: number): boolean {
  return (flags & (flag.rowSent | flag.waiting)) !== 0 && (flags & flag.own) === 0
}

export function createEntries(state: Connections): Entries {
  /** Changed slots from the front, gone ones from the back. */
  let slots = new Uint32Array(0)
  let scratch = new ArrayBuffer(0)

  function changes(whole: boolean): EntryChanges {
    const { table } = state
    if (slots.length < table.high) slots = new Uint32Array(table.capacity)
    let changed = 0
    let gone = slots.length
    for (let slot = 0; slot < table.high; slot++) {
      const now = statementOf(table, state.ends, slot)
      const before = table.said[slot] as number
      if (now === before && !whole) continue
      table.said[slot] = now
      if (now !== 0) slots[changed++] = slot
      else if ((before & said.entry) !== 0 && !whole) slots[--gone] = slot
    }
    return { entries: write(changed), gone: slots.subarray(gone) }
  }

  function write(count: number): Uint32Array {
    const words = memoryFor(count * entryWords * 4)
    const numbers = new Float64Array(words.buffer, 0, words.length >> 1)
    for (let entry = 0; entry < count; entry++) {
      writeEntry(state, slots[entry] as number, { words, numbers, from: entry * entryWords })
    }
    return words.subarray(0, count * entryWords)
  }

  /** Memory of an earlier call is used again when it is neither too small nor far too large. */
  function memoryFor(length: number): Uint32Array {
    const fits = scratch.byteLength >= length && scratch.byteLength <= 4 * length
    if (!fits) scratch = new ArrayBuffer(Math.ceil(length / 16) * 24)
    return new Uint32Array(scratch)
  }

  return { changes }
}

function statementOf(table: ConnectionTable, ends: EndTable, slot: number): number {
  const flags = table.flags[slot] as number
  if (!isExported(flags)) return 0
  const src = endOf(ends, table.src[slot] as number)
  const dst = endOf(ends, table.dst[slot] as number)
  return said.entry | (flags & (flag.directionKnown | flag.indexed)) | src | (dst << 3)
}

function endOf(ends: EndTable, end: number): number {
  if (end < 0) return 0
  return ends.closed[end] === 0 ? 2 : 1
}

interface Place {
  readonly words: Uint32Array
  readonly numbers: Float64Array
  readonly from: number
}

function writeEntry(state: Connections, connection: number, { words, numbers, from }: Place): void {
  const { table } = state
  for (let index = 0; index < totalCount; index++) {
    numbers[from / 2 + index] = table.reported[connection * totalCount + index] as number
  }
  writeCookie(state, words, from + at.src, table.src[connection] as number)
  writeCookie(state, words, from + at.dst, table.dst[connection] as number)
  words[from + at.id] = table.id[connection * 2] as number
  words[from + at.id + 1] = table.id[connection * 2 + 1] as number
  words[from + at.start] = table.start[connection * 2] as number
  words[from + at.start + 1] = table.start[connection * 2 + 1] as number
  words[from + at.pair] = isSet(table, connection, flag.indexed)
    ? (table.pair[connection * 2] as number)
    : 0
  words[from + at.pair + 1] = isSet(table, connection, flag.indexed)
    ? (table.pair[connection * 2 + 1] as number)
    : 0
  words[from + at.flags] = flagsOf(state, connection)
  words[from + at.slot] = connection
}

function writeCookie(state: Connections, words: Uint32Array, to: number, slot: number): void {
  const open = slot >= 0 && state.ends.closed[slot] === 0
  words[to] = open ? u32At(state.ends, slot, word.cookie) : 0
  words[to + 1] = open ? u32At(state.ends, slot, word.cookie + 1) : 0
}

function flagsOf({ table }: Connections, connection: number): number {
  const has = (bit: number, meaning: number) => (isSet(table, connection, bit) ? meaning : 0)
  const src = (table.src[connection] as number) >= 0 ? known.srcSeen : 0
  const dst = (table.dst[connection] as number) >= 0 ? known.dstSeen : 0
  return (
    has(flag.rowSent, known.rowSent) |
    has(flag.directionKnown, known.directionKnown) |
    has(flag.indexed, known.paired) |
    has(flag.endSent, known.ended) |
    has(flag.srcSeen, known.srcSeen) |
    has(flag.dstSeen, known.dstSeen) |
    has(flag.peerHere, known.peerHere) |
    src |
    dst
  )
}
