// Order of rows in memory, as the API's `order` says it.

import type { Row } from '../../wire/mod.ts'
import { checkName } from '../parse/known-name.ts'

/** By a field, `-` before it: largest first; nulls last. Throws AppError unknown_name. */
export function ordered(order: string, names: readonly string[]): (one: Row, other: Row) => number {
  const name = order.replace(/^-/, '')
  checkName({ flag: '--order', what: 'field', typed: order }, names)
  const sign = order.startsWith('-') ? -1 : 1
  return (one, other) => {
    const [left, right] = [one[name] ?? null, other[name] ?? null]
    if (left === right) return 0
    if (left === null || right === null) return left === null ? 1 : -1
    return left < right ? -sign : sign
  }
}
