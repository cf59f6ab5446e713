// Shares that must never claim more than there is, and spans of time: coverage, and what was watched of a range.

import { duration, type NumberStyle, pageStyle, text } from './number.ts'

const units = [
  { ms: 86_400_000, name: 'd' },
  { ms: 3_600_000, name: 'h' },
  { ms: 60_000, name: 'min' },
  { ms: 1000, name: 's' },
] as const

/** `99.64 %`, rounded down to `digits` decimals; `100 %` only when not one row is known lost. */
export function shareText(share: number, digits: 1 | 2): string {
  if (share >= 1) return '100 %'
  const factor = 10 ** digits
  // The epsilon undoes only the binary error of the product (0.9964 × 10 000 = 9963.999…).
  const down = Math.floor(share * 100 * factor + 1e-7) / factor
  return `${Math.min(down, 100 - 1 / factor).toFixed(digits)} %`
}

/** `6 min of 24 h`: how much of a range an agent watched; undefined when all of it. */
export function watchedText(
  watched: number,
  rangeMs: number,
  style: NumberStyle = pageStyle,
): string | undefined {
  if (watched >= 1) return undefined
  // Six minutes of a day are 359 999.999… ms as a share of it.
  const part = Math.min(Math.round(watched * rangeMs), rangeMs - 1)
  // The unit in which the part is not mistaken for the whole.
  const unit = units.find(
    ({ ms }) => Math.floor(part / ms) >= 1 && Math.floor(part / ms) < Math.round(rangeMs / ms),
  )
  const { ms, name } = unit ?? { ms: 1000, name: 's' }
  // Close to the whole a second unit says how close.
  const near = rangeMs - part < ms && part >= 120_000
  const figure = near ? duration(part * 1e6) : { value: String(Math.floor(part / ms)), unit: name }
  return `${text(figure, { ...style, zeroUnit: true })} of ${spanText(rangeMs, style)}`
}

/** A span in its largest unit, a day in hours, with a second unit for what is left: `24 h`, `15 min`, `1 h 30 min`, `7 d`. */
export function spanText(spanMs: number, style: NumberStyle = pageStyle): string {
  const least = [2 * 86_400_000, 3_600_000, 60_000, 0]
  const first = units.findIndex((_, index) => spanMs >= (least[index] as number))
  const words: string[] = []
  let rest = Math.floor(spanMs / 1000) * 1000
  for (const { ms, name } of units.slice(first, first + 2)) {
    const amount = Math.floor(rest / ms)
    rest -= amount * ms
    if (amount > 0) words.push(`${amount}${style.gap}${name}`)
  }
  return words.length === 0 ? `0${style.gap}s` : words.join(style.gap)
}
