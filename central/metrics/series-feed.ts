// Every durable row → the series of /metrics, a block at a time with the rest of central running in between. Counters
// begin at 0 with the process; rows that were stored before are not counted again.

import { setImmediate as nextTurn } from 'node:timers/promises'
import { messageOf, type Reporter } from '../../common/mod.ts'
import {
  type Batch,
  type BlockView,
  createSeriesSet,
  type MetricDialect,
  metricsOfDialect,
  readBlock,
} from '../../wire/mod.ts'
import type { DurableRows, Segments } from '../ingest/segments.ts'

/** What /metrics shows of flows and events. */
export interface MetricsConfig {
  readonly dialect: MetricDialect
  /** Names of `labelNames` (wire). */
  readonly labels: readonly string[]
  /** Per family. */
  readonly seriesMax: number
  readonly expiryMs: number
}

export interface SeriesFeed {
  /** Resolves when all rows that were heard are counted. */
  settled(): Promise<void>
  stop(): void
}

/** More octets of blocks do not wait: a central that cannot keep up says how many rows it left out. */
const waitingBytesMax = 256 * 1024 ** 2

export function createSeriesFeed(
  config: MetricsConfig,
  tee: Segments['tee'],
  reporter: Reporter,
): SeriesFeed {
  const set = createSeriesSet({ ...config, metrics: metricsOfDialect(config.dialect) })
  const missed = reporter.counter(
    'metrics_missed_rows_total',
    'Rows that are stored and are not in the series of /metrics: queue_full or unreadable.',
  )
  const waiting: BlockView[] = []
  let waitingBytes = 0
  let work: Promise<void> | undefined
  reporter.families(() => set.families(Date.now()))

  function hear({ table, rows, blocks }: DurableRows): void {
    if (set.fieldsOf(table).length === 0) return
    const bytes = blocks.reduce((sum, block) => sum + block.octets.length, 0)
    if (waitingBytes + bytes > waitingBytesMax) {
      missed.add(rows, 'queue_full')
      return
    }
    waitingBytes += bytes
    waiting.push(...blocks)
    work ??= count().finally(() => {
      work = undefined
    })
  }

  async function count(): Promise<void> {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      await nextTurn()
      waitingBytes -= next.octets.length
      const batch = batchOf(next)
      if (batch) set.take(batch, Date.now())
    }
  }

  function batchOf(view: BlockView): Batch | undefined {
    try {
      return readBlock(view, set.fieldsOf(view.table))
    } catch (error) {
      missed.add(view.rows, 'unreadable')
      reporter.limited.error('series', { err: messageOf(error) }, 'reading a stored block')
      return undefined
    }
  }

  return { stop: tee(hear), settled: async () => work }
}
