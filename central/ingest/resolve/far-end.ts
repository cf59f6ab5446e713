// The fields that say who an end is, taken from a row of the node that sees it and put onto a row of the node
// that does not. Which fields these are follows from the table: all that rows have for both ends, but for address
// and port, which each node knows as it sees them (there may be a NAT between).

import type { StoredRow } from '../../../store/mod.ts'
import { type Batch, type Column, flowTable, type Side, twinsOf } from '../../../wire/mod.ts'

/** Values in the order of `farNames(side)`; ids as pairs of u32. */
export type FarEnd = readonly FarValue[]
type FarValue = string | number | null | readonly [number, number]

const places = new Set(['src_address', 'src_port'])
const pairs = twinsOf(flowTable).filter(({ src }) => !places.has(src.name))

/** Names of the fields of one end. */
export const farNames: Readonly<Record<Side, readonly string[]>> = {
  src: pairs.map(({ src }) => src.name),
  dst: pairs.map(({ dst }) => dst.name),
}

/** What row `row` says of its own end. */
export function readFarEnd(batch: Batch, row: number, side: Side): FarEnd {
  return farNames[side].map((name) => {
    const { field, values, nulls } = batch.columns[name] as Column
    if (nulls?.[row] === 1) return null
    if (field.kind === 'name') return batch.names.text(values[row] as number)
    if (field.kind === 'id') return [values[row * 2] as number, values[row * 2 + 1] as number]
    return values[row] as number
  })
}

/** Puts an end onto a row of another node. */
export function writeFarEnd(batch: Batch, row: number, side: Side, end: FarEnd): void {
  for (const [index, name] of farNames[side].entries()) {
    const { values, nulls } = batch.columns[name] as Column
    const value = end[index] as FarEnd[number]
    if (nulls) nulls[row] = value === null ? 1 : 0
    if (typeof value === 'string') values[row] = batch.names.index(value)
    else if (typeof value === 'number') values[row] = value
    else if (value) {
      values[row * 2] = value[0] as number
      values[row * 2 + 1] = value[1] as number
    } else values[row] = 0
  }
}

/** The same of a row that the store gave as JSON (ids as decimal text). */
export function storedFarEnd(row: StoredRow, side: Side): FarEnd {
  return farNames[side].map((name) => {
    const value = row[name] ?? null
    if (value === null || typeof value === 'number') return value
    if (name.endsWith('_id')) {
      const id = BigInt(String(value))
      return [Number(id & 0xffff_ffffn), Number(id >> 32n)]
    }
    return String(value)
  })
}
