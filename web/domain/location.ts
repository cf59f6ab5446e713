// The URL is the state: the path is the page, the query has the API's own parameter names, so it can be pasted
// after /api/flows. Defaults are left out, because short links get shared.

import { pagePaths } from '../../api/contract/pages/mod.ts'
import { parseTime, type Zone } from './time.ts'

/** An equality filter: a field of the table and a value as the API writes it. */
export interface Filter {
  readonly field: string
  readonly value: string
}

/** `nowhere`: a path that no page has. */
export type PageName = RouteName | 'nowhere'

export type RouteName = keyof typeof pagePaths

export interface PageState {
  readonly page: PageName
  readonly from: string
  readonly to: string
  readonly order: string
  /** What cells and chips ask for: values of one field are alternatives, fields are all required. */
  readonly filters: readonly Filter[]
  /** A text of the filter language, required beside them; '' = none. */
  readonly filter: string
  /** `none`: every port of a responder is an edge of its own (parameter of /api/top). */
  readonly fold: 'ports' | 'none'
  /** Kind of events that the page lists; '' = all. */
  readonly kind: string
  /** `none`: drops one by one, not by reason. */
  readonly group: '' | 'none'
  /** connection_id of the row whose panel is open; of a drop its reason. */
  readonly select: string | undefined
  readonly zone: Zone
}

export const defaults: PageState = {
  page: 'overview',
  from: '-15m',
  to: 'now',
  order: '-time',
  filters: [],
  filter: '',
  fold: 'ports',
  kind: '',
  group: '',
  select: undefined,
  zone: 'local',
}

const own = new Set(['from', 'to', 'order', 'filter', 'fold', 'kind', 'group', 'select', 'tz'])

/** The state of a path with its query; what is no parameter of the page is a filter, for the API to judge. */
export function parseLocation(url: string): PageState {
  const { pathname, searchParams: query } = new URL(url, 'http://localhost')
  const filters = [...query]
    .filter(([field]) => !own.has(field))
    .map(([field, value]) => ({ field, value }))
  return {
    page: pageAt(pathname),
    from: query.get('from') || defaults.from,
    to: query.get('to') || defaults.to,
    order: query.get('order') || defaults.order,
    filters,
    filter: query.get('filter') ?? defaults.filter,
    kind: query.get('kind') ?? defaults.kind,
    group: query.get('group') === 'none' ? 'none' : defaults.group,
    fold: query.get('fold') === 'none' ? 'none' : defaults.fold,
    select: query.get('select') || undefined,
    zone: query.get('tz') === 'utc' ? 'utc' : 'local',
  }
}

/** Path and query of a state; all default is `/`. Nowhere leads to the overview. */
export function formatLocation(state: PageState): string {
  const query = new URLSearchParams()
  if (state.from !== defaults.from) query.append('from', state.from)
  if (state.to !== defaults.to) query.append('to', state.to)
  if (state.order !== defaults.order) query.append('order', state.order)
  for (const { field, value } of state.filters) query.append(field, value)
  if (state.filter !== defaults.filter) query.append('filter', state.filter)
  if (state.fold !== defaults.fold) query.append('fold', state.fold)
  if (state.kind !== defaults.kind) query.append('kind', state.kind)
  if (state.group !== defaults.group) query.append('group', state.group)
  if (state.select !== undefined) query.append('select', state.select)
  if (state.zone !== defaults.zone) query.append('tz', state.zone)
  const text = query.toString()
  const path = state.page === 'nowhere' ? '/' : pagePaths[state.page]
  return text === '' ? path : `${path}?${text}`
}

function pageAt(pathname: string): PageName {
  const found = Object.entries(pagePaths).find(([, path]) => path === pathname)
  return (found?.[0] as PageName | undefined) ?? 'nowhere'
}

/** Parameters of an API request of this state: range, filters and what is special to it. */
export function apiQuery(
  state: PageState,
  special: readonly (readonly [string, string])[] = [],
): string {
  const query = new URLSearchParams([
    ['from', state.from],
    ['to', state.to],
    ...state.filters.map(({ field, value }) => [field, value]),
    ...(state.filter === '' ? [] : [['filter', state.filter]]),
    ...special.map(([name, value]) => [name, value]),
  ])
  return query.toString()
}

/** The same state with the filters added that it does not have yet. */
export function withFilters(state: PageState, added: readonly Filter[]): PageState {
  const fresh = added.filter((filter) => !state.filters.some((old) => same(old, filter)))
  return fresh.length === 0 ? state : { ...state, filters: [...state.filters, ...fresh] }
}

/** Whose numbers a state asks for; sockets unless it says so. */
export function viewOf({ filters }: PageState): 'socket' | 'interface' {
  const asked = filters.filter(({ field }) => field === 'view')
  return asked.some(({ value }) => value === 'interface') ? 'interface' : 'socket'
}

/** The same state for sockets, which is said by saying nothing, or for interfaces. */
export function withView(state: PageState, view: 'socket' | 'interface'): PageState {
  const others = state.filters.filter(({ field }) => field !== 'view')
  const filters = view === 'socket' ? others : [...others, { field: 'view', value: view }]
  return { ...state, filters, select: undefined }
}

/** The same state without one filter. */
export function withoutFilter(state: PageState, removed: Filter): PageState {
  return { ...state, filters: state.filters.filter((filter) => !same(filter, removed)) }
}

/** The same state without the rows of these values, which only the filter language can say. */
export function withoutValues(state: PageState, excluded: readonly Filter[]): PageState {
  const conditions = excluded.map(({ field, value }) => `${field} = ${written(value)}`)
  if (conditions.length === 0) return state
  const all = conditions.join(' and ')
  const added = conditions.length === 1 ? `not ${all}` : `not (${all})`
  if (state.filter === '') return { ...state, filter: added }
  if (state.filter.includes(added)) return state
  const before = /\bor\b/i.test(state.filter) ? `(${state.filter})` : state.filter
  return { ...state, filter: `${before} and ${added}` }
}

/** A value as the filter language takes it: in quotes unless it is a plain word. */
export function written(value: string): string {
  const isPlain = /^[^\s"'()=!<>~,*]+$/.test(value) && !/^(?:and|or|not|in)$/i.test(value)
  if (isPlain) return value
  const escapes: Readonly<Record<string, string>> = { '\n': '\\n', '\t': '\\t', '\r': '\\r' }
  const inside = value
    .replace(/[\\"]/g, '\\$&')
    .replace(/[\n\t\r]/g, (mark) => escapes[mark] ?? mark)
  return `"${inside}"`
}

/** Chips and text as one text of the filter language, for questions that take nothing else; '' = everything. */
export function filterText({ filters, filter }: PageState): string {
  const chips = Map.groupBy(filters, ({ field }) => field)
  const conditions = [...chips].map(([field, same]) => {
    const values = same.map(({ value }) => written(value))
    return values.length === 1 ? `${field} = ${values[0]}` : `${field} in (${values.join(', ')})`
  })
  return [...conditions, ...(filter === '' ? [] : [`(${filter})`])].join(' and ')
}

/** The same state with nothing filtered. */
export function unfiltered(state: PageState): PageState {
  return { ...state, filters: [], filter: '' }
}

export function isFiltered({ filters, filter }: PageState): boolean {
  return filters.length > 0 || filter !== ''
}

/** The same state with an absolute range, because a link to "last hour" shows someone else's hour. */
export function pinned(state: PageState, nowMs: number): PageState {
  const { fromMs, toMs } = rangeOf(state, nowMs)
  return withRange(state, fromMs, toMs)
}

/** The same state for an absolute range; whole milliseconds, RFC 3339. */
export function withRange(state: PageState, fromMs: number, toMs: number): PageState {
  return {
    ...state,
    from: new Date(Math.round(fromMs)).toISOString(),
    to: new Date(Math.round(toMs)).toISOString(),
  }
}

/** The absolute range; an unreadable end (which the API refuses by name) counts as its default here. */
export function rangeOf(state: PageState, nowMs: number): { fromMs: number; toMs: number } {
  const toMs = parseTime(state.to, nowMs, 'utc') ?? nowMs
  const fromMs = parseTime(state.from, nowMs, 'utc') ?? nowMs - 15 * 60_000
  return { fromMs: Math.min(fromMs, toMs - 1000), toMs }
}

function same(a: Filter, b: Filter): boolean {
  return a.field === b.field && a.value === b.value
}
