// Questions about the filter itself: is it right, what could stand at the caret, which values there are.

import { useEffect, useState } from 'preact/hooks'
import { carriedOver, type Typed } from '../domain/filter-text.ts'
import type { PageState } from '../domain/location.ts'
import { useAnswer } from './answer.ts'
import { useCell } from './cell.ts'
import type { FilterAnswer, FilterCompletion, FilterFault, TopAnswer } from './contract.ts'
import { model$ } from './model.ts'
import { failureFrom, get } from './request.ts'

/** A value that the rows of now have, and how often. */
export interface KnownValue {
  readonly value: string
  readonly count: number
}

const typingMs = 60
const valuesMax = 10

export function filterPath(filter: string, tables: readonly string[], caret?: number): string {
  const query = new URLSearchParams({ filter })
  for (const table of tables) query.append('table', table)
  if (caret !== undefined) query.append('caret', String(caret))
  return `/api/filter?${query}`
}

/** Why no table of the page can be filtered so; undefined when one can, or nobody answers. */
export async function faultOf(
  filter: string,
  tables: readonly string[],
  signal: AbortSignal,
): Promise<FilterFault | undefined> {
  if (filter === '') return undefined
  try {
    const { body } = await get<FilterAnswer>(filterPath(filter, tables), signal)
    const faults = body.tables.map(({ fault }) => fault)
    return faults.includes(null) ? undefined : (faults[0] ?? undefined)
  } catch (thrown) {
    const failure = failureFrom(thrown)
    if (failure && !failure.passing) return { position: 0, message: failure.message }
    return undefined
  }
}

/** Which of the tables the filter of the URL fits; undefined while that is not known. */
export function useFits(
  filter: string,
  tables: readonly string[],
): ReadonlySet<string> | undefined {
  const path = filter === '' ? undefined : filterPath(filter, tables)
  const { data, path: answered } = useAnswer<FilterAnswer>(path, undefined)
  if (path === undefined) return new Set(tables)
  if (!data || answered !== path) return undefined
  return new Set(data.tables.filter(({ fault }) => fault === null).map(({ table }) => table))
}

interface Found {
  readonly completion: FilterCompletion
  readonly asked: Typed
}

/** What could stand at the caret; undefined when `typed` is, or nothing could. */
export function useCompletion(
  typed: Typed | undefined,
  table: string,
): FilterCompletion | undefined {
  const [found, setFound] = useState<Found>()
  useEffect(() => {
    if (!typed) {
      setFound(undefined)
      return undefined
    }
    return later(typingMs, async (signal) => {
      const path = filterPath(typed.text, [table], typed.caret)
      const { body } = await get<FilterAnswer>(path, signal)
      setFound(body.completion ? { completion: body.completion, asked: typed } : undefined)
    })
  }, [typed?.text, typed?.caret, table])
  return found && typed && carriedOver(found.completion, found.asked, typed)
}

/** The values of the field at the caret, the most frequent first, under the range and filters of the page. */
export function useValues(
  completion: FilterCompletion | undefined,
  table: string,
  state: PageState,
): readonly KnownValue[] {
  const { fieldsOf } = useCell(model$)
  const [known, setKnown] = useState<readonly KnownValue[]>([])
  const asked = completion?.expected === 'value' ? completion.fields : []
  const groupable = asked.filter((name) =>
    fieldsOf(table).some((field) => field.name === name && !field.sum && field.kind !== 'time'),
  )
  const names = groupable.join()
  useEffect(() => {
    setKnown([])
    if (names === '' || (table !== 'flows' && table !== 'events')) return undefined
    return later(0, async (signal) => {
      const answers = groupable.map((name) => valuesOf(name, table, { state, signal }))
      setKnown(merged((await Promise.all(answers)).flat()))
    })
  }, [names, table])
  const typed = completion?.typed.toLowerCase() ?? ''
  return known.filter(({ value }) => value.toLowerCase().includes(typed))
}

async function valuesOf(
  name: string,
  table: string,
  { state, signal }: { readonly state: PageState; readonly signal: AbortSignal },
): Promise<readonly KnownValue[]> {
  const { path, metric, more } = table === 'events' ? ofEvents : ofFlows
  const range = { from: state.from, to: state.to }
  const query = new URLSearchParams({
    ...range,
    by: name,
    order: `-${metric}`,
    limit: '20',
    ...more,
  })
  const { body } = await get<Pick<TopAnswer, 'rows'>>(`${path}?${query}`, signal)
  return body.rows.map((row) => ({ value: String(row[name] ?? ''), count: Number(row[metric]) }))
}

const ofFlows = { path: '/api/top', metric: 'connections', more: { metrics: 'connections' } }
const ofEvents = { path: '/api/events/top', metric: 'events', more: {} }

function merged(values: readonly KnownValue[]): readonly KnownValue[] {
  const counts = new Map<string, number>()
  for (const { value, count } of values) {
    if (value !== '') counts.set(value, (counts.get(value) ?? 0) + count)
  }
  return [...counts]
    .map(([value, count]) => ({ value, count }))
    .sort((one, two) => two.count - one.count)
    .slice(0, valuesMax)
}

/** Runs after `ms` unless taken back before; a failure here is said by the panels, which ask the same server. */
function later(ms: number, work: (signal: AbortSignal) => Promise<void>): () => void {
  const controller = new AbortController()
  const timer = window.setTimeout(() => {
    work(controller.signal).catch((thrown: unknown) => failureFrom(thrown))
  }, ms)
  return () => {
    clearTimeout(timer)
    controller.abort()
  }
}
