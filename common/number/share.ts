// Shares that must never claim more than there is, and spans of time: coverage, and what was watched of a range.

import { duration, inUnits, type NumberStyle, pageStyle, spanUnits, text } from './number.ts'

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
  const unit = spanUnits.find(([seconds]) => {
    const amount = Math.floor(part / (seconds * 1000))
    return amount >= 1 && amount < Math.round(rangeMs / (seconds * 1000))
  })
  const [seconds, name] = unit ?? [1, 's']
  const ms = seconds * 1000
  // Close to the whole a second unit says how close.
  const near = rangeMs - part < ms && part >= 120_000
  const figure = near ? duration(part * 1e6) : { value: String(Math.floor(part / ms)), unit: name }
  return `${text(figure, { ...style, zeroUnit: true })} of ${spanText(rangeMs, style)}`
}

/** A span in its largest unit, a day in hours, with a second unit for what is left: `24 h`, `15 min`, `1 h 30 min`, `7 d`. */
export function spanText(spanMs: number, style: NumberStyle = pageStyle): string {
  const seconds = Math.floor(spanMs / 1000)
  const least = [2 * 86_400, 3600, 60, 0]
  const first = least.findIndex((least) => seconds >= least)
  const value = inUnits(seconds, first, 2)
  return text(value === '' ? { value: '0', unit: 's' } : { value, unit: '' }, {
    ...style,
    zeroUnit: true,
  })
}
