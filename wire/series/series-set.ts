// Rows → series: what agent, central and sidecar show at /metrics. Rows are added batch by batch; nothing is kept of
// them but the series that the table of exported metrics asks for, within a bound per family.

import type { Family } from '../../common/exposition/mod.ts'
import { labelsText } from '../../common/exposition/mod.ts'
import { fieldsIn } from '../filter/filter.ts'
import { rowTest } from '../filter/predicate.ts'
import type { Batch, Column } from '../model/columns.ts'
import type { ExportedMetric, ExportedPart } from '../model/exported-metrics.ts'
import type { Table } from '../model/field.ts'
import {
  type BoundedFamily,
  createBoundedFamily,
  type FamilyCounts,
  type FamilyLimits,
} from './bounded-family.ts'
import { type LabelChoice, labelReader, otherLabels, partLabels } from './label-reader.ts'
import { createOpenConnections, type OpenConnections } from './open-connections.ts'

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
  readonly family: BoundedFamily
  readonly open: OpenConnections | undefined
}

/** Idle series are looked for, and places given anew, so often. */
const tickMs = 15_000

/** No series yet; `metrics` says what is counted, `labels` what it is divided by. */
export function createSeriesSet(config: SeriesConfig): SeriesSet {
  const kept = config.metrics.map((metric): Kept => {
    const family = createBoundedFamily(metric, otherLabels(metric, config), config)
    const isOpen = metric.op === 'open' || metric.op === 'oldest'
    return { metric, family, open: isOpen ? createOpenConnections(family) : undefined }
  })
  let tickDueMs = 0

  function take(batch: Batch, nowMs: number): void {
    tick(nowMs)
    const readers = new Map<string, (row: number) => string>()
    for (const { metric, family, open } of kept) {
      if (metric.table.name !== batch.table.name) continue
      for (const part of metric.parts) {
        const labels = partLabels(metric, part, config)
        const key = JSON.stringify(labels)
        const reader = readers.get(key) ?? labelReader(batch, labels)
        readers.set(key, reader)
        const rows = rowsOf(part, batch)
        if (open) for (const row of rows) open.see(batch, row, { labels: reader(row), nowMs })
        else addPart(family, { part, batch, rows, reader, nowMs })
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
    fieldsOf: (table) => [
      ...new Set(
        kept
          .filter(({ metric }) => metric.table === table)
          .flatMap(({ metric }) => fieldsOfMetric(metric, config)),
      ),
    ],
  }
}

interface Adding {
  readonly part: ExportedPart
  readonly batch: Batch
  readonly rows: Iterable<number>
  readonly reader: (row: number) => string
  readonly nowMs: number
}

function addPart(family: BoundedFamily, { part, batch, rows, reader, nowMs }: Adding): void {
  const { of, scale = 1 } = part
  const isObserved = family.metric.op === 'observe'
  const column = of && (batch.columns[of.name] as Column)
  for (const row of rows) {
    if (column?.nulls?.[row] === 1) continue
    const value = column ? (column.values[row] as number) * scale : 1
    // A sum of 0 makes no series: a row may say that nothing moved.
    if (value !== 0 || isObserved) family.add(reader(row), value, nowMs)
  }
}

function* rowsOf({ where }: ExportedPart, batch: Batch): Generator<number> {
  const passes = rowTest(where, batch)
  for (let row = 0; row < batch.length; row++) if (passes(row)) yield row
}

function fieldsOfMetric(metric: ExportedMetric, config: SeriesConfig): readonly string[] {
  const { op, parts } = metric
  const life = op === 'open' || op === 'oldest' ? ['connection_id', 'start', 'end'] : []
  return parts.flatMap((part) => [
    ...life,
    ...(part.of ? [part.of.name] : []),
    ...fieldsIn(part.where),
    ...partLabels(metric, part, config).placed.flatMap(({ fields }) => fields),
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
