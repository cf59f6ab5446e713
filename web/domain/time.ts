// Times: what may be typed, what is shown. ISO order and 24 h always; the zone is the browser's or UTC.

import { momentMs, parseDurationMs } from '../../common/time/mod.ts'

export type Zone = 'local' | 'utc'

export interface Range {
  readonly fromMs: number
  readonly toMs: number
}

const hourMs = 3_600_000
const refreshLeastMs = 5000
const refreshMostMs = 60_000

/** How often an answer is asked for again that looks different after `changeMs`: between 5 s and a minute. */
export function refreshMs(changeMs: number): number {
  return Math.min(refreshMostMs, Math.max(refreshLeastMs, changeMs))
}

/** How long after its end a step may still grow: rows are on their way. */
export const settleMs = 3000

/**
 * How long until an answer is asked for again: at whole multiples of its pace by the server's clock, and a moment for
 * the rows of the last interval. Questions of one pace then come together, and what they need is stored once for all.
 */
export function untilNextMs(everyMs: number, nowMs: number): number {
  const left = everyMs - ((nowMs - settleMs) % everyMs)
  return left < everyMs / 4 ? left + everyMs : left
}

/** As `momentMs`, in the page's zone. */
export function parseTime(text: string, nowMs: number, zone: Zone): number | undefined {
  return momentMs(text, { nowMs, utc: zone === 'utc' })
}

/** Whether it is a time before now, such as `-15m`. */
export function isRelative(text: string): boolean {
  return text.startsWith('-') && parseDurationMs(text.slice(1)) !== undefined
}

/** Milliseconds of an RFC 3339 time of the API (nine digits are cut to three). */
export function msOf(rfc3339: string): number {
  return Date.parse(rfc3339)
}

/** `14:32:10`, with `digits` 3 `14:32:10.906`. */
export function clock(ms: number, zone: Zone, digits: 0 | 3 = 0): string {
  return iso(ms, zone).slice(11, digits === 0 ? 19 : 23)
}

/** `2026-08-21 14:32:10`. */
export function dateTime(ms: number, zone: Zone): string {
  return iso(ms, zone).slice(0, 19).replace('T', ' ')
}

/** The label of an axis: seconds only for short ranges, the date at midnight. */
export function axisLabel(ms: number, rangeMs: number, zone: Zone): string {
  const text = iso(ms, zone)
  const time = text.slice(11, rangeMs <= 5 * 60_000 ? 19 : 16)
  return time.startsWith('00:00') && rangeMs > hourMs ? text.slice(5, 10) : time
}

/** `14:00 – 15:00`; with dates as soon as the ends lie on different days or not today. */
export function rangeLabel({ fromMs, toMs }: Range, nowMs: number, zone: Zone): string {
  const [from, to, now] = [fromMs, toMs, nowMs].map((ms) => iso(ms, zone)) as [
    string,
    string,
    string,
  ]
  const seconds = toMs - fromMs < 10 * 60_000 ? 19 : 16
  const today = from.slice(0, 10) === now.slice(0, 10) && to.slice(0, 10) === now.slice(0, 10)
  if (today) return `${from.slice(11, seconds)} – ${to.slice(11, seconds)}`
  const sameDay = from.slice(0, 10) === to.slice(0, 10)
  const end = sameDay ? to.slice(11, 16) : to.slice(5, 16).replace('T', ' ')
  return `${from.slice(5, 16).replace('T', ' ')} – ${end}`
}

/** `last 15 min` for a range that ends now; undefined for any other. */
export function relativeLabel(from: string, to: string): string | undefined {
  const match = /^-(\d+)([smhd])$/.exec(from)
  if (to !== 'now' || !match) return undefined
  const unit = { s: 's', m: 'min', h: 'h', d: 'd' }[match[2] as 's' | 'm' | 'h' | 'd']
  return `last ${match[1]} ${unit}`
}

/** `UTC` or `UTC+02:00` at that moment. */
export function zoneLabel(ms: number, zone: Zone): string {
  const minutes = zone === 'utc' ? 0 : -new Date(ms).getTimezoneOffset()
  if (minutes === 0) return 'UTC'
  const size = Math.abs(minutes)
  const pad = (n: number) => String(n).padStart(2, '0')
  return `UTC${minutes < 0 ? '−' : '+'}${pad(Math.floor(size / 60))}:${pad(size % 60)}`
}

/** `2026-08-21T14:41:28.906Z` shifted into the zone (the last letter then means nothing and is cut by all). */
function iso(ms: number, zone: Zone): string {
  const shift = zone === 'utc' ? 0 : new Date(ms).getTimezoneOffset() * 60_000
  return new Date(ms - shift).toISOString()
}
