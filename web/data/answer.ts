// A question to the API that is asked again while the view is live. Old data stays until new data is there.

import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import { untilNextMs } from '../domain/time.ts'
import { type Failure, failureFrom, get, serverNow, type Tagged } from './request.ts'
import { endTrouble, reportTrouble } from './trouble.ts'

export interface Answer<T> {
  /** The newest good answer, perhaps of the question before. */
  readonly data: T | undefined
  /** When it came, by the server's clock. */
  readonly atMs: number
  /** The question that `data` answers, and the one of now. */
  readonly path: string
  readonly asked: string
  readonly failure: Failure | undefined
  /** No answer for 400 ms. */
  readonly slow: boolean
}

const slowMs = 400
const retryFirstMs = 2000
const retryMostMs = 8000

/** How long to wait after the n-th failure in a row, n from 0. */
export function retryAfterMs(failures: number): number {
  return Math.min(retryFirstMs * 2 ** failures, retryMostMs)
}

/** Runs `act` now, or as soon as the tab is looked at. */
export function whenVisible(act: () => void, signal: AbortSignal): void {
  if (!document.hidden) {
    act()
    return
  }
  const again = () => whenVisible(act, signal)
  document.addEventListener('visibilitychange', again, { once: true, signal })
}

/**
 * Asks at once, and then at whole multiples of `everyMs` unless that is undefined; sleeps in a hidden tab. Without a
 * path nothing is asked.
 */
export function useAnswer<T>(path: string | undefined, everyMs: number | undefined): Answer<T> {
  const [answer, setAnswer] = useState<Answer<T>>({
    data: undefined,
    atMs: 0,
    path: '',
    asked: path ?? '',
    failure: undefined,
    slow: false,
  })
  const newest = useRef<Tagged<T>>(undefined)
  useEffect(() => {
    // A view that is being held keeps what it shows; only a new question is asked then.
    if (path === undefined || (everyMs === undefined && newest.current?.path === path)) {
      return undefined
    }
    return ask({ path, everyMs, newest }, setAnswer)
  }, [path, everyMs])
  return useMemo(() => ({ ...answer, asked: path ?? '' }), [answer, path])
}

interface Question<T> {
  readonly path: string
  readonly everyMs: number | undefined
  readonly newest: { current: Tagged<T> | undefined }
}

type Change<T> = (change: (before: Answer<T>) => Answer<T>) => void

/** Runs the question's life; the returned function ends it. */
function ask<T>({ path, everyMs, newest }: Question<T>, change: Change<T>): () => void {
  const controller = new AbortController()
  const { signal } = controller
  let failures = 0
  let timer = 0

  async function once(): Promise<void> {
    const slow = window.setTimeout(() => {
      if (!signal.aborted) change((before) => ({ ...before, slow: true }))
    }, slowMs)
    try {
      const answer = await get<T>(path, signal, newest.current)
      if (!signal.aborted) accept(answer)
    } catch (thrown) {
      const failure = failureFrom(thrown)
      if (failure && !signal.aborted) refuse(failure)
    } finally {
      clearTimeout(slow)
    }
  }

  function accept(answer: Tagged<T>): void {
    newest.current = answer
    failures = 0
    endTrouble(controller)
    const atMs = serverNow()
    change(() => ({
      data: answer.body,
      atMs,
      path,
      asked: path,
      failure: undefined,
      slow: false,
    }))
    if (everyMs !== undefined) again(untilNextMs(everyMs, atMs))
  }

  function refuse(failure: Failure): void {
    change((before) => ({ ...before, failure, slow: false }))
    if (failure.passing) {
      const wait = retryAfterMs(failures++)
      reportTrouble(controller, failure, Date.now() + wait)
      again(wait)
    } else endTrouble(controller)
  }

  function again(ms: number): void {
    timer = window.setTimeout(() => whenVisible(() => void once(), signal), ms)
  }

  whenVisible(() => void once(), signal)
  return () => {
    controller.abort()
    clearTimeout(timer)
    endTrouble(controller)
  }
}
