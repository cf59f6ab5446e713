// What the whole page shares: the state in the URL, what holds the live view, the cursor, the theme.

import type { Filter } from '../domain/location.ts'
import {
  formatLocation,
  type PageName,
  type PageState,
  parseLocation,
  rangeOf,
  withFilters,
  withoutValues,
  withRange,
} from '../domain/location.ts'
import { createCell } from './cell.ts'
import { serverNow } from './request.ts'

/** Why data stands still: the person asked, reads below the first row, has a row open, or drags. */
export type Hold = 'asked' | 'scroll' | 'row' | 'drag'

export const location$ = createCell<PageState>(parseLocation(here()))
export const holds$ = createCell<ReadonlySet<Hold>>(new Set())
/** Time under the cursor of any chart, ms; undefined when it is on none. */
export const hover$ = createCell<number | undefined>(undefined)
/** Rows that came while the view stood still: at most `pageRows` of them are known. */
export const waiting$ = createCell(0)
export const pageRows = 100
export const asTable$ = createCell(false)
export const theme$ = createCell(themeNow())

addEventListener('popstate', () => location$.set(parseLocation(here())))
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => theme$.set(themeNow()))

/** A decision: Back undoes it. */
export function commit(state: PageState): void {
  const url = formatLocation(state)
  if (url !== here()) history.pushState({ depth: depth() + 1 }, '', url)
  location$.set(state)
}

/** The same range and filters on another page, from its top. */
export function openPage(page: PageName): void {
  commit({ ...location$.get(), page, select: undefined })
  scrollTo({ top: 0 })
}

/** Undoes the last decision, and never leaves the page. */
export function back(): void {
  if (depth() > 0) history.back()
}

function here(): string {
  return location.pathname + location.search
}

/** How many decisions Back can undo. */
function depth(): number {
  return Number(history.state?.depth ?? 0)
}

export function addFilters(filters: readonly Filter[]): void {
  commit(withFilters(location$.get(), filters))
}

/** Leaves out the rows of these values. */
export function exclude(filters: readonly Filter[]): void {
  commit(withoutValues(location$.get(), filters))
}

/** Opens the panel of a connection, or closes it. */
export function select(connection: string | undefined): void {
  commit({ ...location$.get(), select: connection })
}

export function zoom(fromMs: number, toMs: number): void {
  commit(withRange(location$.get(), fromMs, toMs))
}

/** Moves the range by half its length: -1 earlier, 1 later, never beyond now. */
export function shift(direction: -1 | 1): void {
  const now = serverNow()
  const { fromMs, toMs } = rangeOf(location$.get(), now)
  const half = (toMs - fromMs) / 2
  const end = Math.min(toMs + direction * half, now)
  zoom(end - (toMs - fromMs), end)
}

export function hold(reason: Hold, held: boolean): void {
  const holds = holds$.get()
  if (holds.has(reason) === held) return
  const next = new Set(holds)
  if (held) next.add(reason)
  else next.delete(reason)
  holds$.set(next)
}

/** Whether data moves by itself now. */
export function isLive(state: PageState, holds: ReadonlySet<Hold>): boolean {
  return state.to === 'now' && holds.size === 0
}

/** Live off; or on again, which ends all that held it and comes back to now. */
export function toggleLive(): void {
  const state = location$.get()
  if (isLive(state, holds$.get())) {
    hold('asked', true)
    return
  }
  if (holds$.get().has('scroll')) scrollTo({ top: 0 })
  holds$.set(new Set())
  const { fromMs, toMs } = rangeOf(state, serverNow())
  const from = state.to === 'now' ? state.from : `-${Math.round((toMs - fromMs) / 1000)}s`
  commit({ ...state, from, to: 'now', select: undefined })
}

export function switchTheme(): void {
  const theme = themeNow() === 'dark' ? 'light' : 'dark'
  document.documentElement.dataset['theme'] = theme
  remember('theme', theme)
  theme$.set(theme)
}

/** A choice of this person, kept in this browser. */
export function remember(name: string, value: string): void {
  try {
    localStorage.setItem(`weir.${name}`, value)
  } catch {
    // Storage may be forbidden; the choice then lasts as long as the page.
  }
}

export function remembered(name: string): string | undefined {
  try {
    return localStorage.getItem(`weir.${name}`) ?? undefined
  } catch {
    return undefined
  }
}

function themeNow(): 'light' | 'dark' {
  const chosen = document.documentElement.dataset['theme']
  if (chosen === 'light' || chosen === 'dark') return chosen
  return matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light'
}
