// Every durable row → the series of /metrics, a block at a time with the rest of central running in between. Counters
// begin at 0 with the process; rows that were stored before are not counted again.

import { setImmediate as nextTurn } from 'node:timers/promises'
import { messageOf, type Reporter } from '../../common/mod.ts'
import {
  type Batch,
  createBlockCheck,
  createSeriesSet,
  type MetricDialect,
  metricsOfDialect,
  readBlock,
  type Table,
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

interface Waiting {
  readonly table: Table
  readonly block: Uint8Array
}

/** More octets of blocks do not wait: a central that cannot keep up says how many rows it left out. */
const waitingBytesMax = 256 * 1024 ** 2
/** A row of any time: it was checked when it came. */
const anyTime = { timeMin: 0n, timeMax: 0x7fff_ffff_ffff_ffffn }

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
  const waiting: Waiting[] = []
  let waitingBytes = 0
  let work: Promise<void> | undefined
  reporter.families(() => set.families(Date.now()))

  function hear({ table, rows, blocks }: DurableRows): void {
    if (set.fieldsOf(table).length === 0) return
    const bytes = blocks.reduce((sum, block) => sum + block.length, 0)
    if (waitingBytes + bytes > waitingBytesMax) {
      missed.add(rows, 'queue_full')
      return
    }
    waitingBytes += bytes
    for (const block of blocks) waiting.push({ table, block })
    work ??= count().finally(() => {
      work = undefined
    })
  }

  async function count(): Promise<void> {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      await nextTurn()
      waitingBytes -= next.block.length
      const batch = batchOf(next)
      if (batch) set.take(batch, Date.now())
    }
  }

  function batchOf({ table, block }: Waiting): Batch | undefined {
    const rows = rowsOf(block)
    try {
      const view = createBlockCheck(table)(block, { rows, ...anyTime })
      return readBlock(view, set.fieldsOf(table))
    } catch (error) {
      missed.add(rows, 'unreadable')
      reporter.limited.error('series', { err: messageOf(error) }, 'reading a stored block')
      return undefined
    }
  }

  return { stop: tee(hear), settled: async () => work }
}

/** A Native block begins with its columns and its rows, each as a varint. */
function rowsOf(block: Uint8Array): number {
  let at = 0
  const varint = (): number => {
    let value = 0
    for (let shift = 1; ; shift *= 128) {
      const octet = block[at++] ?? 0
      value += (octet & 127) * shift
      if (octet < 128) return value
    }
  }
  varint()
  return varint()
}
