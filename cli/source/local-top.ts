// The metrics of /api/top over rows in memory, defined as wire/model/flow-metrics.ts defines them in SQL.

import { flowMetrics, type JsonValue, type Row } from '../../wire/mod.ts'
import type { KnownCoverage } from '../render/truth.ts'
import { connectionKey } from './connection-key.ts'
import { endsOf } from './filter-flags.ts'
import type { Interval } from './local.ts'
import { type Folded, foldedGroups } from './local-fold.ts'
import { ordered } from './order.ts'
import { keyOf, type TopQuestion, type TopResult } from './top-answer.ts'

export interface LocalTop {
  readonly add: (interval: Omit<Interval, 'length' | 'batches'>) => void
  readonly result: () => TopResult
}

interface Group {
  readonly fields: Row
  readonly sums: Map<string, number>
  readonly connections: Set<string>
  readonly rtts: number[]
  readonly steps: number[]
}

const stepMs = 1000
const summed = flowMetrics.filter((metric) => metric.sql === `sum(f.${metric.name})`)
const failedReasons = new Set(['refused', 'unreachable', 'no_port', 'abandoned'])

export function createLocalTop(question: TopQuestion, startedMs = Date.now()): LocalTop {
  const by = question.by.flatMap(endsOf)
  const sorted = ordered(question.order, [...flowMetrics.map(({ name }) => name), ...by])
  const groups = new Map<string, Group>()
  const all = emptyGroup({})
  let watchedMs = 0
  let coverage: KnownCoverage = { share: null, watched: 0, lost: {}, gaps: [] }

  function add(interval: Omit<Interval, 'length' | 'batches'>): void {
    coverage = interval.coverage
    watchedMs = interval.watchedMs
    for (const row of interval.rows) {
      const step = Math.max(0, Math.floor((Date.parse(String(row['time'])) - startedMs) / stepMs))
      const key = keyOf(row, by)
      const group = groups.get(key) ?? emptyGroup(pick(row, by))
      groups.set(key, group)
      count(group, row, step)
      count(all, row, step)
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
  return fold && !filters.some(([name]) => endsOf(name).includes('dst_port'))
}

/** The groups of a fold as one. */
function joined({ fields, parts }: Folded<Group>): Group {
  const [first, ...others] = parts
  if (first && others.length === 0) return first
  const all = emptyGroup(fields)
  for (const { sums, connections, rtts, steps } of parts) {
    for (const [name, value] of sums) all.sums.set(name, (all.sums.get(name) ?? 0) + value)
    for (const connection of connections) all.connections.add(connection)
    for (const rtt of rtts) all.rtts.push(rtt)
    for (const [step, bytes] of steps.entries()) all.steps[step] = (all.steps[step] ?? 0) + bytes
  }
  return all
}

function emptyGroup(fields: Row): Group {
  return { fields, sums: new Map(), connections: new Set(), rtts: [], steps: [] }
}

function pick(row: Row, names: readonly string[]): Row {
  return Object.fromEntries(names.map((name): [string, JsonValue] => [name, row[name] ?? null]))
}

function count(group: Group, row: Row, step: number): void {
  for (const { name } of summed) {
    const value = row[name]
    if (typeof value === 'number') group.sums.set(name, (group.sums.get(name) ?? 0) + value)
  }
  if (isFailed(row)) group.sums.set('failed', (group.sums.get('failed') ?? 0) + 1)
  group.connections.add(connectionKey(row))
  if (typeof row['rtt_ns'] === 'number') group.rtts.push(row['rtt_ns'])
  while (group.steps.length <= step) group.steps.push(0)
  group.steps[step] = (group.steps[step] ?? 0) + Number(row['bytes']) + Number(row['reverse_bytes'])
}

function isFailed(row: Row): boolean {
  if (failedReasons.has(String(row['end_reason']))) return true
  const moved = Number(row['total_bytes']) + Number(row['total_reverse_bytes'])
  return row['end_reason'] === 'timeout' && row['rtt_ns'] === null && moved === 0
}

function metricsOf(group: Group): Row {
  const rtts = group.rtts.toSorted((one, other) => one - other)
  const nullable = (name: string, is: boolean | undefined): [string, JsonValue] => [
    name,
    group.sums.get(name) ?? (is ? null : 0),
  ]
  const sums = Object.fromEntries(summed.map(({ name, nullable: is }) => nullable(name, is)))
  return {
    ...group.fields,
    ...sums,
    total: Number(sums['bytes']) + Number(sums['reverse_bytes']),
    connections: group.connections.size,
    failed: group.sums.get('failed') ?? 0,
    rtt_p50_ns: percentile(rtts, 0.5),
    rtt_p95_ns: percentile(rtts, 0.95),
  }
}

function percentile(sorted: readonly number[], rank: number): number | null {
  return sorted[Math.max(0, Math.ceil(sorted.length * rank) - 1)] ?? null
}
