// Durations as people type them (5s, 250ms, 1h) and nanosecond times without a lossy number.

const unitsMs: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}

/** `5s`, `250ms`, `1.5h`, `1h30m` → milliseconds; undefined when it is not a duration. */
export function parseDurationMs(text: string): number | undefined {
  if (!/^(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+$/.test(text)) return undefined
  let total = 0
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)) {
    total += Number(amount) * (unitsMs[unit as string] as number)
  }
  return total
}

/** Nanoseconds since 1970 → RFC 3339 in UTC with nine digits: `2026-11-21T14:32:10.000000001Z`. */
export function rfc3339(ns: bigint): string {
  const second = ns / 1_000_000_000n
  const nanos = ns % 1_000_000_000n
  const date = new Date(Number(second) * 1000).toISOString().slice(0, 19)
  return `${date}.${nanos.toString().padStart(9, '0')}Z`
}
