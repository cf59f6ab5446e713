// The agent's part of the loss ledger: one interval as rows, also when nothing happened (a heartbeat).
// Every stage in its own unit: entered = left + filtered + lost + what `waiting` rose by.

import type { CounterName } from '../../kernel/mod.ts'
import { appendRow, type Batch, createBatch, ledgerTable, type RowValues } from '../../wire/mod.ts'
import type { SnapshotReport } from '../drain/collector.ts'
import type { EnrichCounts } from '../enrich/enrich.ts'
import type { SpoolCounts } from '../spool/spool.ts'

/** What one interval counted. */
export interface LedgerInterval {
  readonly node: string
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

/** The rows; the batch is fresh and small. */
export function ledgerBatch(interval: LedgerInterval): Batch {
  const batch = createBatch(ledgerTable, 24)
  const { node, start, time } = interval
  for (const row of ledgerRows(interval)) appendRow(batch, { node, start, time, ...row })
  return batch
}

function ledgerRows(interval: LedgerInterval): RowValues[] {
  return [
    ...hookRows(interval),
    ...drainRows(interval),
    ...enrichRows(interval),
    ...spoolRows(interval),
  ]
}

/** Unit records: what the probe saw, live and closed. */
function hookRows({ snapshot, before, enrich }: LedgerInterval): RowValues[] {
  const since = (name: CounterName) => {
    return Math.max(0, snapshot.counters[name] - (before?.counters[name] ?? 0))
  }
  const filtered = since('filtered') + since('dump_filtered')
  const left = since('closed') + since('dumped')
  const lost = new Map([
    ['ring', since('lost_ring')],
    ['closed_while_away', enrich.closedWhileAway],
  ])
  let entered = left + filtered
  for (const count of lost.values()) entered += count
  return stageRows({ stage: 'hook', unit: 'records', entered, left, filtered, lost, waiting: 0 })
}

/** Unit records: what the probe gave, to the main thread. `waiting` is in the ring. */
function drainRows({ snapshot, before, enrich }: LedgerInterval): RowValues[] {
  const { counters } = snapshot
  const entered =
    counters.closed +
    counters.dumped -
    (before?.counters.closed ?? 0) -
    (before?.counters.dumped ?? 0)
  const lost = new Map([['drain_full', snapshot.lost - (before?.lost ?? 0)]])
  const waiting = Math.max(0, counters.closed - snapshot.drained)
  const stage = { stage: 'drain', unit: 'records', filtered: 0 }
  return stageRows({ ...stage, entered, left: enrich.records, lost, waiting })
}

/** Unit rows: what was due to be told. A record refused for want of room counts as a row. */
function enrichRows({ enrich }: LedgerInterval): RowValues[] {
  const { due: entered, rows, filtered, waiting, full } = enrich
  const lost = new Map([['connections_full', full]])
  const stage = { stage: 'enrich', unit: 'rows' }
  const own = filtered > 0 ? [{ ...stage, cause: 'own', filtered }] : []
  return [...stageRows({ ...stage, entered, left: rows, filtered, lost, waiting }), ...own]
}

/** Unit rows: from enrich to central's acknowledgement. */
function spoolRows({ enrich, spool }: LedgerInterval): RowValues[] {
  if (!spool) return []
  const { acknowledged: left, lost, waiting } = spool
  const stage = { stage: 'spool', unit: 'rows', filtered: 0 }
  return stageRows({ ...stage, entered: enrich.rows, left, lost, waiting })
}

interface StageCounts {
  readonly stage: string
  readonly unit: string
  readonly entered: number
  readonly left: number
  readonly filtered: number
  readonly lost: ReadonlyMap<string, number>
  readonly waiting: number
}

/** The stage's own row, then one per cause that lost something. */
function stageRows({ lost, ...counts }: StageCounts): RowValues[] {
  let lostInAll = 0
  for (const count of lost.values()) lostInAll += count
  const { stage, unit } = counts
  const rows: RowValues[] = [{ ...counts, lost: lostInAll, sampled: 0 }]
  for (const [cause, count] of lost) {
    if (count > 0) rows.push({ stage, unit, cause, lost: count })
  }
  return rows
}
