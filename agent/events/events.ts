// All events of the agent behind one door: of connections, from what the stage enrich knows, and of packets, from the
// records of the drop probe.

import type { Batch } from '../../wire/mod.ts'
import type { Moment } from '../rows/moment.ts'
import { type ConnectionEventsOptions, createConnectionEvents } from './connection-events.ts'
import { createDropEvents } from './drop-events.ts'

/** Since last taken; due = rows + filtered. */
export interface EventCounts {
  readonly due: number
  readonly rows: number
  readonly filtered: number
  /** Of `rows`: those that the filter of the agent left out. */
  readonly leftOut?: number
  /** Records of the drop probe that came; each is due. */
  readonly dropRecords: number
}

export interface Events {
  /** Whole records of the drop probe; they are copied. */
  takeDrops(words: Uint32Array, count: number): void
  /** Before the stage enrich reports, which forgets connections that have ended. The batch is used again. */
  report(moment: Moment, emit: (batch: Batch) => void): void
  takeCounts(): EventCounts
}

export function createEvents(options: ConnectionEventsOptions): Events {
  const connections = createConnectionEvents(options)
  const drops = createDropEvents(options)
  return {
    takeDrops: drops.take,
    report: (moment, emit) => {
      connections.report(moment, emit)
      const batch = drops.report(moment)
      if (batch) emit(batch)
    },
    takeCounts: () => {
      const { due, rows, filtered } = connections.takeCounts()
      const dropped = drops.takeCounts()
      const { records } = dropped
      return { due: due + records, rows: rows + dropped.rows, filtered, dropRecords: records }
    },
  }
}
