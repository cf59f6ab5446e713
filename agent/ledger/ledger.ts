// The agent's part of the loss ledger: one interval as rows, also when nothing happened (a heartbeat).
// Every stage in its own unit: entered = left + filtered + lost + what `waiting` rose by. Each of them is counted
// where it happens (the kernel, the thread that drains, enrich, the spool); balance.ts checks that they add up.

import type { CounterName } from '../../kernel/mod.ts'
import {
  appendRow,
  type Batch,
  type CauseOf,
  createBatch,
  ledgerTable,
  type RowValues,
} from '../../wire/mod.ts'
import type { SnapshotReport } from '../drain/collector.ts'
import type { SpoolCounts } from '../spool/spool.ts'
import type { EnrichCounts } from '../tcp/enrich.ts'
import { createBalance, type StageFlow } from './balance.ts'

/** What one interval counted. */
export interface LedgerInterval {
  /** Nanoseconds since 1970. */
  readonly start: bigint
  readonly time: bigint
  readonly snapshot: SnapshotReport
  /** The snapshot before, undefined for the first. */
  readonly before: SnapshotReport | undefined
  readonly enrich: EnrichCounts
  /** Absent for --local: rows go straight to the command. */
  readonly spool?: SpoolCounts & { readonly waiting: number }
}

/** Stages of the agent. */
export type AgentStage = 'hook' | 'drain' | 'enrich' | 'spool'

export interface LedgerOptions {
  readonly node: string
  /** Rows that an earlier process left in the spool. */
  readonly spoolWaiting?: number
  /** A stage that does not add up; below 0 more has left than entered. */
  readonly onUnaccounted: (stage: AgentStage, count: number) => void
}

export interface Ledger {
  /** The rows; the batch is fresh and small. */
  batch(interval: LedgerInterval): Batch
}

export function createLedger({ node, spoolWaiting, onUnaccounted }: LedgerOptions): Ledger {
  const balances = {
    hook: createBalance(),
    drain: createBalance(),
    enrich: createBalance(),
    spool: createBalance(spoolWaiting),
  }
  /** Between enrich and spool: rows that left the one and did not enter the other. */
  const handover = createBalance()

  function batch(interval: LedgerInterval): Batch {
    const rows = createBatch(ledgerTable, 24)
    const { start, time } = interval
    for (const stage of stagesOf(interval)) {
      for (const row of rowsOf(checked(stage, interval))) {
        appendRow(rows, { node, start, time, ...row })
      }
    }
    return rows
  }

  function checked(stage: StageCounts, interval: LedgerInterval): StageCounts {
    let missing = balances[stage.stage].add({ ...stage, lost: sumOf(stage.lost) })
    let { entered } = stage
    if (stage.stage === 'spool') {
      const between = handover.add({ ...nothing, entered: interval.enrich.rows, left: entered })
      missing += between
      entered += Math.max(between, 0)
    }
    if (missing === 0) return stage
    onUnaccounted(stage.stage, missing)
    if (missing < 0) return stage
    return { ...stage, entered, lost: new Map([...stage.lost, ['unaccounted', missing]]) }
  }

  return { batch }
}

const nothing: StageFlow = { entered: 0, left: 0, filtered: 0, lost: 0, waiting: 0 }

type Cause = { [S in AgentStage]: CauseOf<S> }[AgentStage]

interface StageCounts {
  readonly stage: AgentStage
  readonly unit: 'records' | 'rows'
  readonly entered: number
  readonly left: number
  readonly filtered: number
  /** Cause of all that was filtered; '' = the configuration. */
  readonly filteredBy: Cause | ''
  readonly lost: ReadonlyMap<Cause, number>
  readonly waiting: number
}

function stagesOf(interval: LedgerInterval): StageCounts[] {
  const rows = [hookOf(interval), drainOf(interval), enrichOf(interval)]
  return interval.spool ? [...rows, spoolOf(interval.spool)] : rows
}

/** Unit records: what the kernel saw, ends and what dumps showed. `waiting` is in the ring. */
function hookOf({ snapshot, before, enrich }: LedgerInterval): StageCounts {
  const since = (name: CounterName) => snapshot.counters[name] - (before?.counters[name] ?? 0)
  const { closedWhileAway } = enrich
  return {
    stage: 'hook',
    unit: 'records',
    entered: since('seen') + since('dumped') + since('dump_filtered') + closedWhileAway,
    left: takenBy(snapshot, before),
    filtered: since('filtered') + since('dump_filtered'),
    filteredBy: '',
    lost: new Map<Cause, number>([
      ['ring_full', since('lost_ring')],
      ['closed_while_away', closedWhileAway],
    ]),
    waiting: snapshot.counters.closed - snapshot.drained,
  }
}

/** Records that the draining thread has taken, from the ring and from dumps. */
function takenBy(snapshot: SnapshotReport, before: SnapshotReport | undefined): number {
  return snapshot.drained + snapshot.dumped - (before?.drained ?? 0) - (before?.dumped ?? 0)
}

/** Unit records: from the draining thread to the main thread. A snapshot is answered when all have arrived. */
function drainOf({ snapshot, before, enrich }: LedgerInterval): StageCounts {
  return {
    stage: 'drain',
    unit: 'records',
    entered: takenBy(snapshot, before),
    left: enrich.records,
    filtered: 0,
    filteredBy: '',
    lost: new Map<Cause, number>([['drain_full', snapshot.lost - (before?.lost ?? 0)]]),
    waiting: 0,
  }
}

/** Unit rows: what became due. A record refused for want of room counts as a row. */
function enrichOf({ enrich }: LedgerInterval): StageCounts {
  const { due, rows, filtered, waiting, full } = enrich
  return {
    stage: 'enrich',
    unit: 'rows',
    entered: due,
    left: rows,
    filtered,
    filteredBy: 'own',
    lost: new Map<Cause, number>([['connections_full', full]]),
    waiting,
  }
}

/** Unit rows: from enrich to central's acknowledgement. */
function spoolOf(spool: SpoolCounts & { readonly waiting: number }): StageCounts {
  const { entered, acknowledged: left, lost, waiting } = spool
  return { stage: 'spool', unit: 'rows', entered, left, filtered: 0, filteredBy: '', lost, waiting }
}

function sumOf(counts: ReadonlyMap<Cause, number>): number {
  let sum = 0
  for (const count of counts.values()) sum += count
  return sum
}

/** The stage's own row, then one per cause that lost or filtered something. */
function rowsOf({ lost, filteredBy, ...counts }: StageCounts): RowValues[] {
  const { stage, unit, filtered } = counts
  const waiting = Math.max(counts.waiting, 0)
  const rows: RowValues[] = [{ ...counts, waiting, lost: sumOf(lost), sampled: 0 }]
  for (const [cause, count] of lost) {
    if (count > 0) rows.push({ stage, unit, cause, lost: count })
  }
  if (filteredBy !== '' && filtered > 0) rows.push({ stage, unit, cause: filteredBy, filtered })
  return rows
}
