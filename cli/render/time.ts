// Times as people read them: how long ago up to an hour, then the clock of this machine or UTC.

const hourMs = 3_600_000

export interface Clock {
  readonly nowMs: number
  readonly utc: boolean
}

/** `0 s`, `42 s`, `9 min`, then `02:14`, then `2026-11-20 02:14`. */
export function ago(time: string, clock: Clock): string {
  const ms = Date.parse(time)
  const past = clock.nowMs - ms
  if (Number.isNaN(ms)) return '–'
  if (past >= hourMs || past < -60_000) return clockTime(time, clock)
  const seconds = Math.max(0, Math.floor(past / 1000))
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min`
}

/** `02:14:09`; `Z` marks UTC. */
export function clockSeconds(time: string, clock: Clock): string {
  const [, , second] = parts(Date.parse(time), clock.utc)
  return `${second}${clock.utc ? 'Z' : ''}`
}

/** `02:14` today, `2026-11-20 02:14` on another day; `Z` marks UTC. */
export function clockTime(time: string, clock: Clock): string {
  const [date, minute] = parts(Date.parse(time), clock.utc)
  const [today] = parts(clock.nowMs, clock.utc)
  const zone = clock.utc ? 'Z' : ''
  return date === today ? `${minute}${zone}` : `${date} ${minute}${zone}`
}

/** Date, minute and second of a moment. */
function parts(ms: number, utc: boolean): [string, string, string] {
  const offset = utc ? 0 : new Date(ms).getTimezoneOffset() * 60_000
  const text = new Date(ms - offset).toISOString()
  return [text.slice(0, 10), text.slice(11, 16), text.slice(11, 19)]
}
