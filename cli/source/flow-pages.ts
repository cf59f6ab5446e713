// Flow rows of a central: pages of one question, and the endless question of `flows -f`.

import { setTimeout as delay } from 'node:timers/promises'
import type { Coverage, RowsAnswer } from '../../api/contract/mod.ts'
import type { Row } from '../../wire/mod.ts'
import { createSeenRows } from './seen-rows.ts'
import type { Question, Server } from './server.ts'

const pageRows = 10_000
const pollMs = 1000
/** Agents report every 5 s by default; a row that comes later than this is in the history only. */
const overlapMs = 20_000

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
): AsyncGenerator<Page, void, void> {
  let left = limit
  let cursor: string | null = null
  do {
    const page: [string, string][] = [['limit', String(Math.min(left, pageRows))]]
    if (cursor !== null) page.push(['cursor', cursor])
    const answer: RowsAnswer = await server.ask('/api/flows', [...question, ...page])
    left -= answer.rows.length
    cursor = answer.next
    yield { rows: answer.rows, more: cursor !== null, coverage: answer.coverage }
  } while (left > 0 && cursor !== null)
}

/**
 * How much of the truth a following listing has shown: one more question, about all of its time. Undefined when
 * there is no answer in time, or the server is gone.
 */
export async function coverageSince(server: Server, fromMs: number): Promise<Coverage | undefined> {
  const question: Question = [
    ['from', new Date(fromMs).toISOString()],
    ['limit', '1'],
  ]
  try {
    return (await server.ask<RowsAnswer>('/api/flows', question)).coverage
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
): AsyncGenerator<Page, void, void> {
  const seen = createSeenRows()
  let fromMs = Date.now() - overlapMs
  while (!interrupted.aborted) {
    const range: Question = [
      ['from', new Date(fromMs).toISOString()],
      ['order', 'time'],
    ]
    for await (const page of pages(server, [...range, ...filters], Number.MAX_SAFE_INTEGER)) {
      yield { ...page, rows: seen.fresh(page.rows, fromMs) }
    }
    fromMs = Math.max(fromMs, Date.now() - overlapMs)
    await delay(pollMs, undefined, { signal: interrupted }).catch(() => {})
  }
}
