// The numbers of common/number in the style of a terminal, as text. Machines get plain numbers by --output or --raw.

import * as number from '../../common/number/mod.ts'

const style = number.terminalStyle

/** Bytes, SI: `61 B`, `45.1 kB`, `957 MB`; zero is `0`. */
export function volume(bytes: number): string {
  return number.text(number.volume(bytes), style)
}

/** Bytes in a time → bit/s, SI: `164 Mbit/s`. */
export function rate(bytes: number, seconds: number): string {
  if (seconds <= 0) return number.unmeasured.value
  return number.text(number.bitRate((bytes * 8) / seconds), style)
}

/** Exact and grouped below 10 000, then three digits: `8 410`, `341 k`. */
export function count(value: number): string {
  return number.text(number.count(Math.round(value)), style)
}

/** Exact and grouped, whatever its size: the ledger must add up. */
export function grouped(value: number): string {
  return number.text({ value: number.exact(value), unit: '' }, style)
}

/** Two digits below 10 %; `<0.01 %` is not zero, and zero is `0`. */
export function percent(share: number): string {
  return number.text(number.percent(share), style)
}

/** Coverage is rounded down, so that only the whole truth says 100 %. */
export function coverageShare(share: number): string {
  return number.shareText(share, 2)
}

/** `watched 6 min of 24 h` without its first word; undefined when all of it was watched. */
export function watchedText(watched: number, seconds: number): string | undefined {
  return number.watchedText(watched, seconds * 1000, style)
}

/** ns, µs, ms, s up to 120 s, then two units: `41.2 ms`, `2 min 5 s`, `3 d 4 h`. */
export function duration(ns: number): string {
  return number.text(number.duration(ns), style)
}

/** A length of time, rounded down to seconds: `42 s`, `6 min`, `24 h`, `36 h 10 min`, `7 d`. */
export function span(seconds: number): string {
  return number.spanText(seconds * 1000, style)
}
