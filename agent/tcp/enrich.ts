// Records in, rows out: the enrich stage as one object. It holds no timer and no file, so the agent, the
// command's own process and tests drive it alike.

import type { Batch } from '../../wire/mod.ts'
import { word } from '../drain/record.ts'
import { type Cgroups, createCgroups } from '../identity/cgroups.ts'
import type { Own } from '../identity/own.ts'
import type { Moment } from '../rows/moment.ts'
import { batchRowsMax } from '../rows/writer.ts'
import { flag, isSet } from './connection-table.ts'
import { applyRecords, sweepVanished } from './connections.ts'
import { u32At } from './end-table.ts'
import { createEntries, type Entries } from './entries.ts'
import { createRowWriter } from './flow-rows.ts'
import { createReporting, report } from './report.ts'
import { createRestored } from './restored.ts'
import { type Connections, createConnections, noCounts } from './state.ts'

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
  /** Connections remembered for a late other end, of each kind (late-peers.ts); default 32,768. */
  readonly lateMax?: number
  /** Addresses of the node's interfaces, asked for at every complete snapshot. */
  readonly addresses?: () => readonly string[]
  /** Rows of one batch; `batchRowsMax` when not given. */
  readonly rowsMax?: number
}

/** Counts since they were last taken. */
export interface EnrichCounts {
  readonly records: number
  /** Rows that became due, and records refused for want of room: what entered. */
  readonly due: number
  /** Rows that were handed on. */
  readonly rows: number
  readonly filtered: number
  /** Rows that were due and waiting, and are not needed: the end belongs to another connection, or is still open. */
  readonly withdrawn: number
  /** Of `rows`: those that the filter of the agent left out. */
  readonly leftOut?: number
  /** Connections deferred now. */
  readonly waiting: number
  readonly clamped: number
  /** Connections reported under two ids. */
  readonly split: number
  /** Ended connections forgotten before their time, whose other end must be here, or may be. */
  readonly evictedHere: number
  readonly evictedUnknown: number
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
  /** New connections get their ids under this key (16 octets); those that have one keep it. */
  setKey(key: Uint8Array): void
  /** What is known of connections and cgroups, for rows of other kinds that belong to them. */
  readonly state: Connections
  readonly cgroups: Cgroups
  /** For the checkpoint. */
  readonly changes: Entries['changes']
  takeCounts(): EnrichCounts
  /** Live state, for metrics. */
  sizes(): { readonly connections: number; readonly ends: number }
}

export function createEnrich(options: EnrichOptions): Enrich {
  const { rowsMax = batchRowsMax } = options
  const state = createConnections(keyWords(options.key), options.endsMax)
  const cgroups = createCgroups({ root: options.cgroupRoot })
  const writer = createRowWriter(state, cgroups, options.node)
  const { own, lateMax } = options
  const reporting = createReporting(state, writer, { own, ...(lateMax ? { lateMax } : {}) })
  let closedWhileAway = 0
  let rows = 0
  /** Remembered with the first report, because only that knows the time. */
  let endedBefore: number[] = []
  if (options.restored) {
    state.restored = createRestored(state, options.restored, (connection) => {
      endedBefore.push(connection)
    })
  }

  function endSnapshot(complete: boolean): void {
    if (!complete) return
    for (const address of options.addresses?.() ?? []) state.locality.noteAddress(address)
    sweepVanished(state)
    closedWhileAway += state.restored?.unclaimed() ?? 0
    state.restored = undefined
  }

  function reportAll(moment: Moment, emit: (batch: Batch) => void): void {
    reporting.counts.waiting = 0
    for (const connection of endedBefore) {
      const isResting = isSet(state.table, connection, flag.resting)
      if (isResting) reporting.latePeers.remember(connection, moment.nowMs)
    }
    endedBefore = []
    nameNewCgroups()
    let from = 0
    while (from >= 0) {
      from = report(reporting, moment, from, rowsMax)
      rows += writer.batch().length
      if (writer.batch().length > 0) emit(writer.batch())
    }
  }

  /** Before the first row of a connection is written, so that it already carries its unit. */
  function nameNewCgroups(): void {
    const { table } = state
    for (let connection = 0; connection < table.high; connection++) {
      const flags = table.flags[connection] as number
      if ((flags & (flag.used | flag.rowSent)) !== flag.used) continue
      askCgroup(cgroups, table.src[connection] as number)
      askCgroup(cgroups, table.dst[connection] as number)
    }
    cgroups.refresh()
  }

  let askedLow = 0
  let askedHigh = 0

  /** Neighbours in the table often have the same one, and a Map needs longer than a comparison. */
  function askCgroup(of: Cgroups, slot: number): void {
    if (slot < 0) return
    const low = u32At(state.ends, slot, word.cgroup)
    const high = u32At(state.ends, slot, word.cgroup + 1)
    if (low === askedLow && high === askedHigh) return
    askedLow = low
    askedHigh = high
    of.ownerOf(low + high * 0x1_0000_0000)
  }

  function takeCounts(): EnrichCounts {
    const { counts, difference } = reporting
    const { waitingMerged, ...seen } = state.counts
    const { clamped } = difference
    const due = counts.due + seen.full
    const withdrawn = counts.withdrawn + waitingMerged
    const taken = { ...counts, ...seen, due, withdrawn, rows, clamped, closedWhileAway }
    Object.assign(state.counts, noCounts)
    Object.assign(counts, { due: 0, filtered: 0, withdrawn: 0, evictedHere: 0, evictedUnknown: 0 })
    difference.clamped = 0
    rows = 0
    closedWhileAway = 0
    return taken
  }

  return {
    beginSnapshot: () => {
      state.snapshot++
    },
    take: (words, count) => applyRecords(state, words, count),
    endSnapshot,
    setKey: (key) => {
      state.key = keyWords(key)
    },
    report: reportAll,
    state,
    cgroups,
    changes: createEntries(state).changes,
    takeCounts,
    sizes: () => ({
      connections: state.table.used,
      ends: state.ends.high - state.ends.free.length,
    }),
  }
}

function keyWords(key: Uint8Array): Uint32Array {
  return new Uint32Array(Uint8Array.from(key).buffer)
}
