// The groups of /api/top over batches in memory: the metrics are those of wire/model/flow-metrics.ts, as the
// store computes them.

import {
  type Batch,
  createTally,
  derivedValues,
  fieldsIn,
  flowMetrics,
  flowTable,
  type JsonValue,
  joinTally,
  parseFilter,
  type Row,
  rowOf,
  rowTest,
  type Tally,
  tallied,
  tallyOf,
} from '../../wire/mod.ts'
import type { KnownCoverage } from '../render/truth.ts'
import { endsOf } from './filter-flags.ts'
import type { Interval } from './local.ts'
import { localFilter } from './local-filter.ts'
import { type Folded, foldedGroups } from './local-fold.ts'
import { ordered } from './order.ts'
import { keyOf, type TopQuestion, type TopResult } from './top-answer.ts'

export interface LocalTop {
  readonly add: (interval: Pick<Interval, 'batches' | 'coverage' | 'watchedMs'>) => void
  readonly result: () => TopResult
}

interface Group {
  readonly fields: Row
  readonly tally: Tally
  readonly connections: ReadonlySet<string>
  /** Bytes by second since the start. */
  readonly steps: number[]
}

const stepMs = 1000
const connectionsAt = flowMetrics.findIndex(({ name }) => name === 'connections')
/** The rows that came are of one view. */
const counted = parseFilter('counted = true', { table: flowTable, nowNs: 0n })
const everyInterface = parseFilter('view = interface', { table: flowTable, nowNs: 0n })

export function createLocalTop(question: TopQuestion, startedMs = Date.now()): LocalTop {
  const by = question.by.flatMap(endsOf)
  const sorted = ordered(question.order, [...flowMetrics.map(({ name }) => name), ...by])
  const groups = new Map<string, Group>()
  const all = emptyGroup({})
  let watchedMs = 0
  let coverage: KnownCoverage = { share: null, watched: 0, lost: {}, gaps: [] }

  function add(interval: Pick<Interval, 'batches' | 'coverage' | 'watchedMs'>): void {
    coverage = interval.coverage
    watchedMs = interval.watchedMs
    for (const batch of interval.batches) addBatch(batch)
  }

  function addBatch(batch: Batch): void {
    const isCounted = rowTest(counted, batch)
    const isAnyway = by.includes('interface') ? rowTest(everyInterface, batch) : () => false
    const tally = tallyOf(flowMetrics, batch)
    for (let index = 0; index < batch.length; index++) {
      if (!isCounted(index) && !isAnyway(index)) continue
      const row = rowOf(batch, index)
      const fields = pick(row, by)
      const key = keyOf(fields, by)
      const group = groups.get(key) ?? emptyGroup(fields)
      groups.set(key, group)
      tally(group.tally, index)
      tally(all.tally, index)
      addBytes(group.steps, row, startedMs)
    }
  }

  function result(): TopResult {
    const shown = foldsPorts(question)
      ? foldedGroups([...groups.values()], by).map(joined)
      : [...groups.values()]
    const steps = new Map(shown.map((group) => [keyOf(group.fields, by), group.steps]))
    const rows = shown.map(metricsOf).sort(sorted)
    const folded = rows.reduce((sum, row) => sum + Number(row['folded_ports'] ?? 0), 0)
    return {
      by,
      rows: rows.slice(0, question.limit),
      totals: { groups: rows.length, folded_ports: folded, ...metricsOf(all) },
      seconds: watchedMs / 1000,
      coverage,
      steps: (row) => steps.get(keyOf(row, by)),
    }
  }

  return { add, result }
}

/** As the API: not for somebody who asks for certain ports. */
function foldsPorts({ fold, filters }: TopQuestion): boolean {
  return fold && !fieldsIn(localFilter(filters)).has('dst_port')
}

/** The groups of a fold as one. */
function joined({ fields, parts }: Folded<Group>): Group {
  const [first, ...others] = parts
  if (first && others.length === 0) return first
  const all = emptyGroup(fields)
  for (const { tally, steps } of parts) {
    joinTally(all.tally, tally)
    for (const [step, bytes] of steps.entries()) all.steps[step] = (all.steps[step] ?? 0) + bytes
  }
  return all
}

function emptyGroup(fields: Row): Group {
  const tally = createTally(flowMetrics)
  return { fields, tally, connections: tally[connectionsAt]?.seen ?? new Set(), steps: [] }
}

function pick(row: Row, names: readonly string[]): Row {
  const found = (name: string): JsonValue => derivedValues[name]?.(row) ?? row[name] ?? null
  return Object.fromEntries(names.map((name) => [name, found(name)]))
}

function addBytes(steps: number[], row: Row, startedMs: number): void {
  const step = Math.max(0, Math.floor((Date.parse(String(row['time'])) - startedMs) / stepMs))
  while (steps.length <= step) steps.push(0)
  steps[step] = (steps[step] ?? 0) + Number(row['bytes']) + Number(row['reverse_bytes'])
}

function metricsOf({ fields, tally }: Group): Row {
  return { ...fields, ...tallied(flowMetrics, tally) }
}
