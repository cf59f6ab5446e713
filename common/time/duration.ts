// Durations as people type them (5s, 250ms, 1h) and nanosecond times without a lossy number.

const unitsNs: Readonly<Record<string, number>> = {
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

/** `5ms`, `1.5h`, `1h30m` → nanoseconds, as Go writes them and with days; undefined when it is no duration in whole ones. */
export function durationNs(text: string): number | undefined {
  if (!duration.test(text)) return undefined
  let total = 0
  for (const [, amount, unit] of text.matchAll(part)) {
    total += Number(amount) * (unitsNs[unit as string] as number)
  }
  return Math.abs(total - Math.round(total)) < 1e-3 ? Math.round(total) : undefined
}

/** The same in milliseconds. */
export function parseDurationMs(text: string): number | undefined {
  const ns = durationNs(text)
  return ns === undefined ? undefined : ns / 1e6
}

/** Nanoseconds since 1970 → RFC 3339 in UTC with nine digits: `2026-11-21T14:32:10.000000001Z`. */
export function rfc3339(ns: bigint): string {
  const second = ns / 1_000_000_000n
  const nanos = ns % 1_000_000_000n
  const date = new Date(Number(second) * 1000).toISOString().slice(0, 19)
  return `${date}.${nanos.toString().padStart(9, '0')}Z`
}
