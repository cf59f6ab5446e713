// One frame of the live screen as lines that fit it: a head, the table, the truth, the keys.

import type { Row } from '../../wire/mod.ts'
import { escaped } from '../render/escape.ts'
import { createTable, type TableColumn } from '../render/table.ts'
import { clipped, padded, widthOf } from '../render/width.ts'
import { completionsOf, type LiveState } from './state.ts'

export interface Size {
  readonly columns: number
  readonly rows: number
}

export interface FrameParts {
  readonly state: LiveState
  /** `processes`, `connections of nginx`. */
  readonly title: string
  readonly columns: readonly TableColumn<Row>[]
  readonly rows: readonly Row[]
  /** Place of the selected row; -1 for none. */
  readonly selected: number
  /** Parts of the line of truth, and whether it is the whole truth. */
  readonly truth: { readonly whole: boolean; readonly parts: readonly string[] }
  /** What is wrong now: no answer since when. */
  readonly trouble: string | undefined
  readonly color: boolean
}

const bold = '\x1b[1m'
const dim = '\x1b[2m'
const yellow = '\x1b[33m'
const inverse = '\x1b[7m'
const plain = '\x1b[0m'

/** Lines that are no rows: title, heads, truth, keys. */
const around = 4
const leastColumns = 20
const leastRows = 6

/** How many rows of the table there is room for. */
export function heightFor({ rows }: Size): number {
  return Math.max(1, rows - around)
}

/** At most `size.rows` lines, none wider than the screen. */
export function frameOf(parts: FrameParts, size: Size): readonly string[] {
  if (size.columns < leastColumns || size.rows < leastRows) {
    return [clipped('too small', size.columns), clipped('q quits', size.columns)].slice(
      0,
      size.rows,
    )
  }
  const { columns } = size
  const height = heightFor(size)
  const [head = '', ...body] = createTable(parts.columns, columns).lines(parts.rows)
  const first = Math.max(0, Math.min(parts.state.first, body.length - 1))
  const lines = body.slice(first, first + height).map((line, index) => {
    const text = clipped(line, columns)
    if (first + index !== parts.selected) return text
    return `${inverse}${padded(text, columns, 'left')}${plain}`
  })
  const empty = parts.rows.length === 0 ? [`${dim}${clipped('nothing yet', columns)}${plain}`] : []
  const rows = [...lines, ...empty]
  const gap = Array<string>(Math.max(0, height - rows.length)).fill('')
  return [
    titleLine(parts, columns),
    `${bold}${clipped(head, columns)}${plain}`,
    ...rows.slice(0, height),
    ...gap,
    ...footOf(parts, columns),
  ]
}

function titleLine({ state, title }: FrameParts, columns: number): string {
  const direction = state.ascending ? '▲' : '▼'
  const words = [
    'weir top',
    title,
    ...(state.opened ? [] : [`by ${state.sort} ${direction}`]),
    ...(state.filter === '' ? [] : [`filter: ${state.filter}`]),
    ...(state.paused ? ['PAUSED'] : []),
  ]
  return `${bold}${clipped(words.map(escaped).join(' · '), columns)}${plain}`
}

/** Two lines: the truth and the keys, or what is being typed. */
function footOf(parts: FrameParts, columns: number): readonly string[] {
  const { state, truth, trouble, color } = parts
  if (state.prompt) return promptLines(state, columns)
  const mark = (isFine: boolean) => (isFine ? dim : color ? yellow : '')
  const said = trouble ?? truth.parts.join(' · ')
  return [
    `${mark(trouble === undefined && truth.whole)}${clipped(said, columns)}${plain}`,
    `${dim}${clipped(keysOf(state), columns)}${plain}`,
  ]
}

function keysOf({ opened, paused }: LiveState): string {
  const pause = paused ? 'p go on' : 'p pause'
  if (opened) return `Esc back  ↑↓ scroll  ${pause}  q quit`
  return `1 processes 2 edges 3 ports 4 peers 5 units  s sort  r turn  / filter  ⏎ connections  ${pause}  q quit`
}

/** The text with its cursor; below it the mistake, or what Tab would complete. */
function promptLines({ prompt, fault }: LiveState, columns: number): readonly string[] {
  if (!prompt) return []
  const lead = 'filter: '
  const characters = [...prompt.text].map((character) => escaped(character))
  const caret = prompt.caret
  const before = characters.slice(0, caret).join('')
  // What is left of the caret stays in sight.
  const room = Math.max(1, columns - lead.length - 1)
  const cut = widthOf(before) > room ? [...before].slice(-room).join('') : before
  const under = characters[caret] ?? ' '
  const after = clipped(characters.slice(caret + 1).join(''), Math.max(0, room - widthOf(cut)))
  const line = `${lead}${cut}${inverse}${under}${plain}${after}`
  if (!fault) {
    const options = completionsOf(prompt).slice(0, 12).join('  ')
    return [
      line,
      `${dim}${clipped(options === '' ? '⏎ filters, Esc leaves' : `Tab: ${options}`, columns)}${plain}`,
    ]
  }
  const place = Math.min(lead.length + fault.position, columns - 1)
  const message = `${' '.repeat(place)}^ ${escaped(fault.what)}`
  const fits = widthOf(message) <= columns
  return [line, clipped(fits ? message : `^ at ${fault.position}: ${escaped(fault.what)}`, columns)]
}
