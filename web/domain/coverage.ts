// Coverage: how much of what is known to exist is in an answer. Rounded down, so that it never claims more.

import { duration, text } from './number.ts'
import type { Range } from './time.ts'

export interface CoverageFacts {
  readonly share: number
  readonly lost: Readonly<Record<string, number>>
  readonly gaps: readonly { readonly node: string; readonly from: string; readonly to: string }[]
}

export type CoverageLevel = 'ok' | 'warn' | 'bad'

/** `99.64 %`, rounded down to `digits` decimals; `100 %` only when not one row is known lost. */
export function shareText(share: number, digits: 1 | 2): string {
  if (share >= 1) return '100 %'
  const factor = 10 ** digits
  // The epsilon undoes only the binary error of the product (0.9964 × 10 000 = 9963.999…).
  const down = Math.floor(share * 100 * factor + 1e-7) / factor
  return `${Math.min(down, 100 - 1 / factor).toFixed(digits)} %`
}

/** Amber below 99 %, red below 95 %; healthy has no colour. */
export function levelOf(share: number): CoverageLevel {
  if (share < 0.95) return 'bad'
  return share < 0.99 ? 'warn' : 'ok'
}

/** Height of the gauge's fill between 0 and 1: loss is drawn large, because 1 % must be seen. */
export function gaugeFill(share: number): number {
  if (share >= 1) return 1
  return Math.max(0.1, Math.min(0.85, 1 - (1 - share) * 12 - 0.15))
}

/** `6 min of 24 h`: how much of a range an agent watched; undefined when all of it. */
export function watchedText(watched: number, { fromMs, toMs }: Range): string | undefined {
  if (watched >= 1) return undefined
  const whole = toMs - fromMs
  // Six minutes of a day are 359 999.999… ms as a share of it.
  const part = Math.min(Math.round(watched * whole), whole - 1)
  // The unit in which the part is not mistaken for the whole.
  const unit = units.find(
    ({ ms }) => Math.floor(part / ms) >= 1 && Math.floor(part / ms) < Math.round(whole / ms),
  )
  const { ms, name } = unit ?? { ms: 1000, name: 's' }
  // Close to the whole a second unit says how close.
  const near = whole - part < ms && part >= 120_000
  const said = near ? text(duration(part * 1e6)) : `${Math.floor(part / ms)}\u202f${name}`
  return `${said} of ${spanText(whole)}`
}

const units = [
  { ms: 86_400_000, name: 'd' },
  { ms: 3_600_000, name: 'h' },
  { ms: 60_000, name: 'min' },
  { ms: 1000, name: 's' },
] as const

/** `24 h`, `15 min`: a day is said in hours. */
function spanText(spanMs: number): string {
  const least = [2 * 86_400_000, 2 * 3_600_000, 2 * 60_000, 0]
  const { ms, name } = units.find((_, at) => spanMs >= (least[at] as number)) ?? units[3]
  return `${Math.round(spanMs / ms)}\u202f${name}`
}
