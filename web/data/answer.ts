// A question to the API that is asked again while the view is live. Old data stays until new data is there.

import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import { type Failure, failureFrom, get, serverNow } from './request.ts'

export interface Answer<T> {
  /** The newest good answer, perhaps of the question before. */
  readonly data: T | undefined
  /** When it came, by the server's clock. */
  readonly atMs: number
  /** The question that `data` answers, and the one of now. */
  readonly path: string
  readonly asked: string
  readonly failure: Failure | undefined
  /** When a failed question is asked again. */
  readonly retryAtMs: number | undefined
  /** No answer for 400 ms. */
  readonly slow: boolean
}

const slowMs = 400
const retryFirstMs = 2000
const retryMostMs = 30_000

/** Asks at once, and `everyMs` after each answer unless that is undefined; sleeps in a hidden tab. */
export function useAnswer<T>(path: string, everyMs: number | undefined): Answer<T> {
  const [answer, setAnswer] = useState<Answer<T>>({
    data: undefined,
    atMs: 0,
    path: '',
    asked: path,
    failure: undefined,
    retryAtMs: undefined,
    slow: false,
  })
  const answered = useRef('')
  answered.current = answer.path
  useEffect(() => {
    // A view that is being held keeps what it shows; only a new question is asked then.
    if (everyMs === undefined && answered.current === path) return undefined
    return ask(path, everyMs, setAnswer)
  }, [path, everyMs])
  return useMemo(() => ({ ...answer, asked: path }), [answer, path])
}

type Change<T> = (change: (before: Answer<T>) => Answer<T>) => void

/** Runs the question's life; the returned function ends it. */
function ask<T>(path: string, everyMs: number | undefined, change: Change<T>): () => void {
  const controller = new AbortController()
  const { signal } = controller
  const timers = new Set<number>()
  let failures = 0

  function later(run: () => void, ms: number): number {
    const timer = window.setTimeout(() => {
      timers.delete(timer)
      run()
    }, ms)
    timers.add(timer)
    return timer
  }

  async function once(): Promise<void> {
    const slow = later(() => change((before) => ({ ...before, slow: true })), slowMs)
    try {
      const data = await get<T>(path, signal)
      failures = 0
      const calm = { failure: undefined, retryAtMs: undefined, slow: false }
      change(() => ({ data, atMs: serverNow(), path, asked: path, ...calm }))
      if (everyMs !== undefined) again(everyMs)
    } catch (thrown) {
      const failure = failureFrom(thrown)
      if (!failure || signal.aborted) return
      const wait = failure.passing
        ? Math.min(retryFirstMs * 2 ** failures++, retryMostMs)
        : undefined
      const retryAtMs = wait === undefined ? undefined : Date.now() + wait
      change((before) => ({ ...before, failure, retryAtMs, slow: false }))
      if (wait !== undefined) again(wait)
    } finally {
      clearTimeout(slow)
      timers.delete(slow)
    }
  }

  function again(ms: number): void {
    later(() => {
      if (!document.hidden) return void once()
      document.addEventListener('visibilitychange', () => void once(), { once: true, signal })
    }, ms)
  }

  void once()
  return () => {
    controller.abort()
    for (const timer of timers) clearTimeout(timer)
  }
}
