// Where the live screen has its numbers from: a central that is asked each second, or the agent's stages in this
// process. Both answer the same questions over a short window that ends when everything in it has arrived.

import type { Health, RowsAnswer } from '../../api/contract/mod.ts'
import { type Batch, type Row, rowOf } from '../../wire/mod.ts'
import type { Interval } from '../source/local.ts'
import { narrowed } from '../source/local-narrow.ts'
import { createLocalTop } from '../source/local-top.ts'
import type { Question, Server } from '../source/server.ts'
import { askTop, type TopQuestion, type TopResult } from '../source/top-answer.ts'

export interface Feed {
  /** Groups of the window of now. */
  readonly top: (question: TopQuestion) => Promise<TopResult>
  /** The connections of the window and the time before it, newest first, each once. */
  readonly connections: (filters: Question) => Promise<readonly Row[]>
  /** Length of the window. */
  readonly seconds: number
}

const connectionsMax = 200
const usualIntervalMs = 5000
/** From the end of an interval to its rows in the store. */
const arrivalMs = 1000
/** Connections of a row are looked for so far back. */
const lookBackMs = 60_000

/** The agents' interval decides: a window holds whole ones, and ends where the last of them has arrived. */
export async function serverFeed(server: Server, windowMs: number): Promise<Feed> {
  const { nodes = [] } = await server.ask<Partial<Health>>('/health', [])
  const intervalMs = Math.max(0, ...nodes.map((node) => node.interval_ms)) || usualIntervalMs
  const lengthMs = Math.ceil(windowMs / intervalMs) * intervalMs

  function rangeNow(): { fromMs: number; toMs: number } {
    const toMs = Date.now() - intervalMs - arrivalMs
    return { fromMs: toMs - lengthMs, toMs }
  }

  return {
    seconds: lengthMs / 1000,
    top: (question) => {
      const { fromMs, toMs } = rangeNow()
      const range = { fromMs, toMs, text: '', question: questionOf(fromMs, toMs) }
      return askTop(server, range, question, { steps: false })
    },
    connections: async (filters) => {
      const now = Date.now()
      const range = questionOf(now - Math.max(lookBackMs, lengthMs), now)
      const limit: Question = [['limit', String(5 * connectionsMax)]]
      const { rows } = await server.ask<RowsAnswer>('/api/flows', [...range, ...filters, ...limit])
      return newestOf(rows)
    },
  }
}

function questionOf(fromMs: number, toMs: number): Question {
  return [
    ['from', new Date(fromMs).toISOString()],
    ['to', new Date(toMs).toISOString()],
  ]
}

export interface LocalFeed extends Feed {
  readonly add: (interval: Interval) => void
}

/** Of intervals of this machine: the last ones that make the window are kept. */
export function localFeed(windowMs: number): LocalFeed {
  const kept: Interval[] = []
  const most = Math.max(1, Math.ceil(windowMs / 1000))
  const seconds = () => Math.max(1, Math.min(most, kept.length))

  async function top(question: TopQuestion): Promise<TopResult> {
    const local = createLocalTop({ ...question, filters: [] })
    for (const { batches, coverage } of kept) {
      const own = batches.map((batch) => narrowed(batch, question.filters))
      local.add({ batches: own, coverage, watchedMs: seconds() * 1000 })
    }
    return local.result()
  }

  return {
    get seconds() {
      return seconds()
    },
    add: (interval) => {
      kept.push(interval)
      while (kept.length > most) kept.shift()
    },
    top,
    connections: async (filters) => {
      const rows = kept.flatMap(({ batches }) =>
        batches.flatMap((batch) => rowsOf(narrowed(batch, filters))),
      )
      return newestOf(rows.reverse())
    },
  }
}

function rowsOf(batch: Batch): readonly Row[] {
  return Array.from({ length: batch.length }, (_, index) => rowOf(batch, index))
}

/** The newest row of each connection; its totals hold what the earlier ones said. */
function newestOf(rows: readonly Row[]): readonly Row[] {
  const seen = new Map<string, Row>()
  for (const row of rows) {
    const key = String(row['connection_id'])
    const before = seen.get(key)
    if (!before || String(row['time']) > String(before['time'])) seen.set(key, row)
  }
  return [...seen.values()].slice(0, connectionsMax)
}
