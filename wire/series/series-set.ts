// Rows → series: what agent, central and sidecar show at /metrics. Rows are added batch by batch; nothing is kept of
// them but the series that the table of exported metrics asks for, within a bound per family.

import type { Family } from '../../common/exposition/mod.ts'
import { labelsText } from '../../common/exposition/mod.ts'
import { fieldsIn } from '../filter/filter.ts'
import type { Batch, Column } from '../model/columns.ts'
import type { ExportedMetric } from '../model/exported-metrics.ts'
import type { Table } from '../model/field.ts'
import {
  type BoundedFamily,
  createBoundedFamily,
  type FamilyCounts,
  type FamilyLimits,
} from './bounded-family.ts'
import { fieldsOfLabels, type LabelChoice, otherLabels, partLabels } from './label-reader.ts'
import { createOpenConnections, type OpenConnections } from './open-connections.ts'
import { createPartReader, type LabelledPart, type PartRows } from './part-rows.ts'

export interface SeriesConfig extends LabelChoice, FamilyLimits {
  readonly metrics: readonly ExportedMetric[]
}

/** Series over rows: see `createSeriesSet`. */
export interface SeriesSet {
  /** Adds the rows of a batch of any table. */
  take(batch: Batch, nowMs: number): void
  /** Whether any metric is made of rows of the table, and the fields that are looked at. */
  fieldsOf(table: Table): readonly string[]
  /** What a scrape shows, its own bounds included. */
  families(nowMs: number): Iterable<Family>
}

interface Kept {
  readonly metric: ExportedMetric
  readonly parts: readonly LabelledPart[]
  readonly family: BoundedFamily
  readonly open: OpenConnections | undefined
}

/** Idle series are looked for, and places given anew, so often. */
const tickMs = 15_000

/** No series yet; `metrics` says what is counted, `labels` what it is divided by. */
export function createSeriesSet(config: SeriesConfig): SeriesSet {
  const kept = config.metrics.map((metric): Kept => {
    const family = createBoundedFamily(metric, otherLabels(metric, config), config)
    const parts = metric.parts.map((part) => ({ part, labels: partLabels(metric, part, config) }))
    const isOpen = metric.op === 'open' || metric.op === 'oldest'
    return { metric, parts, family, open: isOpen ? createOpenConnections(family) : undefined }
  })
  const fields = new Map(
    [...Map.groupBy(kept, ({ metric }) => metric.table)].map(([table, own]) => [
      table,
      [...new Set(own.flatMap(fieldsOfMetric))],
    ]),
  )
  const readParts = createPartReader()
  let tickDueMs = 0

  function take(batch: Batch, nowMs: number): void {
    tick(nowMs)
    const rowsOf = readParts(batch, nowMs)
    for (const { metric, parts, family, open } of kept) {
      if (metric.table.name !== batch.table.name) continue
      for (const part of parts) {
        if (open) open.see(rowsOf(part))
        else addPart(family, part, rowsOf(part))
      }
    }
  }

  function tick(nowMs: number): void {
    if (nowMs < tickDueMs) return
    tickDueMs = nowMs + tickMs
    for (const { family, open } of kept) {
      open?.tick(nowMs)
      family.tick(nowMs)
    }
  }

  function* families(nowMs: number): Generator<Family> {
    tick(nowMs)
    for (const { family, open } of kept) {
      open?.settle(nowMs)
      yield family.family()
    }
    yield* boundFamilies(kept)
  }

  return {
    take,
    families,
    fieldsOf: (table) => fields.get(table) ?? [],
  }
}

function addPart(family: BoundedFamily, { part }: LabelledPart, rows: PartRows): void {
  const { of, scale = 1 } = part
  const isObserved = family.metric.op === 'observe'
  const column = of && (rows.batch.columns[of.name] as Column)
  const adders: ((value: number) => void)[] = []
  for (const row of rows.rows) {
    if (column?.nulls?.[row] === 1) continue
    const value = column ? (column.values[row] as number) * scale : 1
    // A sum of 0 makes no series: a row may say that nothing moved.
    if (value === 0 && !isObserved) continue
    const group = rows.groupOf[row] as number
    adders[group] ??= family.adder(rows.labels(group), rows.nowMs)
    adders[group](value)
  }
}

function fieldsOfMetric({ metric, parts }: Kept): readonly string[] {
  const { op } = metric
  const life = op === 'open' || op === 'oldest' ? ['connection_id', 'start', 'end'] : []
  return parts.flatMap(({ part, labels }) => [
    ...life,
    ...(part.of ? [part.of.name] : []),
    ...fieldsIn(part.where),
    ...fieldsOfLabels(labels),
  ])
}

/** What the bounds did, by family. */
function boundFamilies(kept: readonly Kept[]): readonly Family[] {
  const of = (value: (counts: FamilyCounts) => number) => () =>
    kept.map(({ metric, family }) => ({
      labels: labelsText([['family', metric.name]]),
      value: value(family.counts()),
    }))
  return [
    {
      name: 'weir_metrics_series',
      kind: 'gauge',
      help: 'Series that a family has now, without `other`.',
      series: of(({ series }) => series),
    },
    {
      name: 'weir_metrics_folded_label_sets',
      kind: 'gauge',
      help: 'Label sets that have no series of their own and are in `other`, as far as they are remembered.',
      series: of(({ folded }) => folded),
    },
    {
      name: 'weir_metrics_retired_series_total',
      kind: 'counter',
      help: 'Series that went because nothing was added to them, or to make room for a larger one.',
      series: of(({ retired }) => retired),
    },
    {
      name: 'weir_metrics_retired_values_total',
      kind: 'counter',
      help: 'Sum of the values of these series: with those that are shown, all that was ever counted.',
      series: of(({ retiredSum }) => retiredSum),
    },
  ]
}
