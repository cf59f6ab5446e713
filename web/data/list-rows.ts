// The rows of a list: the newest page, older ones behind its cursor, and in front what the server pushes. The page is
// asked again now and then: for late rows, and for the coverage. Where nothing is pushed (another order, a filter that the
// store alone can look at, a connection that ended) it is asked each interval instead.

import { useEffect, useRef, useState } from 'preact/hooks'
import { apiQuery, filterText, type PageState, rangeOf } from '../domain/location.ts'
import { msOf } from '../domain/time.ts'
import { useAnswer } from './answer.ts'
import type { Coverage, RowsAnswer, Values } from './contract.ts'
import { useLiveRows } from './live-rows.ts'
import { model$ } from './model.ts'
import { pageRows, waiting$ } from './page.ts'
import { type Failure, failureFrom, get, serverNow } from './request.ts'

export interface ListRows {
  readonly rows: readonly Values[]
  /** Cursor of the next older page; null = all there is, undefined = nothing loaded yet. */
  readonly next: string | null | undefined
  readonly coverage: Coverage | undefined
  readonly atMs: number
  readonly failure: Failure | undefined
  /** Rows that came faster than they could be shown. */
  readonly missed: number
  readonly more: () => void
}

export type ListTable = 'flows' | 'events'

const rowsMax = 10_000
const wholeEveryMs = 30_000
const askLeastMs = 2000
const newestFirst = '-time'

/** Rows of the state's range and filters in this order; while `live`, new ones enter at the top. */
export function useListRows(
  table: ListTable,
  state: PageState,
  { live, order, intervalMs }: { live: boolean; order: string; intervalMs: number },
): ListRows {
  const special = [['order', order] as const, ['limit', String(pageRows)] as const]
  const kind = kindOf(table, state) === '' ? [] : [['kind', state.kind] as const]
  const path = `/api/${table}?${apiQuery(state, [...kind, ...special])}`
  const moving = state.to === 'now' && order === newestFirst
  const pushed = useLiveRows(livePath(table, state), moving)
  const everyMs = moving && pushed.isOpen ? wholeEveryMs : Math.max(intervalMs, askLeastMs)
  const answer = useAnswer<RowsAnswer>(path, live ? everyMs : undefined)
  const isCurrent = answer.path === path
  const [older, setOlder] = useState<Older>({})
  useEffect(() => {
    setOlder({})
    const { keyOf } = model$.get()[table]
    const known = new Set((answer.data?.rows ?? []).map(keyOf))
    pushed.settle((row) => known.has(keyOf(row)))
  }, [answer.data])
  const loading = useRef(false)

  const first = answer.data?.rows ?? []
  const known = unique(table, [...first, ...(older.rows ?? [])])
  const fresh = newRows(table, known, isCurrent ? pushed.rows : [])
  // What is read must not move: while the view is held, what it showed stays, and new rows are counted.
  const shown = useRef<{ readonly path: string; readonly rows: readonly Values[] }>(undefined)
  if (live || shown.current?.path !== path) shown.current = { path, rows: live ? fresh : [] }
  const front = live ? fresh : newRows(table, known, shown.current.rows)
  const rows = moving ? inOrder([...front, ...known], live ? state : undefined) : known
  const waiting = newRows(table, rows, fresh).length
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

/** A kind is one of events. */
function kindOf(table: ListTable, { kind }: PageState): string {
  return table === 'events' ? kind : ''
}

function livePath(table: ListTable, state: PageState): string {
  const kind = kindOf(table, state)
  const texts = [kind === '' ? '' : `kind = ${kind}`, filterText(state)].filter(Boolean)
  const query = new URLSearchParams({ table })
  if (texts.length > 0) query.append('filter', texts.join(' and '))
  return `/api/live?${query}`
}

/** Rows of two nodes do not come in order. In a view that moves, those that the range has left behind go. */
function inOrder(rows: readonly Values[], moving: PageState | undefined): readonly Values[] {
  const fromMs = moving ? rangeOf(moving, serverNow()).fromMs : 0
  const kept = rows.filter((row) => msOf(String(row['time'])) >= fromMs)
  return kept.sort((a, b) => compare(String(b['time']), String(a['time']))).slice(0, rowsMax)
}

/** RFC 3339 with nine digits in UTC sorts as text. */
function compare(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1
}

function unique(table: ListTable, rows: readonly Values[]): readonly Values[] {
  const { keyOf } = model$.get()[table]
  return [...new Map(rows.map((row) => [keyOf(row), row])).values()]
}

function newRows(
  table: ListTable,
  known: readonly Values[],
  rows: readonly Values[],
): readonly Values[] {
  if (rows.length === 0) return rows
  const { keyOf } = model$.get()[table]
  const keys = new Set(known.map(keyOf))
  return unique(table, rows).filter((row) => !keys.has(keyOf(row)))
}
