// Times as people and programs give them: RFC 3339 with up to nanoseconds, `now`, or relative to it.

import { parseDurationMs } from '../../common/mod.ts'
import type { Range } from '../../store/query/mod.ts'
import { badParameter } from '../errors.ts'

const hint = 'Give RFC 3339 (2026-11-21T14:32:10Z), `now`, or a time before now (-90s, -15m, -7d).'
const pattern =
  /^(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?([Zz]|[+-]\d{2}:\d{2})$/
/** What the column can hold: 1970 to 2262. */
const mostNs = 2n ** 63n - 1n

export function parseTime(parameter: string, text: string, nowNs: bigint): bigint {
  const ns = text === 'now' ? nowNs : (relativeNs(text, nowNs) ?? absoluteNs(text))
  if (ns === undefined) throw badParameter(parameter, `${quoted(text)} is no time`, hint)
  if (ns < 0n || ns > mostNs) throw badParameter(parameter, 'outside 1970 to 2262', hint)
  return ns
}

export function parseRange(from: string, to: string, nowNs: bigint): Range {
  const range = { fromNs: parseTime('from', from, nowNs), toNs: parseTime('to', to, nowNs) }
  if (range.fromNs < range.toNs) return range
  throw badParameter(
    'from',
    'the range ends before it begins',
    'Give a `from` that is before `to`.',
  )
}

/** A value in an error message: as JSON, so that control characters show, and not endless. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text)
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
