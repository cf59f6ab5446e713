// A name of a field or metric that was typed: known, or refused with the nearest ones. Never a list of ninety.

import { nearestNames } from '../../common/mod.ts'
import { cliError } from '../errors.ts'

export interface TypedName {
  /** `--order`. */
  readonly flag: string
  /** `field`, `metric`: what it should name. */
  readonly what: string
  /** As it was typed, `-` before it for descending. */
  readonly typed: string
}

const offered = 3

/** Throws AppError unknown_name unless `name`, in the API's spelling, is among `names`. */
export function checkName({ flag, what, typed }: TypedName, names: readonly string[]): void {
  const sign = typed.startsWith('-') ? '-' : ''
  const name = typed.slice(sign.length).replaceAll('-', '_')
  if (names.includes(name)) return
  const near = nearestNames(name, names, offered)
  const shown = near.map((one) => `${sign}${one.replaceAll('_', '-')}`)
  const hint =
    shown.length > 0
      ? `The nearest: ${shown.join(', ')}.`
      : 'weir flows --output json shows the names.'
  throw cliError('unknown_name', { details: { name: flag, value: typed, what, hint } })
}
