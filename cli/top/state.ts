// What the live screen shows and what each key makes of it: data and one function, so that it is tested without a
// terminal.

import { AppError } from '../../common/mod.ts'
import { completeFilter, flowTable, parseFilter, type Row } from '../../wire/mod.ts'
import { caretUnits, completed, type Prompt, promptOf, typed } from '../screen/prompt.ts'
import { keyOf } from '../source/top-answer.ts'
import { type RowsName, rowsNames } from '../source/top-rows.ts'

/** Metrics that rows are sorted by, in the order of their columns. */
export const sortable: readonly string[] = [
  'total',
  'connections',
  'bytes',
  'reverse_bytes',
  'rtt_p95_ns',
  'retransmits',
  'failed',
]

export interface LiveState {
  /** Undefined: the groups that --by named. */
  readonly rows: RowsName | undefined
  /** A metric; largest first unless turned. */
  readonly sort: string
  readonly ascending: boolean
  /** Typed after `/`, beside the flags. */
  readonly filter: string
  readonly prompt: Prompt | undefined
  /** Why the text of the prompt cannot be a filter. */
  readonly fault: { readonly position: number; readonly what: string } | undefined
  /** Key of the selected row; the first one when it is not there. */
  readonly selected: string
  /** First row in sight. */
  readonly first: number
  readonly paused: boolean
  /** The group whose connections are shown. */
  readonly opened: Row | undefined
}

/** What the state was drawn over. */
export interface Around {
  readonly by: readonly string[]
  /** Sorted, as shown. */
  readonly groups: readonly Row[]
  /** Rows of the table in sight. */
  readonly height: number
}

/** Beside the new state: what has to be done. `ask`: the question is another one. */
export type Act = 'ask' | 'quit' | 'suspend' | undefined

export interface Pressed {
  readonly state: LiveState
  readonly act: Act
}

/** The state after a key. */
export function pressed(state: LiveState, key: string, around: Around): Pressed {
  if (key === 'interrupt') return { state, act: 'quit' }
  if (key === 'suspend') return { state, act: 'suspend' }
  if (state.prompt) return inPrompt(state, state.prompt, key)
  if (state.opened) return inConnections(state, key)
  const moved = move(state, key, around)
  if (moved) return { state: moved, act: undefined }
  const rows = rowsNames[Number(key) - 1]
  if (rows) return { state: { ...state, rows, selected: '', first: 0 }, act: 'ask' }
  return inGroups(state, key, around)
}

function inGroups(state: LiveState, key: string, around: Around): Pressed {
  switch (key) {
    case 'q':
      return { state, act: 'quit' }
    case 's':
      return sorted(state, 1)
    case 'S':
      return sorted(state, -1)
    case 'r':
      return { state: { ...state, ascending: !state.ascending }, act: 'ask' }
    case 'p':
    case ' ':
      return { state: { ...state, paused: !state.paused }, act: undefined }
    case '/':
      return {
        state: { ...state, prompt: promptOf(state.filter), fault: undefined },
        act: undefined,
      }
    case 'enter': {
      const opened = around.groups[selectedAt(state, around)]
      return opened
        ? { state: { ...state, opened, first: 0 }, act: 'ask' }
        : { state, act: undefined }
    }
    case 'escape':
      if (state.filter === '') return { state, act: undefined }
      return { state: { ...state, filter: '' }, act: 'ask' }
    default:
      return { state, act: undefined }
  }
}

function inConnections(state: LiveState, key: string): Pressed {
  if (key === 'q') return { state, act: 'quit' }
  if (key === 'p' || key === ' ')
    return { state: { ...state, paused: !state.paused }, act: undefined }
  if (key === 'escape' || key === 'backspace' || key === 'left' || key === 'enter') {
    return { state: { ...state, opened: undefined, first: 0 }, act: 'ask' }
  }
  const step = { up: -1, k: -1, down: 1, j: 1, 'page-up': -10, 'page-down': 10 }[key]
  if (step === undefined) return { state, act: undefined }
  return { state: { ...state, first: Math.max(0, state.first + step) }, act: undefined }
}

function inPrompt(state: LiveState, prompt: Prompt, key: string): Pressed {
  if (key === 'escape')
    return { state: { ...state, prompt: undefined, fault: undefined }, act: undefined }
  if (key === 'enter') {
    const fault = faultOf(prompt.text)
    if (fault) return { state: { ...state, fault }, act: undefined }
    const filter = prompt.text.trim()
    return { state: { ...state, filter, prompt: undefined, fault: undefined }, act: 'ask' }
  }
  const next = key === 'tab' ? withCompletion(prompt) : typed(prompt, key)
  return { state: { ...state, prompt: next, fault: undefined }, act: undefined }
}

/** What Tab would put in, and what else there is. */
export function completionsOf(prompt: Prompt): readonly string[] {
  const found = completeFilter(prompt.text, caretUnits(prompt), flowTable)
  return found?.options.map(({ text }) => text) ?? []
}

function withCompletion(prompt: Prompt): Prompt {
  const found = completeFilter(prompt.text, caretUnits(prompt), flowTable)
  const [first] = found?.options ?? []
  return found && first ? completed(prompt, found, first.text) : prompt
}

function faultOf(text: string): LiveState['fault'] {
  try {
    parseFilter(text, { table: flowTable, nowNs: BigInt(Date.now()) * 1_000_000n })
    return undefined
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    const { position, what } = error.details
    return { position: Number(position ?? 0), what: String(what ?? error.message) }
  }
}

function sorted(state: LiveState, step: 1 | -1): Pressed {
  const at = sortable.indexOf(state.sort)
  const sort = sortable[(at + step + sortable.length) % sortable.length] as string
  return { state: { ...state, sort, ascending: false, first: 0, selected: '' }, act: 'ask' }
}

/** The state with another row selected; undefined when the key moves nothing. */
function move(state: LiveState, key: string, around: Around): LiveState | undefined {
  const { groups, height } = around
  const last = groups.length - 1
  const at = selectedAt(state, around)
  const to = {
    up: at - 1,
    k: at - 1,
    down: at + 1,
    j: at + 1,
    'page-up': at - height,
    'page-down': at + height,
    home: 0,
    g: 0,
    end: last,
    G: last,
  }[key]
  if (to === undefined) return undefined
  const next = Math.max(0, Math.min(last, to))
  const row = groups[next]
  if (!row) return state
  const first = Math.max(Math.min(state.first, next), next - height + 1)
  return { ...state, selected: keyOf(row, around.by), first: Math.max(0, first) }
}

/** Place of the selected row. */
export function selectedAt(
  { selected }: LiveState,
  { groups, by }: Pick<Around, 'groups' | 'by'>,
): number {
  return Math.max(
    0,
    groups.findIndex((row) => keyOf(row, by) === selected),
  )
}
