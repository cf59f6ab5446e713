// Order of rows in memory, as the API's `order` says it.

import type { Row } from '../../wire/mod.ts'
import { cliError } from '../errors.ts'
import { nearest } from '../parse/nearest.ts'

/** By a field, `-` before it: largest first; nulls last. Throws AppError bad_value for no such name. */
export function ordered(
  command: string,
  order: string,
  names: readonly string[],
): (one: Row, other: Row) => number {
  const name = order.replace(/^-/, '')
  if (!names.includes(name)) {
    const near = nearest(name, names)
    const expected = near ? `a field; did you mean ${near}?` : 'a field of the rows'
    throw cliError('bad_value', { details: { command, name: '--order', value: order, expected } })
  }
  const sign = order.startsWith('-') ? -1 : 1
  return (one, other) => {
    const [left, right] = [one[name] ?? null, other[name] ?? null]
    if (left === right) return 0
    if (left === null || right === null) return left === null ? 1 : -1
    return left < right ? -sign : sign
  }
}
