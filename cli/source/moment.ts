// A moment as a person types it: now, -15m, a time of day of this machine's clock, a date, RFC 3339.

import { parseDurationMs } from '../../common/mod.ts'

const dayMs = 86_400_000
const timeOfDay = /^(\d{1,2}):(\d{2})(?::(\d{2}))?$/
const localDate = /^(\d{4}-\d{2}-\d{2})(?:[ T](\d{2}:\d{2}(?::\d{2})?))?$/
const absolute = /^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:[Zz]|[+-]\d{2}:\d{2})$/

export interface MomentClock {
  readonly nowMs: number
  /** Times without a zone are UTC, else of this machine's clock. */
  readonly utc: boolean
}

/** Milliseconds since 1970; undefined when it is no moment. A time of day that is still to come was yesterday. */
export function momentMs(text: string, { nowMs, utc }: MomentClock): number | undefined {
  if (text === 'now') return nowMs
  const span = text.startsWith('-') ? parseDurationMs(text.slice(1)) : undefined
  if (span !== undefined) return nowMs - span
  const zone = utc ? 'Z' : ''
  const clock = timeOfDay.exec(text)
  if (clock) {
    const [, hour = '', minute, second = '00'] = clock
    const today = parsed(
      `${dateOf(nowMs, utc)}T${hour.padStart(2, '0')}:${minute}:${second}${zone}`,
    )
    return today !== undefined && today > nowMs ? today - dayMs : today
  }
  const date = localDate.exec(text)
  if (date) return parsed(`${date[1]}T${date[2] ?? '00:00'}${zone}`)
  return absolute.test(text) ? parsed(text) : undefined
}

/** `2026-11-21` of the moment. */
function dateOf(ms: number, utc: boolean): string {
  const offset = utc ? 0 : new Date(ms).getTimezoneOffset() * 60_000
  return new Date(ms - offset).toISOString().slice(0, 10)
}

function parsed(text: string): number | undefined {
  const ms = Date.parse(text)
  return Number.isNaN(ms) ? undefined : ms
}
