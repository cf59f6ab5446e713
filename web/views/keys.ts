// The page's single keys: one table for what they do and what the help sheet says.

import { dropDrag } from '../charts/plot.tsx'
import { createCell } from '../data/cell.ts'
import {
  asTable$,
  back,
  hold,
  holds$,
  location$,
  openPage,
  remember,
  remembered,
  select,
  shift,
  toggleLive,
} from '../data/page.ts'
import { routes } from '../pages/routes.ts'
import { pinnedLink } from './command-bar.tsx'
import { filterInputId } from './filter-box.tsx'

export const keysOn$ = createCell(remembered('keys') !== 'off')
export const help$ = createCell(false)

interface Key {
  readonly shown: readonly string[]
  readonly says: string
  readonly act: Readonly<Record<string, () => void>>
}

export const keys: readonly Key[] = [
  {
    shown: ['/'],
    says: 'filter',
    act: { '/': () => document.getElementById(filterInputId)?.focus() },
  },
  { shown: ['t'], says: 'time range', act: { t: () => press('popover-time') } },
  { shown: ['l'], says: 'live or pause', act: { l: toggleLive } },
  {
    shown: ['[', ']'],
    says: 'earlier, later by half the range',
    act: { '[': () => shift(-1), ']': () => shift(1) },
  },
  { shown: ['Z'], says: 'back, for example from a zoom', act: { Z: back } },
  {
    shown: ['j', 'k'],
    says: 'next, previous row',
    act: { j: () => tell('next'), k: () => tell('previous') },
  },
  {
    shown: ['←', '→', '+', '-'],
    says: 'choose a cell of the open row, show only or leave out its value',
    act: {
      ArrowLeft: () => tell('left'),
      ArrowRight: () => tell('right'),
      '+': () => tell('plus'),
      '-': () => tell('minus'),
    },
  },
  {
    shown: ['Esc'],
    says: 'drop a drag, close the row',
    act: {
      Escape: () => {
        if (!dropDrag()) select(undefined)
      },
    },
  },
  {
    shown: ['g', ...routes.map(({ key }) => key)],
    says: `g and then: ${routes.map(({ title }) => title).join(', ')}`,
    act: Object.fromEntries(routes.map(({ key, name }) => [`g ${key}`, () => openPage(name)])),
  },
  { shown: ['v'], says: 'charts as a table', act: { v: () => asTable$.set(!asTable$.get()) } },
  { shown: ['c'], says: 'coverage', act: { c: () => press('popover-coverage') } },
  {
    shown: ['y'],
    says: 'copy a link to exactly this',
    act: { y: () => void navigator.clipboard?.writeText(pinnedLink()) },
  },
  { shown: ['?'], says: 'this list', act: { '?': () => help$.set(true) } },
]

export function switchKeys(): void {
  keysOn$.set(!keysOn$.get())
  remember('keys', keysOn$.get() ? 'on' : 'off')
}

/** Listens until the returned function is called. Typing in a field is never a command. */
export function listenToKeys(): () => void {
  const acts = new Map(keys.flatMap(({ act }) => Object.entries(act)))
  let afterG = false
  function pressed(event: KeyboardEvent): void {
    const target = event.target as HTMLElement
    if (event.ctrlKey || event.metaKey || event.altKey || target.closest('input, dialog')) return
    if (!keysOn$.get() && event.key !== 'Escape') return
    const rowKey = event.key.startsWith('Arrow') || event.key === '+' || event.key === '-'
    if (rowKey && location$.get().select === undefined) return
    const act = acts.get(afterG ? `g ${event.key}` : event.key)
    afterG = event.key === 'g'
    if (!act) return
    event.preventDefault()
    act()
  }
  addEventListener('keydown', pressed)
  return () => removeEventListener('keydown', pressed)
}

/** Whatever holds the view is let go when the row closes. */
location$.watch(({ select: open }) => hold('row', open !== undefined))
if (location$.get().select !== undefined && !holds$.get().has('row')) hold('row', true)

function press(id: string): void {
  document.getElementById(id)?.click()
}

/** The table of connections listens (pages/flows/keyboard.ts). */
function tell(name: string): void {
  dispatchEvent(new CustomEvent('weir-row', { detail: name }))
}
