// Times of records, nanoseconds since the boot, as the columns have them: nanoseconds since 1970. In u32 halves, so that a
// row makes no BigInt.

import type { Moment } from './moment.ts'

/** A column of times; one that may be unknown has `nulls`. */
interface TimeColumn {
  readonly values: Uint32Array
  readonly nulls?: Uint8Array
}

export interface WallTime {
  /** Rows from here on belong to this moment. */
  begin(moment: Moment): void
  /** The time at word `at` of a record. */
  write(column: TimeColumn, row: number, from: Uint32Array, at: number): void
  /** The moment itself. */
  writeNow(column: TimeColumn, row: number): void
}

export function createWallTime(): WallTime {
  const [now, offset] = [new Uint32Array(2), new Uint32Array(2)]

  function begin({ time, bootToWallNs }: Moment): void {
    split(now, time)
    split(offset, bootToWallNs)
  }

  function write(column: TimeColumn, row: number, from: Uint32Array, at: number): void {
    const low = (from[at] as number) + (offset[0] as number)
    const high = (from[at + 1] as number) + (offset[1] as number)
    if (column.nulls) column.nulls[row] = 0
    column.values[row * 2] = low
    column.values[row * 2 + 1] = high + (low > 0xffff_ffff ? 1 : 0)
  }

  function writeNow(column: TimeColumn, row: number): void {
    if (column.nulls) column.nulls[row] = 0
    column.values[row * 2] = now[0] as number
    column.values[row * 2 + 1] = now[1] as number
  }

  return { begin, write, writeNow }
}

/** A record that does not know a time has 0 there. */
export function isTimeKnown(from: Uint32Array, at: number): boolean {
  return from[at] !== 0 || from[at + 1] !== 0
}

function split(to: Uint32Array, ns: bigint): void {
  to[0] = Number(ns & 0xffff_ffffn)
  to[1] = Number(ns >> 32n)
}
