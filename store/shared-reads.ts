// Identical statements are answered once: those under way together, and those within a second as long as
// nothing was inserted. One page asks five questions that share their coverage; ten pages ask the same ones.

import type { Reader, ReadOptions, SqlParams, StoredRow } from './reader.ts'

interface Shared {
  readonly answer: Promise<readonly StoredRow[]>
  readonly revision: string
  readonly atMs: number
  readonly gone: AbortController
  waiters: number
}

const freshMs = 1000
/** Answers that are kept are small: a page of rows is not asked twice within a second. */
const keptRowsMax = 1000
const keptMax = 256

/** `read` for those that ask the same: a query ends when all of them have gone. */
export function createSharedReads(
  read: Reader['read'],
  revision: () => string,
  nowMs: () => number = Date.now,
): Reader['read'] {
  const known = new Map<string, Shared>()

  function start(key: string, sql: string, params: SqlParams, options: ReadOptions): Shared {
    const gone = new AbortController()
    const answer = read(sql, params, { ...options, signal: gone.signal })
    const shared = { answer, revision: revision(), atMs: nowMs(), gone, waiters: 0 }
    known.set(key, shared)
    const forget = () => known.get(key) === shared && known.delete(key)
    answer.then((rows) => rows.length > keptRowsMax && forget(), forget)
    setTimeout(forget, freshMs).unref()
    if (known.size > keptMax) known.delete(known.keys().next().value as string)
    return shared
  }

  return async (sql, params = {}, options = {}) => {
    const { signal, ...bounds } = options
    const key = keyOf(sql, params, bounds)
    const old = known.get(key)
    const isFresh =
      old?.revision === revision() && nowMs() - old.atMs < freshMs && !old.gone.signal.aborted
    const shared = isFresh ? old : start(key, sql, params, bounds)
    return wait(shared, signal)
  }
}

function wait(shared: Shared, signal: AbortSignal | undefined): Promise<readonly StoredRow[]> {
  if (!signal) {
    shared.waiters = Number.POSITIVE_INFINITY
    return shared.answer
  }
  shared.waiters++
  const leave = () => {
    shared.waiters--
    if (shared.waiters === 0) shared.gone.abort()
  }
  if (signal.aborted) leave()
  signal.addEventListener('abort', leave, { once: true })
  return shared.answer.finally(() => signal.removeEventListener('abort', leave))
}

function keyOf(sql: string, params: SqlParams, bounds: object): string {
  const text = (_: string, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value)
  return JSON.stringify([sql, params, bounds], text)
}
