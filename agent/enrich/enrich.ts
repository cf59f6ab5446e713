// Records in, rows out: the enrich stage as one object. It holds no timer and no file, so the agent, the
// command's own process and tests drive it alike.

import type { Batch } from '../../wire/mod.ts'
import { word } from '../drain/record.ts'
import { type Cgroups, createCgroups } from './cgroups.ts'
import { flag, isSet } from './connection-table.ts'
import { applyRecords, sweepVanished } from './connections.ts'
import { u32At } from './end-table.ts'
import { createEntries, type Entries } from './entries.ts'
import type { Moment } from './moment.ts'
import type { Own } from './own.ts'
import { createReporting, report } from './report.ts'
import { createRestored } from './restored.ts'
import { createRowWriter } from './row-writer.ts'
import { createConnections } from './state.ts'

export interface EnrichOptions {
  readonly node: string
  /** Key of the connection id: 16 octets. */
  readonly key: Uint8Array
  /** Mount of cgroup2; '' = none. */
  readonly cgroupRoot: string
  readonly own: Own
  /** Entries of a checkpoint of the same boot. */
  readonly restored?: Uint32Array
  readonly endsMax?: number
  /** Rows of one batch; default 131,072. */
  readonly rowsMax?: number
}

/** Counts since they were last taken. */
export interface EnrichCounts {
  readonly records: number
  readonly rows: number
  readonly filtered: number
  /** Connections held back now. */
  readonly waiting: number
  /** The same when counts were taken before. */
  readonly waitingBefore: number
  readonly clamped: number
  /** Records refused because the tables were full. */
  readonly full: number
  readonly vanished: number
  /** Connections of the checkpoint that ended while no agent watched. */
  readonly closedWhileAway: number
}

export interface Enrich {
  /** From here on live records belong to a new snapshot. */
  beginSnapshot(): void
  /** Whole records, live ones of the snapshot or closed ones in their order. */
  take(words: Uint32Array, count: number): void
  /** The snapshot is in; `complete` when it had the sockets without a descriptor too. */
  endSnapshot(complete: boolean): void
  /**
   * Hands the rows that are due to `emit`, at most `rowsMax` at a time. When `emit` is called, `changes()` leads
   * to the state that those rows and all before them leave behind.
   */
  report(moment: Moment, emit: (batch: Batch) => void): void
  /** For the checkpoint. */
  readonly changes: Entries['changes']
  takeCounts(): EnrichCounts
  /** Live state, for metrics. */
  sizes(): { readonly connections: number; readonly ends: number }
}

export function createEnrich(options: EnrichOptions): Enrich {
  const { rowsMax = 131_072 } = options
  const key = new Uint32Array(Uint8Array.from(options.key).buffer)
  const state = createConnections(key, options.endsMax)
  const cgroups = createCgroups({ root: options.cgroupRoot })
  const writer = createRowWriter(state, cgroups, options.node)
  const on = createReporting(state, writer, options.own)
  let closedWhileAway = 0
  let waitingBefore = 0
  if (options.restored) state.restored = createRestored(options.restored)

  function endSnapshot(complete: boolean): void {
    if (!complete) return
    sweepVanished(state)
    closedWhileAway += state.restored?.unclaimed() ?? 0
    state.restored = undefined
  }

  function reportAll(moment: Moment, emit: (batch: Batch) => void): void {
    on.counts.waiting = 0
    nameNewCgroups()
    let from = 0
    while (from >= 0) {
      from = report(on, moment, from, rowsMax)
      if (writer.batch().length > 0) emit(writer.batch())
    }
  }

  /** Before the first row of a connection is written, so that it already carries its unit. */
  function nameNewCgroups(): void {
    const { table } = state
    for (let connection = 0; connection < table.high; connection++) {
      if (table.flags[connection] === 0 || isSet(table, connection, flag.rowSent)) continue
      askCgroup(cgroups, table.src[connection] as number)
      askCgroup(cgroups, table.dst[connection] as number)
    }
    cgroups.refresh()
  }

  function askCgroup(of: Cgroups, slot: number): void {
    if (slot < 0) return
    const low = u32At(state.ends, slot, word.cgroup)
    of.ownerOf(low + u32At(state.ends, slot, word.cgroup + 1) * 0x1_0000_0000)
  }

  function takeCounts(): EnrichCounts {
    const { records, full, vanished } = state.counts
    const counts = { ...on.counts, waitingBefore, records, full, vanished, closedWhileAway }
    waitingBefore = on.counts.waiting
    Object.assign(state.counts, { records: 0, full: 0, vanished: 0 })
    Object.assign(on.counts, { rows: 0, filtered: 0, clamped: 0 })
    closedWhileAway = 0
    return counts
  }

  return {
    beginSnapshot: () => {
      state.snapshot++
    },
    take: (words, count) => applyRecords(state, words, count),
    endSnapshot,
    report: reportAll,
    changes: createEntries(state).changes,
    takeCounts,
    sizes: () => ({
      connections: state.table.used,
      ends: state.ends.high - state.ends.free.length,
    }),
  }
}
