// A filter with the place of its mistake under it.

import { escaped } from './escape.ts'
import { widthOf } from './width.ts'

/** Characters that are shown before and behind the place. */
const around = 36

/** Two lines; none if the details of an error do not say both filter and place. */
export function placeInFilter({
  filter,
  position,
}: Readonly<Record<string, string | number>>): readonly string[] {
  if (typeof filter !== 'string' || typeof position !== 'number') return []
  const from = position - around > 1 ? position - around : 0
  const to = position + around < filter.length - 1 ? position + around : filter.length
  const before = `${from > 0 ? '…' : ''}${escaped(filter.slice(from, position))}`
  const behind = `${escaped(filter.slice(position, to))}${to < filter.length ? '…' : ''}`
  return [`  ${before}${behind}`, `  ${' '.repeat(widthOf(before))}^`]
}
