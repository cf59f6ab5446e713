// When was anybody watching? From the ledger: an agent writes a heartbeat for every interval it watched, idle or
// not, so a hole between them is a time that nobody can tell about. Beside it a line names each probe that is not
// open: to a question about that probe's rows it is no heartbeat.

import {
  allOf,
  conditionsOf,
  type Filter,
  fieldsIn,
  flowTable,
  probesAsked,
  type Table,
} from '../../wire/mod.ts'
import type { Reader, ReadOptions, StoredRow } from '../reader.ts'
import { type Binder, createBinder } from './binder.ts'
import { filterSql } from './filter-sql.ts'
import type { FlowsScope, Range } from './question.ts'

/** A time in which nobody watched a node, or its agent could not watch what is asked for. */
export interface Hole {
  readonly node: string
  readonly fromNs: bigint
  readonly toNs: bigint
}

export interface Watch {
  /** Per node: first moment known to be watched, and its holes within the range, in order. */
  readonly nodes: ReadonlyMap<string, NodeWatch>
  /** How often the slowest agent reports; 0 when there is none. */
  readonly intervalNs: bigint
  /** When it was asked: what comes later is neither watched nor unwatched yet. */
  readonly nowNs: bigint
}

export interface NodeWatch {
  readonly sinceNs: bigint
  readonly holes: readonly Hole[]
  /** Length of all holes within the range, of those beyond the 1000 that are listed too. */
  readonly unwatchedNs: bigint
}

export interface WatchQuestion extends FlowsScope {
  readonly nowNs: bigint
  /** Whose rows are asked for; flows when left out. */
  readonly table?: Table
}

const secondNs = 1_000_000_000n
/** An agent that was heard within a day before the range is missed in it; one longer away is not. */
const lookBackNs = 86_400n * secondNs
/** To tell a hole at the range's end from an interval that merely ends later. */
const lookAheadNs = 3600n * secondNs
/** Intervals meet exactly; the wall clock may be re-measured between two of them. */
const toleranceNs = 10_000_000n
/** A report may be under way: silence counts after three intervals, at least this. */
const patienceNs = 15n * secondNs
const holesMax = 1000

/** The part of a filter that says which nodes are asked for; coverage heeds no other. */
export function nodeFilter(filter: Filter): Filter {
  return allOf(conditionsOf(filter).filter((part) => [...fieldsIn(part)].every(isNode)))
}

function isNode(name: string): boolean {
  return name === 'node'
}

/** Who watched when, by the ledger; times in ns since 1970. Errors: those of the reader. */
export async function readWatch(
  reader: Reader,
  question: WatchQuestion,
  options?: ReadOptions,
): Promise<Watch> {
  const binder = createBinder()
  const rows = await reader.read(watchSql(binder, question), binder.params, options)
  const intervals = rows.map((row) => BigInt(String(row['_interval'])))
  return {
    nodes: new Map(rows.map((row) => [String(row['node']), nodeWatch(question, row)])),
    intervalNs: intervals.reduce(later, 0n),
    nowNs: question.nowNs,
  }
}

/**
 * The part of range × known nodes in which an agent watched, 0 to 1. A node is known from its first report
 * on. Nobody can say how many nodes there were before the first report of all: that time is unwatched and
 * counts with the mean number of nodes of the rest.
 *
 *     node a   ........======----====     = watched   - hole   . before the first report of all
 *     node b   ........       =======     1 of 1 node, then 2: (10 + 7) / (14 + 7) × 14 / 22
 */
export function watchedShare(watch: Watch, range: Range): number {
  const toNs = earlier(range.toNs, watch.nowNs)
  const nodes = [...watch.nodes.values()].filter(({ sinceNs }) => sinceNs < toNs)
  const begins = nodes.map(({ sinceNs }) => later(sinceNs, range.fromNs))
  const firstNs = begins.reduce(earlier, toNs)
  if (firstNs >= toNs) return 0
  const known = begins.reduce((sum, beginNs) => sum + (toNs - beginNs), 0n)
  const unwatched = nodes.reduce((sum, node) => sum + node.unwatchedNs, 0n)
  if (unwatched === 0n && firstNs === range.fromNs) return 1
  const share =
    (Number(known - unwatched) / Number(known)) *
    (Number(toNs - firstNs) / Number(toNs - range.fromNs))
  return Math.max(0, Math.min(share, 1 - Number.EPSILON))
}

/** All holes, the newest of at most 1000, in order of their begin. */
export function holesOf(watch: Watch): readonly Hole[] {
  return [...watch.nodes.values()]
    .flatMap((node) => node.holes)
    .toSorted((a, b) => Number(a.fromNs - b.fromNs))
    .slice(-holesMax)
}

/** Whether any agent watched any part of [fromNs, toNs). */
export function isWatched(watch: Watch, { fromNs, toNs }: Range): boolean {
  return [...watch.nodes.values()].some(({ sinceNs, holes }) => {
    const begin = later(sinceNs, fromNs)
    return begin < toNs && !holes.some((hole) => hole.fromNs <= begin && hole.toNs >= toNs)
  })
}

/** A heartbeat has a stage of its own. Agents before schema 2 had none: the row of their one probe is it. */
const isHeartbeat = `f.cause = '' AND f.stage IN ('agent', 'hook') AND f.probe = ''`
const isUnopened = `f.stage = 'agent' AND f.cause = 'not_open'`

/**
 * Per node: first begin, last end, usual length, and the holes as [from, to] pairs of ns as text. All heartbeats before
 * the range are one row per node: they say that it was there and until when, and a day of them has no order to sort.
 * An interval without a probe that is needed says only that the node was there. If the last interval before the range
 * is one of these, the hole begins before the range, and it does not matter where.
 */
function watchSql(binder: Binder, { range, filter, table = flowTable }: WatchQuestion): string {
  const low = binder.bindTime(range.fromNs - lookBackNs)
  const high = binder.bindTime(range.toNs + lookAheadNs)
  const tolerance = binder.bind('Int64', toleranceNs)
  const from = binder.bindTime(range.fromNs)
  const probes = probesAsked(table, filter).map((probe) => binder.bind('String', probe))
  const isMissed = probes.length > 0 ? `(${isUnopened} AND f.probe IN (${probes.join()}))` : 'false'
  const hole = `w.seen AND w.begin > w.before + ${tolerance}
    AND w.begin > toUnixTimestamp64Nano(${from})`
  const within = `least(w.begin, ${binder.bind('Int64', range.toNs)})
    - greatest(w.before, ${binder.bind('Int64', range.fromNs)})`
  const early = `f.time < ${from}`
  return `SELECT w.node AS node, toString(min(w.begin)) AS _since,
  toString(greatest(maxIf(w.finish, w.seen), min(w.begin))) AS _last,
  max(w.finish) > maxIf(w.finish, w.seen) AS _missed,
  toString(toInt64(quantileExact(w.length))) AS _interval,
  toString(sumIf(greatest(0, ${within}), ${hole})) AS _unwatched,
  arrayMap(h -> [toString(h.1), toString(h.2)],
    groupArrayIf(${holesMax})((w.before, w.begin), ${hole})) AS _holes
FROM (
  SELECT h.node AS node, h.begin AS begin, h.finish AS finish, h.length AS length, h.seen AS seen,
    greatest(min(h.begin) OVER (PARTITION BY h.node),
      maxIf(h.finish, h.seen) OVER (PARTITION BY h.node ORDER BY h.begin, h.finish
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)) AS before
  FROM (
    SELECT f.node AS node, min(toUnixTimestamp64Nano(f.start)) AS begin,
      max(toUnixTimestamp64Nano(f.time)) AS finish,
      finish > maxIf(toUnixTimestamp64Nano(f.time), ${isMissed}) AS seen,
      quantileExact(toUnixTimestamp64Nano(f.time) - toUnixTimestamp64Nano(f.start)) AS length
    FROM ledger AS f
    WHERE (${isHeartbeat} OR ${isMissed}) AND f.time >= ${low} AND f.time < ${high}
      AND ${filterSql(binder, nodeFilter(filter))}
    GROUP BY node, if(${early}, NULL, f.start), if(${early}, NULL, f.time)
  ) AS h
) AS w GROUP BY node ORDER BY node`
}

function nodeWatch(question: WatchQuestion, row: StoredRow): NodeWatch {
  const { range, nowNs } = question
  const node = String(row['node'])
  const lastNs = BigInt(String(row['_last']))
  const intervalNs = BigInt(String(row['_interval']))
  const pairs = (row['_holes'] as readonly (readonly string[])[]).map(([from = '', to = '']) => ({
    fromNs: BigInt(from),
    toNs: BigInt(to),
  }))
  const patience = later(intervalNs * 3n, patienceNs)
  const isSilent = Number(row['_missed']) === 1 || nowNs - lastNs > patience
  const silent = isSilent ? [{ fromNs: lastNs, toNs: nowNs }] : []
  const silentNs = silent.reduce((sum, hole) => sum + lengthOf(clipped(hole, range)), 0n)
  const holes = [...pairs, ...silent]
    .map((hole) => ({ node, ...clipped(hole, range) }))
    .filter((hole) => hole.fromNs < hole.toNs)
    .toSorted((a, b) => Number(a.fromNs - b.fromNs))
  return {
    sinceNs: BigInt(String(row['_since'])),
    holes,
    unwatchedNs: BigInt(String(row['_unwatched'])) + silentNs,
  }
}

function lengthOf({ fromNs, toNs }: Range): bigint {
  return later(toNs - fromNs, 0n)
}

function clipped(hole: Range, range: Range): Range {
  return {
    fromNs: later(hole.fromNs, range.fromNs),
    toNs: earlier(hole.toNs, range.toNs),
  }
}

function later(a: bigint, b: bigint): bigint {
  return a < b ? b : a
}

function earlier(a: bigint, b: bigint): bigint {
  return a < b ? a : b
}
