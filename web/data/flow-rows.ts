// The rows of the table: pages behind a cursor, and in front of them what has come since.
// Bounded: at most `rowsMax` are kept, the oldest go first (they can be loaded again).

import { useEffect, useRef, useState } from 'preact/hooks'
import { keyOf } from '../domain/flow.ts'
import { apiQuery, type PageState, rangeOf } from '../domain/location.ts'
import { msOf } from '../domain/time.ts'
import type { Coverage, RowsAnswer, Values } from './contract.ts'
import { waiting$ } from './page.ts'
import { type Failure, failureFrom, get, serverNow } from './request.ts'

export interface FlowRows {
  readonly rows: readonly Values[]
  /** Cursor of the next older page; null = all there is, undefined = nothing loaded yet. */
  readonly next: string | null | undefined
  readonly coverage: Coverage | undefined
  readonly failure: Failure | undefined
  readonly loading: boolean
  readonly atMs: number
  readonly more: () => void
}

interface Pages {
  readonly rows: readonly Values[]
  readonly next: string | null | undefined
  readonly coverage: Coverage | undefined
  readonly atMs: number
}

const pageRows = 200
const rowsMax = 10_000
const pollMs = 2000
const retryMs = 4000
const nothing: Pages = { rows: [], next: undefined, coverage: undefined, atMs: 0 }

/** Rows of the state's range, filters and order; while `live`, new ones enter at the top. */
export function useFlowRows(state: PageState, live: boolean): FlowRows {
  const [pages, setPages] = useState<Pages>(nothing)
  const [failure, setFailure] = useState<Failure>()
  const [loading, setLoading] = useState(true)
  const path = `/api/flows?${apiQuery(state, [
    ['order', state.order],
    ['limit', String(pageRows)],
  ])}`
  const life = useRef<AbortController>(undefined)
  const kick = useRef<() => void>(undefined)
  const current = useRef({ pages, live, state })
  current.current = { pages, live, state }

  useEffect(() => {
    const controller = new AbortController()
    life.current = controller
    setLoading(true)
    let fresh = true
    let timer = 0

    async function poll(): Promise<void> {
      const { pages: known, live: moving } = current.current
      const failed = await load((answer) => {
        const first = fresh ? pagesOf(answer) : merged(known, answer, current.current.state)
        if (fresh || moving) setPages(first)
        waiting$.set(fresh || moving ? 0 : newRows(known.rows, answer.rows).length)
        fresh = false
      })
      if (controller.signal.aborted) return
      const again = failed ? (failed.passing ? retryMs : undefined) : followMs(state)
      if (again !== undefined) timer = window.setTimeout(whenVisible, again)
    }

    kick.current = () => {
      clearTimeout(timer)
      void poll()
    }

    function whenVisible(): void {
      if (!document.hidden) return void poll()
      const { signal } = controller
      document.addEventListener('visibilitychange', () => void poll(), { once: true, signal })
    }

    function load(use: (answer: RowsAnswer) => void): Promise<Failure | undefined> {
      return loadPage(path, controller.signal, use).then((failed) => {
        if (controller.signal.aborted) return undefined
        setFailure(failed)
        setLoading(false)
        return failed
      })
    }

    void poll()
    return () => {
      controller.abort()
      clearTimeout(timer)
    }
  }, [path])

  // Whoever lets go wants the new rows now.
  useEffect(() => {
    if (live && current.current.pages.next !== undefined) kick.current?.()
  }, [live])

  function more(): void {
    const { next } = current.current.pages
    const signal = life.current?.signal
    if (loading || !next || !signal) return
    setLoading(true)
    void loadPage(`${path}&cursor=${encodeURIComponent(next)}`, signal, (answer) => {
      const { pages: known } = current.current
      const rows = [...known.rows, ...newRows(known.rows, answer.rows)].slice(0, rowsMax)
      setPages({ ...known, rows, next: rows.length < rowsMax ? answer.next : null })
    }).then((failed) => {
      if (signal.aborted) return
      setFailure(failed)
      setLoading(false)
    })
  }

  return { ...pages, failure, loading, more }
}

/** Asks for one page; a failure is returned, taken-back requests are silent. */
async function loadPage(
  path: string,
  signal: AbortSignal,
  use: (answer: RowsAnswer) => void,
): Promise<Failure | undefined> {
  try {
    const answer = await get<RowsAnswer>(path, signal)
    if (!signal.aborted) use(answer)
    return undefined
  } catch (thrown) {
    return failureFrom(thrown)
  }
}

function pagesOf(answer: RowsAnswer): Pages {
  const { rows, next, coverage } = answer
  return { rows, next, coverage, atMs: serverNow() }
}

/** New rows before the known ones; a page without any known row leaves a hole, so it starts afresh. */
function merged(known: Pages, answer: RowsAnswer, state: PageState): Pages {
  const added = newRows(known.rows, answer.rows)
  const joined = added.length < answer.rows.length
  if (state.order !== '-time' || !joined) return pagesOf(answer)
  const { fromMs } = rangeOf(state, serverNow())
  const kept = known.rows.filter((row) => msOf(String(row['time'])) >= fromMs)
  const rows = [...added, ...kept].sort(newestFirst).slice(0, rowsMax)
  return { rows, next: known.next, coverage: answer.coverage, atMs: serverNow() }
}

function newRows(known: readonly Values[], rows: readonly Values[]): Values[] {
  const keys = new Set(known.map(keyOf))
  return rows.filter((row) => !keys.has(keyOf(row)))
}

/** RFC 3339 with nine digits in UTC sorts as text; rows of two nodes do not come in order. */
function newestFirst(a: Values, b: Values): number {
  const [left, right] = [String(a['time']), String(b['time'])]
  if (left === right) return 0
  return left < right ? 1 : -1
}

/** Only a range that ends now gets new rows. */
function followMs(state: PageState): number | undefined {
  return state.to === 'now' ? pollMs : undefined
}
