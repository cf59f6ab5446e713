// Numbers as people write them: 1500, 1.5k, 10MiB, 5ms. k = 1000, Ki = 1024; durations as in Go.

import type { Unit } from '../model/field.ts'

const decimalPrefix: Readonly<Record<string, number>> = {
  '': 1,
  k: 1e3,
  K: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
}
const binaryPrefix: Readonly<Record<string, number>> = {
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
}
const nanoseconds: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  μs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
  d: 86_400e9,
}
const duration = /^(?:\d+(?:\.\d+)?(?:ns|us|µs|μs|ms|s|m|h|d))+$/
const part = /(\d+(?:\.\d+)?)(ns|us|µs|μs|ms|s|m|h|d)/g
const amount = /^(\d+(?:\.\d+)?)(Ki|Mi|Gi|Ti|k|K|M|G|T)?(B|bytes?)?$/

/**
 * The number in the field's own unit; undefined when the text is none, or its unit is another one. Of whole
 * units only: half a byte is no number of bytes.
 */
export function parseQuantity(text: string, unit: Unit = ''): number | undefined {
  const value = unit === 'ns' ? (durationNs(text) ?? plain(text, unit)) : plain(text, unit)
  return value !== undefined && Number.isSafeInteger(value) ? value : undefined
}

/** `5ms`, `1h30m` in nanoseconds, rounded to whole ones; undefined when it is no duration. */
export function durationNs(text: string): number | undefined {
  if (!duration.test(text)) return undefined
  let total = 0
  for (const [, count, unit] of text.matchAll(part)) {
    total += Number(count) * (nanoseconds[unit as string] as number)
  }
  return Math.abs(total - Math.round(total)) < 1e-3 ? Math.round(total) : undefined
}

function plain(text: string, unit: Unit): number | undefined {
  const match = amount.exec(text)
  if (!match) return undefined
  const [, count, prefix = '', suffix] = match
  if (suffix !== undefined && unit !== 'bytes') return undefined
  return Number(count) * (binaryPrefix[prefix] ?? (decimalPrefix[prefix] as number))
}
