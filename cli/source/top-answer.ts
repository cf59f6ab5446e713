// What `weir top` shows, wherever it comes from: groups with their metrics, and how each moved.

import type { SeriesAnswer, TopAnswer } from '../../api/contract/mod.ts'
import type { JsonValue, Row } from '../../wire/mod.ts'
import type { KnownCoverage } from '../render/truth.ts'
import { endsOf } from './filter-flags.ts'
import type { Range } from './range.ts'
import type { Question, Server } from './server.ts'

/** `rows` are groups with the fields `by` and the metrics of the API; `totals` is over all groups. */
export interface TopResult {
  readonly by: readonly string[]
  readonly rows: readonly Row[]
  readonly totals: Row
  /** Watched time: what rates are over. */
  readonly seconds: number
  readonly rangeSeconds?: number
  readonly coverage: KnownCoverage
  /** Bytes per step of a group, oldest first; undefined when unknown for it. */
  readonly steps: (row: Row) => readonly number[] | undefined
}

export interface TopQuestion {
  readonly by: readonly string[]
  readonly order: string
  readonly limit: number
  readonly filters: Question
  /** Whether ephemeral ports that one connection used stand as one group. */
  readonly fold: boolean
}

const sparkSteps = 24

/** Asks a central: the groups and, for the first of them, the steps unless they are not wanted. */
export async function askTop(
  server: Server,
  range: Range,
  top: TopQuestion,
  { steps = true }: { readonly steps?: boolean } = {},
): Promise<TopResult> {
  const rangeSeconds = (range.toMs - range.fromMs) / 1000
  const step = Math.max(1, Math.ceil(rangeSeconds / sparkSteps))
  const shared: Question = [
    ...range.question,
    ...top.by.map((name): [string, string] => ['by', name]),
    ...top.filters,
  ]
  const [answer, series] = await Promise.all([
    server.ask<TopAnswer>('/api/top', [
      ...shared,
      ['order', top.order],
      ['limit', String(top.limit)],
      ['fold', top.fold ? 'ports' : 'none'],
    ]),
    steps && server.ask<SeriesAnswer>('/api/series', [...shared, ['step', `${step}s`]]),
  ])
  const by = top.by.flatMap(endsOf)
  const index = series ? indexSteps(series, by, range) : new Map<string, readonly number[]>()
  const { rows, totals, coverage } = answer
  return {
    by,
    rows,
    totals,
    seconds: rangeSeconds * coverage.watched,
    rangeSeconds,
    coverage,
    steps: (row) => index.get(keyOf(row, by)),
  }
}

function indexSteps(
  series: SeriesAnswer,
  by: readonly string[],
  { fromMs, toMs }: Range,
): ReadonlyMap<string, readonly number[]> {
  const index = new Map<string, number[]>()
  const stepMs = series.step_seconds * 1000
  const length = Math.ceil((toMs - fromMs) / stepMs) + 1
  const firstMs = Math.floor(fromMs / stepMs) * stepMs
  for (const row of series.rows) {
    if (row['other'] === true) continue
    const key = keyOf(row, by)
    const values = index.get(key) ?? new Array<number>(length).fill(0)
    const at = Math.round((Date.parse(String(row['time'])) - firstMs) / stepMs)
    if (at >= 0 && at < length) values[at] = Number(row['total'])
    index.set(key, values)
  }
  return index
}

/** Two groups are the same when all fields of `by` are. */
export function keyOf(row: Row, by: readonly string[]): string {
  return JSON.stringify(by.map((name): JsonValue => row[name] ?? null))
}
