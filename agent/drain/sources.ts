// Many sources, one thread: each tick drains every source, but none for longer than its budget, so that a storm in one
// ring cannot fill another that nobody comes to.

import type { Collector } from './collector.ts'

/** One probe's ring. */
export interface Source {
  readonly collector: Pick<Collector, 'drain'>
  /** How many records its ring holds. */
  readonly ringRecords: number
}

const busyMs = 10
const calmMs = 100
/** After a drain that found nothing: on a host without traffic the wake-ups are most of what the agent costs. */
const idleMs = 250
/** When a drain found so much of a ring full, the next one comes soon: ten times the load still fits. */
const busyShare = 0.1
/** Records of one source in one tick: some milliseconds. */
export const tickBudget = 8192

/** Drains each source once; returns how long the next tick may wait, in milliseconds. */
export function drainAll(sources: readonly Source[], budget = tickBudget): number {
  let delayMs = idleMs
  for (const { collector, ringRecords } of sources) {
    delayMs = Math.min(delayMs, delayAfter(collector.drain(budget), ringRecords, budget))
  }
  return delayMs
}

/** A source that has used up its budget has more: its turn comes at once, after what others have asked for. */
function delayAfter(records: number, ringRecords: number, budget: number): number {
  if (records >= budget) return 0
  if (records > busyShare * ringRecords) return busyMs
  return records > 0 ? calmMs : idleMs
}
