// Times as people and programs give them: RFC 3339 with up to nanoseconds, `now`, or relative to it.

import { parseDurationMs } from './duration.ts'

const pattern =
  /^(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?([Zz]|[+-]\d{2}:\d{2})$/

/** `now`, `-15m`, `2026-11-21T14:32:10Z` → nanoseconds since 1970 (negative before); undefined when it is no time. */
export function parseInstant(text: string, nowNs: bigint): bigint | undefined {
  return text === 'now' ? nowNs : (relativeNs(text, nowNs) ?? absoluteNs(text))
}

function relativeNs(text: string, nowNs: bigint): bigint | undefined {
  const ms = text.startsWith('-') ? parseDurationMs(text.slice(1)) : undefined
  return ms === undefined ? undefined : nowNs - BigInt(Math.round(ms)) * 1_000_000n
}

function absoluteNs(text: string): bigint | undefined {
  const match = pattern.exec(text)
  if (!match) return undefined
  const [, date = '', time = '', fraction = '', zone = ''] = match
  const utc = new Date(`${date}T${time}Z`)
  const ms = Date.parse(`${date}T${time}${zone.toUpperCase()}`)
  if (Number.isNaN(ms) || !utc.toISOString().startsWith(`${date}T${time}`)) return undefined
  return BigInt(ms) * 1_000_000n + BigInt(fraction.padEnd(9, '0'))
}
