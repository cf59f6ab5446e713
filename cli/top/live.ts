// `weir top` on a screen: asks each second, draws what it knows, and gives the terminal back however it ends.

import { messageOf } from '../../common/mod.ts'
import type { JsonValue, Row } from '../../wire/mod.ts'
import type { Screen, Terminal } from '../commands/command.ts'
import { flowColumns } from '../render/flow-columns.ts'
import { count, span } from '../render/number.ts'
import { topColumns } from '../render/top-columns.ts'
import { truthOf } from '../render/truth.ts'
import { keysIn } from '../screen/keys.ts'
import type { Question } from '../source/server.ts'
import { keyOf, type TopQuestion, type TopResult } from '../source/top-answer.ts'
import { type RowsName, readRows } from '../source/top-rows.ts'
import type { Feed } from './feed.ts'
import { frameOf, heightFor } from './frame.ts'
import { createHistory } from './history.ts'
import { type LiveState, pressed, selectedAt } from './state.ts'

export interface LiveConfig {
  readonly terminal: Terminal
  readonly screen: Screen
  readonly feed: Feed
  /** The question of the flags; `by` when --by named groups. */
  readonly question: TopQuestion
  readonly rows: RowsName | undefined
  readonly raw: boolean
  readonly utc: boolean
  /** Rows may come from several nodes. */
  readonly nodes: boolean
  /** The command that explains a loss. */
  readonly explain: string
}

const refreshMs = 1000
/** Groups that are kept to scroll through. */
const groupsMax = 500

/** Runs until q, Ctrl-C or SIGTERM, or until `ended`. Throws what the first answer throws. */
export async function runLive(config: LiveConfig, ended: AbortSignal): Promise<void> {
  const { screen } = config
  // A central that is not there is said before the screen is taken.
  const view = createView(config)
  await view.ask()
  const quit = Promise.withResolvers<void>()
  const onKeys = (text: string): void => {
    for (const key of keysIn(text)) view.press(key, quit.resolve)
  }
  const close = screen.open(onKeys, view.draw)
  const timer = setInterval(() => view.tick(), refreshMs)
  ended.addEventListener('abort', () => quit.resolve(), { once: true })
  if (ended.aborted) quit.resolve()
  try {
    view.draw()
    await quit.promise
  } finally {
    clearInterval(timer)
    close()
  }
}

interface View {
  readonly ask: () => Promise<void>
  readonly tick: () => void
  readonly press: (key: string, quit: () => void) => void
  readonly draw: () => void
}

function createView(config: LiveConfig): View {
  const { screen, feed, question } = config
  const history = createHistory()
  let state = firstState(config)
  let result: TopResult | undefined
  let connections: readonly Row[] = []
  let trouble: string | undefined
  /** Which question is under way, and which answer was the last: a late one of an older question is not shown. */
  let asked = 0
  let isAsking = false

  async function ask(): Promise<void> {
    const number = ++asked
    isAsking = true
    try {
      const { opened } = state
      const filters = filtersOf(state, question)
      if (opened && result) {
        const found = await feed.connections([...filters, ...filtersOfGroup(opened, result.by)])
        if (number === asked) connections = found
      } else {
        const found = await readTop(config, state)
        if (number === asked) {
          result = found
          history.add(questionKey(state), found)
        }
      }
      trouble = undefined
    } finally {
      if (number === asked) isAsking = false
    }
  }

  /** Asks, and says what is wrong in its place: the numbers stay as they were. */
  function askAgain(): void {
    ask()
      .catch((error: unknown) => {
        trouble = `no answer: ${messageOf(error)}; asking again`
      })
      .finally(draw)
  }

  function draw(): void {
    if (result) screen.draw(frameNow(result))
  }

  function frameNow(shown: TopResult): readonly string[] {
    const size = screen.size()
    const { raw, utc, nodes, terminal } = config
    const { opened } = state
    const rows = opened ? connections : shown.rows
    const withSteps = { ...shown, steps: (row: Row) => history.of(keyOf(row, shown.by)) }
    const columns = opened
      ? flowColumns({ raw, utc, now: terminal.now, follow: false, nodes })
      : topColumns(withSteps, raw, true)
    const selected = opened ? -1 : selectedAt(state, { groups: rows, by: shown.by })
    const parts = { state, columns, rows, selected, trouble, color: terminal.color }
    return frameOf({ ...parts, title: titleOf(state, shown), truth: truthNow(shown) }, size)
  }

  function truthNow(shown: TopResult) {
    const { opened } = state
    const groups = Number(shown.totals['groups'])
    const what = opened
      ? `${count(connections.length)} ${connections.length === 1 ? 'connection' : 'connections'}`
      : `${count(groups)} ${groups === 1 ? 'row' : 'rows'}`
    const range = `rates of ${span(feed.seconds)}`
    const { coverage } = shown
    return truthOf({ what, range, coverage, seconds: feed.seconds, explain: config.explain })
  }

  function press(key: string, quit: () => void): void {
    const groups = result?.rows ?? []
    const height = heightFor(screen.size())
    const next = pressed(state, key, { by: result?.by ?? [], groups, height })
    if (next.state.rows !== state.rows || next.state.filter !== state.filter)
      result = emptied(result)
    if (next.state.opened !== state.opened) connections = []
    state = next.state
    if (next.act === 'quit') quit()
    else if (next.act === 'suspend') screen.suspend(draw)
    else {
      if (next.act === 'ask') askAgain()
      draw()
    }
  }

  return {
    ask,
    draw,
    press,
    tick: () => {
      if (!state.paused && !isAsking) askAgain()
    },
  }
}

function firstState({ rows, question }: LiveConfig): LiveState {
  return {
    rows,
    sort: question.order.replace(/^-/, ''),
    ascending: !question.order.startsWith('-'),
    filter: question.filters.find(([name]) => name === 'filter')?.[1] ?? '',
    prompt: undefined,
    fault: undefined,
    selected: '',
    first: 0,
    paused: false,
    opened: undefined,
  }
}

/** The flags' filters, and the text as it is now. */
function filtersOf({ filter }: LiveState, { filters }: TopQuestion): Question {
  const flags = filters.filter(([name]) => name !== 'filter')
  return filter === '' ? flags : [...flags, ['filter', filter]]
}

function readTop({ feed, question }: LiveConfig, state: LiveState): Promise<TopResult> {
  const order = state.ascending ? state.sort : `-${state.sort}`
  const asked = { ...question, order, limit: groupsMax, filters: filtersOf(state, question) }
  return state.rows ? readRows(state.rows, asked, feed.top) : feed.top(asked)
}

/** What a history belongs to: of other rows or another filter it begins anew. */
function questionKey({ rows, filter }: LiveState): string {
  return `${rows ?? ''} ${filter}`
}

/** Until the answer to another question is here, rows of the old one would be wrong. */
function emptied(result: TopResult | undefined): TopResult | undefined {
  return result && { ...result, rows: [], totals: { groups: 0 } }
}

/** The connections of a group: its fields, as the API's parameters. A folded port is any. */
function filtersOfGroup(row: Row, by: readonly string[]): Question {
  return by.flatMap((name): [string, string][] => {
    const value: JsonValue = row[name] ?? null
    return value === null ? [] : [[name, String(value)]]
  })
}

function titleOf({ rows, opened }: LiveState, { by }: TopResult): string {
  if (!opened) return rows ?? by.join(', ')
  const names = by.map((name) => opened[name]).filter((value) => value !== null && value !== '')
  return `connections of ${names.join(' ')}`
}
