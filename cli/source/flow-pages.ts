// Rows of a central: pages of one question, and the endless question of `flows -f`.

import { setTimeout as delay } from 'node:timers/promises'
import type { Coverage, RowsAnswer } from '../../api/contract/mod.ts'
import { flowTable, type Row, type Table } from '../../wire/mod.ts'
import { createSeenRows } from './seen-rows.ts'
import type { Question, Server } from './server.ts'

const pageRows = 10_000
const everything = Number.MAX_SAFE_INTEGER
const pollMs = 1000
/** Agents report every 5 s by default; a row that comes later than this is in the history only. */
const overlapMs = 20_000

/** Where rows of a table are asked for. */
export interface RowsSource {
  readonly path: string
  readonly table: Table
}

export const flowRows: RowsSource = { path: '/api/flows', table: flowTable }

export interface Page {
  readonly rows: readonly Row[]
  readonly more: boolean
  readonly coverage: Coverage
}

/** Pages until `limit` rows have come or there are no more. */
export async function* pages(
  server: Server,
  question: Question,
  limit: number,
  { path }: RowsSource = flowRows,
): AsyncGenerator<Page, void, void> {
  let left = limit
  let cursor: string | null = null
  do {
    const page: [string, string][] = [['limit', String(Math.min(left, pageRows))]]
    if (cursor !== null) page.push(['cursor', cursor])
    const answer: RowsAnswer = await server.ask(path, [...question, ...page])
    left -= answer.rows.length
    cursor = answer.next
    yield { rows: answer.rows, more: cursor !== null, coverage: answer.coverage }
  } while (left > 0 && cursor !== null)
}

/**
 * How much of the truth a following listing has shown: one more question, about all of its time. Undefined when
 * there is no answer in time, or the server is gone.
 */
export async function coverageSince(
  server: Server,
  fromMs: number,
  { path }: RowsSource = flowRows,
): Promise<Coverage | undefined> {
  const question: Question = [
    ['from', new Date(fromMs).toISOString()],
    ['limit', '1'],
  ]
  try {
    return (await server.ask<RowsAnswer>(path, question)).coverage
  } catch {
    return undefined
  }
}

const finalAnswerMs = 250

/** A person who pressed Ctrl-C waits no longer. */
export function finalAnswer(): AbortSignal {
  return AbortSignal.timeout(finalAnswerMs)
}

/** New rows in the order of their time, until interrupted. Yields also when there are none. */
export async function* followed(
  server: Server,
  filters: Question,
  interrupted: AbortSignal,
  source: RowsSource = flowRows,
): AsyncGenerator<Page, void, void> {
  const seen = createSeenRows(source.table)
  let fromMs = Date.now() - overlapMs
  while (!interrupted.aborted) {
    const range: Question = [
      ['from', new Date(fromMs).toISOString()],
      ['order', 'time'],
    ]
    for await (const page of pages(server, [...range, ...filters], everything, source)) {
      yield { ...page, rows: seen.fresh(page.rows, fromMs) }
    }
    fromMs = Math.max(fromMs, Date.now() - overlapMs)
    await delay(pollMs, undefined, { signal: interrupted }).catch(() => {})
  }
}
