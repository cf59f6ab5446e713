// The rows of the table: pages behind a cursor, and in front of them what has come since.
//
//   every interval   only what is newer than the newest known row, and a little before it
//   every 30 s       the whole first page again: late rows, the coverage, and what is kept begins afresh
//
// So an open page costs little and keeps little, however long it stays open.

import { useEffect, useRef, useState } from 'preact/hooks'
import { retryAfterMs, whenVisible } from '../../data/answer.ts'
import type { Coverage, RowsAnswer, Values } from '../../data/contract.ts'
import { model$ } from '../../data/model.ts'
import { pageRows, waiting$ } from '../../data/page.ts'
import { type Failure, failureFrom, get, serverNow, type Tagged } from '../../data/request.ts'
import { endTrouble, reportTrouble } from '../../data/trouble.ts'
import { apiQuery, type PageState, rangeOf } from '../../domain/location.ts'
import { msOf } from '../../domain/time.ts'

export interface FlowRows extends Pages {
  readonly failure: Failure | undefined
  readonly loading: boolean
  readonly more: () => void
}

interface Pages {
  readonly rows: readonly Values[]
  /** Cursor of the next older page; null = all there is, undefined = nothing loaded yet. */
  readonly next: string | null | undefined
  readonly coverage: Coverage | undefined
  readonly atMs: number
}

const rowsMax = 10_000
const pollLeastMs = 2000
const wholeEveryMs = 30_000
const nothing: Pages = { rows: [], next: undefined, coverage: undefined, atMs: 0 }

/** Rows of the state's range, filters and order; while `live`, new ones enter at the top. */
export function useFlowRows(state: PageState, live: boolean, intervalMs: number): FlowRows {
  const [pages, setPages] = useState<Pages>(nothing)
  const [failure, setFailure] = useState<Failure>()
  const [loading, setLoading] = useState(true)
  const path = pathOf(state, state.from)
  const feed = useRef<Feed>(undefined)
  const current = useRef<View>({ pages, live, state, intervalMs })
  current.current = { pages, live, state, intervalMs }

  useEffect(() => {
    setLoading(true)
    const made = follow(current, {
      pages: setPages,
      ended: (failed) => {
        setFailure(failed)
        setLoading(false)
      },
    })
    feed.current = made
    return made.end
  }, [path])

  // Whoever lets go wants the new rows now.
  const held = useRef(!live)
  useEffect(() => {
    if (live && held.current) feed.current?.whole()
    held.current = !live
  }, [live])

  function more(): void {
    const { next } = current.current.pages
    const signal = feed.current?.signal
    if (loading || !next || !signal) return
    setLoading(true)
    void loadPage(`${path}&cursor=${encodeURIComponent(next)}`, signal).then((answer) => {
      if (signal.aborted || answer === undefined) return
      setLoading(false)
      if ('remedy' in answer) return setFailure(answer)
      setFailure(undefined)
      const { pages: known } = current.current
      const rows = [...known.rows, ...newRows(known.rows, answer.body.rows)].slice(0, rowsMax)
      setPages({ ...known, rows, next: rows.length < rowsMax ? answer.body.next : null })
    })
  }

  return { ...pages, failure, loading, more }
}

interface View {
  readonly pages: Pages
  readonly live: boolean
  readonly state: PageState
  readonly intervalMs: number
}

interface Sink {
  readonly pages: (pages: Pages) => void
  readonly ended: (failure: Failure | undefined) => void
}

interface Feed {
  readonly signal: AbortSignal
  /** Asks for the whole first page at once. */
  whole(): void
  end(): void
}

/** Asks for the first page and then for what is new, until its end. */
function follow(view: { readonly current: View }, sink: Sink): Feed {
  const controller = new AbortController()
  const { signal } = controller
  let fresh = true
  let wholeAtMs = 0
  let timer = 0
  let failures = 0
  /** More rows come between two questions than a page holds. */
  let crowded = false
  const known = new Map<'whole' | 'new', Tagged<RowsAnswer>>()

  async function poll(): Promise<void> {
    const { state, pages } = view.current
    const due = fresh || crowded || Date.now() - wholeAtMs >= wholeEveryMs
    const since = due ? undefined : sinceOf(view.current)
    const kind = since === undefined ? 'whole' : 'new'
    const answer = await loadPage(pathOf(state, since ?? state.from), signal, known.get(kind))
    if (signal.aborted || answer === undefined) return
    if ('remedy' in answer) return refuse(answer)
    known.set(kind, answer)
    if (kind === 'whole') wholeAtMs = Date.now()
    if (kind === 'new' && answer.body.next !== null) {
      // What lies between these and the known ones is not here.
      crowded = true
      return whole()
    }
    accept(answer.body, kind, pages)
  }

  function accept(answer: RowsAnswer, kind: 'whole' | 'new', pages: Pages): void {
    failures = 0
    endTrouble(controller)
    sink.ended(undefined)
    const moving = fresh || view.current.live
    if (moving) sink.pages(kind === 'whole' ? pagesOf(answer) : joined(pages, answer, view.current))
    waiting$.set(moving ? 0 : newRows(pages.rows, answer.rows).length)
    fresh = false
    const wait = Math.max(pollLeastMs, view.current.intervalMs)
    // Where rows come faster than a page of them, nobody reads each.
    if (view.current.state.to === 'now') again(crowded ? 2 * wait : wait)
  }

  function refuse(failure: Failure): void {
    sink.ended(failure)
    if (failure.passing) {
      const wait = retryAfterMs(failures++)
      reportTrouble(controller, failure, Date.now() + wait)
      again(wait)
    } else endTrouble(controller)
  }

  function again(ms: number): void {
    clearTimeout(timer)
    timer = window.setTimeout(() => whenVisible(() => void poll(), signal), ms)
  }

  function whole(): void {
    wholeAtMs = 0
    clearTimeout(timer)
    void poll()
  }

  function end(): void {
    controller.abort()
    clearTimeout(timer)
    endTrouble(controller)
  }

  whenVisible(() => void poll(), signal)
  return { signal, whole, end }
}

/** From when on rows are new; undefined when the whole page must be asked for. */
function sinceOf({ pages, state, intervalMs }: View): string | undefined {
  const newest = pages.rows[0]?.['time']
  if (typeof newest !== 'string' || state.order !== '-time') return undefined
  const { fromMs } = rangeOf(state, serverNow())
  // Rows of two nodes do not come in order, but within an interval.
  return new Date(Math.max(fromMs, msOf(newest) - intervalMs)).toISOString()
}

function pathOf(state: PageState, from: string): string {
  return `/api/flows?${apiQuery({ ...state, from }, [
    ['order', state.order],
    ['limit', String(pageRows)],
  ])}`
}

/** One page, or why there is none; undefined when the request was taken back. */
async function loadPage(
  path: string,
  signal: AbortSignal,
  known?: Tagged<RowsAnswer>,
): Promise<Tagged<RowsAnswer> | Failure | undefined> {
  try {
    return await get<RowsAnswer>(path, signal, known)
  } catch (thrown) {
    return failureFrom(thrown)
  }
}

function pagesOf({ rows, next, coverage }: RowsAnswer): Pages {
  return { rows, next, coverage, atMs: serverNow() }
}

/** New rows before the known ones; those that the range has left behind go. */
function joined(known: Pages, answer: RowsAnswer, { state }: View): Pages {
  const { fromMs } = rangeOf(state, serverNow())
  const kept = known.rows.filter((row) => msOf(String(row['time'])) >= fromMs)
  const added = newRows(known.rows, answer.rows)
  if (added.length === 0 && kept.length === known.rows.length) return known
  const rows = [...added, ...kept].sort(newestFirst).slice(0, rowsMax)
  return { ...known, rows, atMs: serverNow() }
}

function newRows(known: readonly Values[], rows: readonly Values[]): Values[] {
  const { keyOf } = model$.get().flows
  const keys = new Set(known.map(keyOf))
  return rows.filter((row) => !keys.has(keyOf(row)))
}

/** RFC 3339 with nine digits in UTC sorts as text; rows of two nodes do not come in order. */
function newestFirst(a: Values, b: Values): number {
  const [left, right] = [String(a['time']), String(b['time'])]
  if (left === right) return 0
  return left < right ? 1 : -1
}
