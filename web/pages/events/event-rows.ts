// The events of a list: the newest page, older ones behind its cursor, and in front what the server pushes. The
// page is asked again now and then: for late rows and for the coverage.

import { useEffect, useRef, useState } from 'preact/hooks'
import { useAnswer } from '../../data/answer.ts'
import type { Coverage, RowsAnswer, Values } from '../../data/contract.ts'
import { useLiveRows } from '../../data/live-rows.ts'
import { model$ } from '../../data/model.ts'
import { pageRows, waiting$ } from '../../data/page.ts'
import { type Failure, failureFrom, get } from '../../data/request.ts'
import { apiQuery, filterText, type PageState } from '../../domain/location.ts'

export interface EventRows {
  readonly rows: readonly Values[]
  /** Cursor of the next older page; null = all there is, undefined = nothing loaded yet. */
  readonly next: string | null | undefined
  readonly coverage: Coverage | undefined
  readonly atMs: number
  readonly failure: Failure | undefined
  /** Events that came faster than they could be shown. */
  readonly missed: number
  readonly more: () => void
}

const rowsMax = 10_000
const wholeEveryMs = 30_000

/** Events of the state's kind, range and filters; while `live`, new ones enter at the top. */
export function useEventRows(state: PageState, live: boolean, intervalMs: number): EventRows {
  const special = [['order', '-time'] as const, ['limit', String(pageRows)] as const]
  const kind = state.kind === '' ? [] : [['kind', state.kind] as const]
  const path = `/api/events?${apiQuery(state, [...kind, ...special])}`
  const moving = state.to === 'now'
  const pushed = useLiveRows(livePath(state), moving)
  const everyMs = pushed.isOpen ? wholeEveryMs : intervalMs
  const answer = useAnswer<RowsAnswer>(path, live ? everyMs : undefined)
  const isCurrent = answer.path === path
  const [older, setOlder] = useState<Older>({})
  useEffect(() => {
    setOlder({})
    const { keyOf } = model$.get().events
    const known = new Set((answer.data?.rows ?? []).map(keyOf))
    pushed.settle((row) => known.has(keyOf(row)))
  }, [answer.data])
  const loading = useRef(false)

  const first = isCurrent ? (answer.data?.rows ?? []) : []
  const known = unique([...first, ...(older.rows ?? [])])
  const fresh = newRows(known, isCurrent ? pushed.rows : [])
  // What is read must not move: while the view is held, what it showed stays, and new rows are counted.
  const shown = useRef<{ readonly path: string; readonly rows: readonly Values[] }>(undefined)
  if (live || shown.current?.path !== path) shown.current = { path, rows: live ? fresh : [] }
  const front = live ? fresh : newRows(known, shown.current.rows)
  const rows = [...front, ...known].slice(0, rowsMax)
  const waiting = newRows(rows, fresh).length
  useEffect(() => waiting$.set(waiting), [waiting])
  const next = older.next === undefined ? (isCurrent ? answer.data?.next : undefined) : older.next

  function more(): void {
    if (loading.current || !next) return
    loading.current = true
    const of = answer.data
    void get<RowsAnswer>(`${path}&cursor=${encodeURIComponent(next)}`, new AbortController().signal)
      .then(({ body }) => {
        if (of !== answer.data) return
        const rows = [...(older.rows ?? []), ...body.rows].slice(0, rowsMax)
        setOlder({ rows, next: rows.length < rowsMax ? body.next : null })
      })
      .catch((thrown: unknown) => setOlder({ ...older, failure: failureFrom(thrown) }))
      .finally(() => {
        loading.current = false
      })
  }

  return {
    rows,
    next,
    more,
    coverage: answer.data?.coverage,
    atMs: answer.atMs,
    failure: answer.failure ?? older.failure,
    missed: live ? pushed.missed : 0,
  }
}

interface Older {
  readonly rows?: readonly Values[]
  readonly next?: string | null
  readonly failure?: Failure | undefined
}

function livePath(state: PageState): string {
  const kind = state.kind === '' ? '' : `kind = ${state.kind}`
  const texts = [kind, filterText(state)].filter(Boolean)
  const query = new URLSearchParams({ table: 'events' })
  if (texts.length > 0) query.append('filter', texts.join(' and '))
  return `/api/live?${query}`
}

function unique(rows: readonly Values[]): readonly Values[] {
  const { keyOf } = model$.get().events
  return [...new Map(rows.map((row) => [keyOf(row), row])).values()]
}

function newRows(known: readonly Values[], rows: readonly Values[]): readonly Values[] {
  if (rows.length === 0) return rows
  const { keyOf } = model$.get().events
  const keys = new Set(known.map(keyOf))
  return unique(rows).filter((row) => !keys.has(keyOf(row)))
}
