// The agent's part of the loss ledger: one interval as rows, of each probe and each table, and a heartbeat.
// Every stage in its own unit: entered = left + filtered + lost + what `waiting` rose by. Each of them is counted
// where it happens (the kernel, the thread that drains, enrich, the spool); balance.ts checks that they add up.

import { type CounterMeaning, probeSpecs } from '../../kernel/mod.ts'
import {
  appendRow,
  type Batch,
  type CauseOf,
  createBatch,
  eventTable,
  flowTable,
  ledgerTable,
  type RowValues,
} from '../../wire/mod.ts'
import type { SourceReport } from '../drain/collector.ts'
import type { SnapshotReport } from '../drain/messages.ts'
import { recordSource } from '../drain/record.ts'
import { dropSource } from '../events/drop-events.ts'
import type { EventCounts } from '../events/events.ts'
import { packetSource } from '../events/packet-events.ts'
import { flowSource, type InterfaceCounts } from '../interfaces/interfaces.ts'
import type { SpoolCounts } from '../spool/spool.ts'
import type { EnrichCounts } from '../tcp/enrich.ts'
import { type Balance, createBalance, type StageFlow } from './balance.ts'

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
  readonly spool?: SpoolCounts
  /** The same of events. */
  readonly events?: EventCounts & { readonly spool?: SpoolCounts }
  /** Rows of interfaces, which are rows of flows too; `enrich` does not have them. */
  readonly interfaces?: InterfaceCounts
  /** Names of the probes that could not be opened. */
  readonly failed?: readonly string[]
}

/** Stages of the agent; the heartbeat is none of them. */
export type AgentStage = 'hook' | 'drain' | 'enrich' | 'spool'

export interface LedgerOptions {
  readonly node: string
  /** Rows that an earlier process left in the spool, by table. */
  readonly spoolWaiting?: ReadonlyMap<string, number>
  /** A stage that does not add up; below 0 more has left than entered. */
  readonly onUnaccounted: (stage: AgentStage, count: number) => void
}

export interface Ledger {
  /** The rows; the batch is fresh and small. */
  batch(interval: LedgerInterval): Batch
}

export function createLedger({ node, spoolWaiting, onUnaccounted }: LedgerOptions): Ledger {
  /** By stage and what it counts. */
  const balances = new Map(
    [...(spoolWaiting ?? [])].map(([table, rows]) => [`spool ${table}`, createBalance(rows)]),
  )

  function batch(interval: LedgerInterval): Batch {
    const stages = stagesOf(interval).map((stage) => checked(stage, interval))
    const missed = (interval.failed ?? []).flatMap(missedBy)
    const rows = [heartbeat, ...missed, ...stages.flatMap(rowsOf)]
    const { start, time } = interval
    const batch = createBatch(ledgerTable, rows.length)
    for (const row of rows) appendRow(batch, { node, start, time, ...row })
    return batch
  }

  function balanceOf(stage: string, of: StageCounts['of']): Balance {
    const key = `${stage} ${'probe' in of ? of.probe : of.table}`
    const balance = balances.get(key) ?? createBalance()
    balances.set(key, balance)
    return balance
  }

  function checked(stage: StageCounts, interval: LedgerInterval): StageCounts {
    const filtered = stage.filtered + stage.sampled
    const lost = sumOf(stage.lost)
    let missing = balanceOf(stage.stage, stage.of).add({ ...stage, filtered, lost })
    let { entered } = stage
    if (stage.stage === 'spool') {
      const isFlows = stage.of === ofFlows
      const { enrich, interfaces, events } = interval
      const made = isFlows ? [enrich, interfaces] : [events]
      const rows = made.reduce((sum, counts) => sum + (counts ? passed(counts) : 0), 0)
      // Between enrich and spool: rows that left the one and did not enter the other.
      const handover = balanceOf('handover', stage.of)
      const between = handover.add({ ...nothing, entered: rows, left: entered })
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

/** Says that the agent watched from `start` to `time`, whatever its probes counted. */
const heartbeat = { stage: 'agent', unit: 'intervals', entered: 1, left: 1 }

/** Says that a probe did not watch the interval. */
function missedBy(probe: string): RowValues[] {
  const cause: CauseOf<'agent'> = 'not_open'
  const missed = { stage: 'agent', unit: 'intervals', probe, lost: 1 }
  return [
    { ...missed, entered: 1 },
    { ...missed, cause },
  ]
}

const nothing: StageFlow = { entered: 0, left: 0, filtered: 0, lost: 0, waiting: 0 }

const ofProbe = (probe: string, unit: 'records' | 'packets' = 'records') =>
  ({ unit, probe }) as const
const ofFlows = { unit: 'rows', table: flowTable.name } as const
const ofEvents = { unit: 'rows', table: eventTable.name } as const

const noCauses: ReadonlyMap<Cause, number> = new Map()

type Cause = { [S in AgentStage]: CauseOf<S> }[AgentStage]

interface StageCounts {
  readonly stage: AgentStage
  /** What is counted: records of a probe or the packets that they stand for, or rows of a table. */
  readonly of: ReturnType<typeof ofProbe> | typeof ofFlows | typeof ofEvents
  readonly entered: number
  readonly left: number
  readonly filtered: number
  readonly sampled: number
  /** Causes of what was filtered; the rest is by the configuration. */
  readonly filteredBy: ReadonlyMap<Cause, number>
  /** Of what left, parts of which something is to be known. */
  readonly leftBy?: ReadonlyMap<Cause, number>
  readonly lost: ReadonlyMap<Cause, number>
  readonly waiting: number
}

function stagesOf(interval: LedgerInterval): StageCounts[] {
  const { snapshot, before, enrich, spool, events } = interval
  const ofSources = snapshot.sources.flatMap((report) => {
    const earlier = before?.sources.find(({ source }) => source === report.source)
    const { source } = report
    const taken = takenOf[source]?.(interval) ?? events?.plainRecords?.get(source) ?? 0
    const closedWhileAway = report.source === recordSource ? enrich.closedWhileAway : 0
    const counts = { report, earlier, taken, closedWhileAway }
    return [hookOf(counts), drainOf(counts)]
  })
  const stages = [...ofSources, enrichOf(interval)]
  if (spool) stages.push(spoolOf(spool, ofFlows))
  if (events) stages.push(eventsOf(events))
  if (events?.spool) stages.push(spoolOf(events.spool, ofEvents))
  return stages
}

/** What the stage which makes rows of the records has got, by source: records, of drops packets. Others are plain events. */
const takenOf: Readonly<Record<string, (interval: LedgerInterval) => number>> = {
  [recordSource]: ({ enrich }) => enrich.records,
  [dropSource]: ({ events }) => events?.dropPackets ?? 0,
  [flowSource]: ({ interfaces }) => interfaces?.records ?? 0,
  [packetSource]: ({ events }) => events?.packetRecords ?? 0,
}

/** One probe's counts. */
interface SourceCounts {
  readonly report: SourceReport
  readonly earlier: SourceReport | undefined
  /** Records (or their packets) that the stage which makes rows of them has got. */
  readonly taken: number
  readonly closedWhileAway: number
}

/**
 * What the programs saw, and what dumps showed. `waiting` is in the ring. Unit records, or what the probe says; a record
 * of drops or of packets stands for many, and its probe counts those.
 */
function hookOf({ report, earlier, closedWhileAway }: SourceCounts): StageCounts {
  const since = (meaning: CounterMeaning) =>
    sumCounters(report, meaning) - sumCounters(earlier, meaning)
  const isSummed = countersOf(report.source).some(([, { means }]) => means.includes('left'))
  const ring = sumCounters(report, 'ring')
  const waiting = ring - (isSummed ? sumCounters(report, 'left') : report.drained)
  return {
    stage: 'hook',
    of: ofProbe(report.source, specOf(report.source)?.unit),
    sampled: since('sampled'),
    entered: since('entered') + closedWhileAway,
    left: isSummed ? since('left') : takenBy(report, earlier),
    filtered: since('filtered'),
    filteredBy: byCause(report, earlier, 'filtered'),
    leftBy: byCause(report, earlier, 'noted'),
    lost: new Map<Cause, number>([
      ...byCause(report, earlier, 'lost'),
      ['closed_while_away', closedWhileAway],
    ]),
    waiting,
  }
}

/** What counters of this meaning say, by their cause; what is filtered without one is so by the configuration. */
function byCause(report: SourceReport, earlier: SourceReport | undefined, meaning: CounterMeaning) {
  const found = new Map<Cause, number>()
  for (const [name, { means, cause }] of countersOf(report.source)) {
    const word = cause ?? (meaning === 'lost' ? 'ring_full' : undefined)
    if (!means.includes(meaning) || word === undefined) continue
    const count = (report.counters[name] ?? 0) - (earlier?.counters[name] ?? 0)
    found.set(word, (found.get(word) ?? 0) + count)
  }
  return found
}

/** The counters of a source that have this meaning, by its entry in the registry of probes. */
function sumCounters(report: SourceReport | undefined, meaning: CounterMeaning): number {
  if (!report) return 0
  let sum = 0
  for (const [name, { means }] of countersOf(report.source)) {
    if (means.includes(meaning)) sum += report.counters[name] ?? 0
  }
  return sum
}

function countersOf(source: string) {
  return Object.entries(specOf(source)?.counters ?? {})
}

function specOf(source: string) {
  return probeSpecs.find(({ name }) => name === source)
}

/** What the draining thread has taken, from the ring and from dumps. */
function takenBy(report: SourceReport, earlier: SourceReport | undefined): number {
  return report.drained + report.dumped - (earlier?.drained ?? 0) - (earlier?.dumped ?? 0)
}

/** From the draining thread to the main thread. A snapshot is answered when all have arrived. */
function drainOf({ report, earlier, taken }: SourceCounts): StageCounts {
  return {
    stage: 'drain',
    of: ofProbe(report.source, specOf(report.source)?.drainUnit),
    entered: takenBy(report, earlier),
    left: taken,
    filtered: 0,
    sampled: 0,
    filteredBy: noCauses,
    lost: new Map<Cause, number>([['drain_full', report.lost - (earlier?.lost ?? 0)]]),
    waiting: 0,
  }
}

/** Unit rows: what became due. A record refused for want of room counts as a row. */
function enrichOf({ enrich, interfaces }: LedgerInterval): StageCounts {
  const { due, filtered, withdrawn, leftOut = 0, waiting, full } = enrich
  return {
    stage: 'enrich',
    of: ofFlows,
    sampled: 0,
    entered: due + (interfaces?.due ?? 0),
    left: passed(enrich) + (interfaces ? passed(interfaces) : 0),
    filtered: filtered + leftOut + withdrawn,
    filteredBy: new Map<Cause, number>([
      ['own', filtered],
      ['withdrawn', withdrawn],
      ['agent_filter', leftOut],
    ]),
    lost: new Map<Cause, number>([['connections_full', full]]),
    waiting,
  }
}

/** Unit rows: what happened, as events. */
function eventsOf(counts: EventCounts): StageCounts {
  const { due, filtered, leftOut = 0, packetsFull = 0 } = counts
  return {
    stage: 'enrich',
    of: ofEvents,
    entered: due,
    left: passed(counts),
    sampled: 0,
    filtered: filtered + leftOut,
    filteredBy: new Map<Cause, number>([['agent_filter', leftOut]]),
    lost: new Map<Cause, number>([['packets_full', packetsFull]]),
    waiting: 0,
  }
}

/** Rows that go on: made, and not left out by the filter of the agent. */
function passed({ rows, leftOut = 0 }: Pick<EnrichCounts, 'rows' | 'leftOut'>): number {
  return rows - leftOut
}

/** Unit rows: from enrich to central's acknowledgement. */
function spoolOf(spool: SpoolCounts, of: StageCounts['of']): StageCounts {
  const { entered, acknowledged: left, lost, waiting } = spool
  const none = { filtered: 0, sampled: 0, filteredBy: noCauses }
  return { stage: 'spool', of, entered, left, ...none, lost, waiting }
}

function sumOf(counts: ReadonlyMap<Cause, number>): number {
  let sum = 0
  for (const count of counts.values()) sum += count
  return sum
}

/** The stage's own row, then one per cause that lost or filtered something, or is to be known of what left. */
function rowsOf({ stage, of, lost, filteredBy, leftBy, ...counts }: StageCounts): RowValues[] {
  const waiting = Math.max(counts.waiting, 0)
  const found: RowValues[] = [{ stage, ...of, ...counts, waiting, lost: sumOf(lost) }]
  for (const [cause, count] of lost) {
    if (count > 0) found.push({ stage, ...of, cause, lost: count })
  }
  for (const [cause, count] of filteredBy) {
    if (count > 0) found.push({ stage, ...of, cause, filtered: count })
  }
  for (const [cause, count] of leftBy ?? noCauses) {
    if (count > 0) found.push({ stage, ...of, cause, left: count })
  }
  return found
}
