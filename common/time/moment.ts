// A moment as a person types it: now, -15m, a time of day, a date, RFC 3339. For the terminal and the page alike.

import { parseDurationMs } from './duration.ts'

const dayMs = 86_400_000
const timeOfDay = /^(\d{1,2}):(\d{2})(?::(\d{2}))?$/
const dateAndTime =
  /^(\d{4}-\d{2}-\d{2})(?:[Tt ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?))?([Zz]|[+-]\d{2}:\d{2})?$/

export interface MomentClock {
  readonly nowMs: number
  /** Times without a zone are UTC, else of this machine's clock. */
  readonly utc: boolean
}

/** Milliseconds since 1970; undefined when it is no moment. A time of day that is still to come was yesterday. */
export function momentMs(typed: string, { nowMs, utc }: MomentClock): number | undefined {
  const text = typed.trim()
  if (text === 'now') return nowMs
  const span = text.startsWith('-') ? parseDurationMs(text.slice(1)) : undefined
  if (span !== undefined) return nowMs - span
  const clock = timeOfDay.exec(text)
  if (clock) return lastTimeOfDay(clock, { nowMs, utc })
  const [whole, date, time = '00:00', zone = utc ? 'Z' : ''] = dateAndTime.exec(text) ?? []
  if (whole === undefined) return undefined
  const ms = Date.parse(`${date}T${time}${zone.toUpperCase()}`)
  return Number.isNaN(ms) ? undefined : ms
}

function lastTimeOfDay(match: RegExpExecArray, { nowMs, utc }: MomentClock): number | undefined {
  const [hours, minutes, seconds] = match.slice(1).map((digits) => Number(digits ?? '0')) as [
    number,
    number,
    number,
  ]
  if (hours > 23 || minutes > 59 || seconds > 59) return undefined
  const day = new Date(nowMs)
  if (utc) day.setUTCHours(hours, minutes, seconds, 0)
  else day.setHours(hours, minutes, seconds, 0)
  return day.getTime() > nowMs ? day.getTime() - dayMs : day.getTime()
}
