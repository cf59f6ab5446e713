// When a record's flow began and ended, by our clock. Exporters say it in four ways, and their clocks may be wrong.

import type { FlowRecord } from './flow-record.ts'
import type { ExportClock } from './streams.ts'

export interface FlowTimes {
  /** Milliseconds since 1970. */
  endMs: number
  /** 0 = not known. */
  startMs: number
  /** The record's own times could not be: `endMs` is when it came. */
  isReplaced: boolean
}

/** A clock that is kept by NTP differs by less; beyond, its times are moved by the difference, as those of agents. */
const clockBoundMs = 5_000
const pastMaxMs = 6 * 86_400_000
const futureMaxMs = 3_600_000 / 2

/** Fills `times`. `initMs`: when the exporter began, by its clock; 0 = not known. */
export function timesOf(
  record: FlowRecord,
  { initMs, ...clock }: ExportClock & { readonly initMs: number },
  times: FlowTimes,
): void {
  const { receivedMs, exportMs } = clock
  const beganMs = clock.uptimeMs < 0 ? initMs : exportMs - clock.uptimeMs
  const began = { beganMs, exportMs }
  const offsetMs = receivedMs - exportMs
  const shiftMs = Math.abs(offsetMs) > clockBoundMs ? Math.round(offsetMs / 1000) * 1000 : 0
  let end = record.endMs > 0 ? record.endMs : sinceStart(record.endUptimeMs, began)
  let start = record.startMs > 0 ? record.startMs : sinceStart(record.startUptimeMs, began)
  if (start === 0 && end > 0 && record.durationMs >= 0) start = end - record.durationMs
  if (end === 0) end = exportMs
  end += shiftMs
  if (start > 0) start += shiftMs
  const isPossible = end >= receivedMs - pastMaxMs && end <= receivedMs + futureMaxMs
  times.isReplaced = !isPossible
  times.endMs = isPossible ? end : receivedMs
  times.startMs = isPossible && start > 0 && start <= end ? start : 0
}

/** Times since the exporter's start wrap at 2^32 ms: of all that could be meant the one next to now is. */
function sinceStart(
  uptimeMs: number,
  { beganMs, exportMs }: { readonly beganMs: number; readonly exportMs: number },
): number {
  if (uptimeMs < 0 || beganMs <= 0) return 0
  const wraps = Math.round((exportMs - beganMs - uptimeMs) / 0x1_0000_0000)
  return beganMs + uptimeMs + wraps * 0x1_0000_0000
}

/** Writes milliseconds as a pair of u32 nanoseconds. */
export function writeMs(values: Uint32Array, row: number, ms: number): void {
  // 2^16 parts: no product is beyond 2^53.
  const high = Math.floor(ms / 65_536) * 1_000_000
  const low = (ms % 65_536) * 1_000_000
  const sum = (high % 65_536) * 65_536 + Math.floor(low)
  values[row * 2] = sum % 0x1_0000_0000
  values[row * 2 + 1] = Math.floor(high / 65_536) + Math.floor(sum / 0x1_0000_0000)
}
