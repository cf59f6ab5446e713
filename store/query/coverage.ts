// How much of the truth an answer is: rows that are stored against rows that are known lost, and the times
// when nobody watched. Over the whole range and its nodes, whatever else the question filters by: nobody
// knows what was in a lost row. But it was a row of one table: what is lost of another one spoils nothing.

import { rfc3339 } from '../../common/mod.ts'
import {
  allOf,
  conditionsOf,
  type Filter,
  fieldsIn,
  flowTable,
  inOneView,
  probesOfView,
  type Table,
} from '../../wire/mod.ts'
import type { Reader, ReadOptions, StoredRow } from '../reader.ts'
import { type Binder, createBinder } from './binder.ts'
import { scopeCondition } from './conditions.ts'
import { ledgerRows } from './ledger.ts'
import { countSql } from './precision.ts'
import type { FlowsScope, Range } from './question.ts'
import { partialMark, stepNsOf, stepSql, stepsOf } from './steps.ts'
import { integer } from './stored-row.ts'
import { holesOf, isWatched, nodeFilter, readWatch, type Watch, watchedShare } from './watch.ts'

/** In the shape of the API's `coverage`. */
export interface Coverage {
  readonly share: number | null
  /** 0..1: see watchedShare. */
  readonly watched: number
  readonly lost: Record<string, number>
  readonly gaps: { node: string; from: string; to: string }[]
}

export interface SteppedCoverage extends Coverage {
  readonly steps: { time: string; share: number | null; partial?: true }[]
}

export interface CoverageQuestion extends FlowsScope {
  readonly nowNs: bigint
  /** Whose rows are asked for; flows when left out. */
  readonly table?: Table
}

interface Counts {
  readonly stored: ReadonlyMap<bigint, number>
  readonly lost: ReadonlyMap<bigint, number>
  readonly causes: Record<string, number>
}

/** The part of a filter that says which view is asked for. */
function viewFilter(filter: Filter): Filter {
  const parts = conditionsOf(inOneView(filter))
  return allOf(parts.filter((part) => [...fieldsIn(part)].every((name) => name === 'view')))
}

/** Coverage of the whole range; times as RFC 3339. Errors: those of the reader. */
export async function readCoverage(
  reader: Reader,
  question: CoverageQuestion,
  options?: ReadOptions,
): Promise<Coverage> {
  const [watch, counts] = await Promise.all([
    readWatch(reader, question, options),
    readCounts(reader, question, options),
  ])
  return wholeCoverage(question.range, counts, watch)
}

export interface SteppedCoverageQuestion extends CoverageQuestion {
  readonly stepNs: bigint
  /** Was read before, to choose the step. */
  readonly watch: Watch
  /** Rows by step of an answer that nothing filters, when they were counted on the way. */
  readonly rowsOfSteps?: ReadonlyMap<bigint, number> | undefined
}

/** The same with the share of every step. */
export async function readSteppedCoverage(
  reader: Reader,
  question: SteppedCoverageQuestion,
  options?: ReadOptions,
): Promise<SteppedCoverage> {
  const { range, stepNs, watch } = question
  const counts = await readCounts(reader, question, options)
  const steps = stepsOf(range, stepNs).map((fromNs) => {
    const step = { fromNs, toNs: fromNs + stepNs }
    const share = shareOf(counts.stored.get(fromNs) ?? 0, counts.lost.get(fromNs) ?? 0)
    const known = share ?? emptyShare(watch, step)
    return { time: rfc3339(fromNs), share: known, ...partialMark(range, stepNs, fromNs) }
  })
  return { ...wholeCoverage(range, counts, watch), steps }
}

/** Null when there is nothing to divide. A loss, however small, never rounds up to 1. */
export function shareOf(stored: number, lost: number): number | null {
  if (stored + lost === 0) return null
  if (lost === 0) return 1
  return Math.min(stored / (stored + lost), 1 - Number.EPSILON)
}

function wholeCoverage(range: Range, counts: Counts, watch: Watch): Coverage {
  const share = shareOf(sum(counts.stored), sum(counts.lost))
  return {
    share: share ?? emptyShare(watch, range),
    watched: watchedShare(watch, range),
    lost: counts.causes,
    gaps: holesOf(watch).map(({ node, fromNs, toNs }) => ({
      node,
      from: rfc3339(fromNs),
      to: rfc3339(toNs),
    })),
  }
}

/** Nothing stored and nothing lost is complete if somebody watched, else unknown. */
function emptyShare(watch: Watch, range: Range): number | null {
  return isWatched(watch, range) ? 1 : null
}

async function readCounts(
  reader: Reader,
  question: CoverageQuestion & Partial<SteppedCoverageQuestion>,
  options?: ReadOptions,
): Promise<Counts> {
  const { rowsOfSteps, ...asked } = question
  const lost = await readLost(reader, question, options)
  const ofView = sum(lost.lost) > 0
  const stored = rowsOfSteps
    ? await ifComplete(reader, { ...asked, ofView }, rowsOfSteps, options)
    : await readStored(reader, { ...asked, ofView }, options)
  return { stored, ...lost }
}

/** Whether only rows of the view that is asked for are counted: without a loss the others change no share. */
interface StoredScope {
  readonly ofView: boolean
}

/** Rows by step that were counted on the way: all there are, unless some of them are not for metrics. */
async function ifComplete(
  reader: Reader,
  asked: CoverageQuestion & StoredScope & { readonly stepNs?: bigint },
  rowsOfSteps: ReadonlyMap<bigint, number>,
  options?: ReadOptions,
): Promise<ReadonlyMap<bigint, number>> {
  const { range, filter, ofView } = asked
  const all = await readStored(reader, { range, filter, ofView }, options)
  return sum(all) === sum(rowsOfSteps) ? rowsOfSteps : readStored(reader, asked, options)
}

/** Without steps the index alone answers: 100 M rows in milliseconds instead of a second. */
async function readStored(
  reader: Reader,
  question: FlowsScope & StoredScope & { readonly stepNs?: bigint; readonly table?: Table },
  options?: ReadOptions,
): Promise<ReadonlyMap<bigint, number>> {
  const { range, filter, ofView, stepNs, table = flowTable } = question
  const binder = createBinder()
  const nodes = nodeFilter(filter)
  const counted = ofView && table === flowTable ? allOf([nodes, viewFilter(filter)]) : nodes
  const condition = scopeCondition(binder, { range, filter: counted })
  if (stepNs === undefined) {
    const [row] = await reader.read(countSql(condition, table.name), binder.params, options)
    return new Map([[0n, row ? integer('rows', row['rows'] ?? null) : 0]])
  }
  const sql = `SELECT toString(${stepSql(binder, stepNs)} AS _s) AS _step, count() AS rows
FROM ${table.name} AS f WHERE ${condition} GROUP BY _s`
  const rows = await reader.read(sql, binder.params, options)
  return new Map(rows.map((row) => [stepNsOf(row), integer('rows', row['rows'] ?? null)]))
}

async function readLost(
  reader: Reader,
  { range, filter, stepNs, table = flowTable }: CoverageQuestion & { readonly stepNs?: bigint },
  options?: ReadOptions,
): Promise<Omit<Counts, 'stored'>> {
  const binder = createBinder()
  const step = stepSql(binder, stepNs ?? range.toNs + 1n)
  const rows = await reader.read(
    `SELECT toString(${step} AS _s) AS _step, f.node AS node, f.stage AS stage,
  f.probe AS probe, f.\`table\` AS \`table\`, f.cause AS cause, sum(f.lost) AS lost
FROM ${ledgerRows} AS f WHERE ${scopeCondition(binder, { range, filter: nodeFilter(filter) })}
  AND f.lost > 0 AND f.stage NOT IN ('agent', 'export') AND ${isOf(binder, table, filter)}
GROUP BY _s, node, stage, probe, \`table\`, cause`,
    binder.params,
    options,
  )
  return lostCounts(rows)
}

/** Rows of the table, and records that would have become some: packets of interfaces are no rows of sockets. */
function isOf(binder: Binder, table: Table, filter: Filter) {
  const ofProbes = probesOfView(table, filter).map(
    (probe) => `f.probe = ${binder.bind('String', probe)}`,
  )
  return `(${[`f.\`table\` = ${binder.bind('String', table.name)}`, ...ofProbes].join(' OR ')})`
}

/** A stage's own row includes what its causes say; what they leave unsaid is `unknown`. */
function lostCounts(rows: readonly StoredRow[]): Omit<Counts, 'stored'> {
  const own = new Map<string, { stepNs: bigint; unsaid: number }>()
  const lost = new Map<bigint, number>()
  const causes: Record<string, number> = {}
  const add = (stepNs: bigint, cause: string, count: number) => {
    lost.set(stepNs, (lost.get(stepNs) ?? 0) + count)
    causes[cause] = (causes[cause] ?? 0) + count
  }
  for (const row of rows) {
    const stepNs = stepNsOf(row)
    const key = JSON.stringify(
      ['_step', 'node', 'stage', 'probe', 'table'].map((name) => row[name]),
    )
    const entry = own.get(key) ?? { stepNs, unsaid: 0 }
    const count = integer('lost', row['lost'] ?? null)
    entry.unsaid += row['cause'] === '' ? count : -count
    own.set(key, entry)
    if (row['cause'] !== '') add(stepNs, String(row['cause']), count)
  }
  for (const { stepNs, unsaid } of own.values()) if (unsaid > 0) add(stepNs, 'unknown', unsaid)
  return { lost, causes }
}

function sum(counts: ReadonlyMap<bigint, number>): number {
  return [...counts.values()].reduce((total, count) => total + count, 0)
}
