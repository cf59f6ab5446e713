// Times and durations as people and programs write them. Nothing here needs Node: the page imports it too.

export { durationNs, parseDurationMs, rfc3339 } from './duration.ts'
export { parseInstant } from './instant.ts'
export { type MomentClock, momentMs } from './moment.ts'
