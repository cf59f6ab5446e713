// The agent's part of the loss ledger: one interval as rows, also when nothing happened (a heartbeat).
// Every stage: entered = left + filtered + lost + waiting, in its own unit.

import type { CounterName } from '../../kernel/mod.ts'
import { appendRow, type Batch, createBatch, ledgerTable, type RowValues } from '../../wire/mod.ts'
import type { SnapshotReport } from '../drain/collector.ts'
import type { EnrichCounts } from '../enrich/enrich.ts'
import type { SpoolLoss } from '../spool/spool.ts'

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
  readonly spoolLosses: ReadonlyMap<SpoolLoss, number>
  readonly spoolWaiting: number
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
  return stageRows({ stage: 'hook', unit: 'records', left, filtered, lost, waiting: 0 })
}

/** Unit records: from the ring and the dumps to the main thread. */
function drainRows({ snapshot, before, enrich }: LedgerInterval): RowValues[] {
  const lost = new Map([['drain_full', snapshot.lost - (before?.lost ?? 0)]])
  const left = enrich.records
  return stageRows({ stage: 'drain', unit: 'records', left, filtered: 0, lost, waiting: 0 })
}

/** Unit rows: what was due to be told. A record refused for want of room counts as a row. */
function enrichRows({ enrich }: LedgerInterval): RowValues[] {
  const { rows, filtered, waiting, full } = enrich
  const lost = new Map([['connections_full', full]])
  const causes = filtered > 0 ? [{ cause: 'own', filtered }] : []
  const stage = { stage: 'enrich', unit: 'rows' }
  return [
    ...stageRows({ ...stage, left: rows, filtered, lost, waiting }),
    ...causes.map((row) => ({ ...stage, ...row })),
  ]
}

/** Unit rows: `left` is what was committed; what waits for central is not out yet. */
function spoolRows({ enrich, spoolLosses, spoolWaiting }: LedgerInterval): RowValues[] {
  const left = enrich.rows
  return stageRows({
    stage: 'spool',
    unit: 'rows',
    left,
    filtered: 0,
    lost: spoolLosses,
    waiting: spoolWaiting,
  })
}

interface StageCounts {
  readonly stage: string
  readonly unit: string
  readonly left: number
  readonly filtered: number
  readonly lost: ReadonlyMap<string, number>
  readonly waiting: number
}

/** The stage's own row, then one per cause that lost something. */
function stageRows({ stage, unit, left, filtered, lost, waiting }: StageCounts): RowValues[] {
  let lostInAll = 0
  for (const count of lost.values()) lostInAll += count
  const entered = left + filtered + lostInAll + waiting
  const rows: RowValues[] = [
    { stage, unit, entered, left, filtered, lost: lostInAll, waiting, sampled: 0 },
  ]
  for (const [cause, count] of lost) {
    if (count > 0) rows.push({ stage, unit, cause, lost: count })
  }
  return rows
}
