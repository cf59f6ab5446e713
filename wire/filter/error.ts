// The one way a filter can be wrong, with the place.

import { AppError } from '../../common/mod.ts'
import { wireError } from '../errors.ts'

/** `position` counts characters from 0; `suggestion` is what would be right, when there is a guess. */
export function filterError(
  position: number,
  what: string,
  { suggestion, hint = '' }: { readonly suggestion?: string | undefined; hint?: string } = {},
): AppError {
  const guess = suggestion === undefined ? hint : `did you mean ${suggestion}?`
  const said = guess === '' ? what : `${what}; ${guess}`
  const details = { parameter: 'filter', position, what: said }
  return wireError('bad_filter', {
    details: suggestion === undefined ? details : { ...details, suggestion },
  })
}

/** What `read` throws of a filter carries the whole text too: a terminal shows the place under it. */
export function inFilter<T>(filter: string, read: () => T): T {
  try {
    return read()
  } catch (cause) {
    if (!(cause instanceof AppError) || cause.code !== 'bad_filter') throw cause
    throw wireError('bad_filter', { details: { ...cause.details, filter }, cause })
  }
}
