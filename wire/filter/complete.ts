// What could stand where somebody is typing a filter: names of fields, operators of their kind, words between
// conditions. The parser itself says what is expected there, so completion and grammar cannot drift apart.

import { AppError } from '../../common/mod.ts'
import type { Field, FieldKind, Table } from '../model/field.ts'
import { namesOf } from './check.ts'
import { type Ending, parseSyntax } from './parse.ts'
import { scan, type Token } from './scan.ts'

export interface Option {
  readonly text: string
  readonly help: string
}

export interface Completion {
  readonly expected: Ending['expected']
  /** What an option replaces: characters from `from` up to `to`. */
  readonly from: number
  readonly to: number
  /** What of it is typed already, without quotes. */
  readonly typed: string
  /** The field that a value or an operator belongs to, both ends for a name without one; else empty. */
  readonly fields: readonly string[]
  /** The likeliest first. Values that only the rows know are not among them. */
  readonly options: readonly Option[]
}

const optionsMax = 40

/** Completes at `caret` (characters from 0). Undefined after a mistake, which has to be corrected first. */
export function completeFilter(text: string, caret: number, table: Table): Completion | undefined {
  const under = wordUnder(text, caret)
  if (!under) return undefined
  const ending = endingOf(text.slice(0, under.from))
  if (!ending) return undefined
  const fields = namesOf(table).get(ending.name?.text ?? '')?.fields ?? []
  const all = optionsOf(ending.expected, fields[0], { table, text: text.slice(0, under.from) })
  const { from, to, typed } = under
  return {
    expected: ending.expected,
    from,
    to,
    typed,
    fields: fields.map(({ name }) => name),
    options: matching(all, typed).slice(0, optionsMax),
  }
}

interface Under {
  readonly from: number
  readonly to: number
  readonly typed: string
}

/** The word that the caret is in or behind; an empty place between words. */
function wordUnder(text: string, caret: number): Under | undefined {
  const tokens = tokensBefore(text.slice(0, caret))
  if (!tokens) return undefined
  const last = tokens.at(-2)
  const isTyped = last && last.to === caret && last.kind !== 'sign'
  if (!isTyped) return { from: caret, to: caret, typed: '' }
  const rest = /^[^\s"'()=!<>~,]*/.exec(text.slice(caret))?.[0] ?? ''
  return { from: last.from, to: caret + rest.length, typed: last.text }
}

/** Tokens of an unfinished text; a quote that is still open is closed. Undefined when it cannot be read. */
function tokensBefore(text: string): readonly Token[] | undefined {
  for (const end of ['', '"', "'"]) {
    const tokens = orUndefined(() => scan(text + end))
    if (!tokens) continue
    if (end === '') return tokens
    // The added quote is none of what was typed.
    return tokens.map((token, at) =>
      at === tokens.length - 2 ? { ...token, to: token.to - 1 } : token,
    )
  }
  return undefined
}

function endingOf(text: string): Ending | undefined {
  let first: Ending | undefined
  orUndefined(() => {
    parseSyntax(text, (ending) => {
      first ??= ending
    })
  })
  return first
}

interface Place {
  readonly table: Table
  /** What stands before. */
  readonly text: string
}

function optionsOf(
  expected: Ending['expected'],
  field: Field | undefined,
  { table, text }: Place,
): readonly Option[] {
  switch (expected) {
    case 'field':
      return [...fieldOptions(table), { text: 'not', help: 'the opposite of what follows' }]
    case 'operator':
      return field ? operatorOptions(field.kind) : []
    case 'value':
      return field ? valueOptions(field) : []
    case 'list':
      return [
        { text: ',', help: 'one more value' },
        { text: ')', help: 'the end of the values' },
      ]
    case 'joint':
      return [
        { text: 'and', help: 'both must hold' },
        { text: 'or', help: 'one of both must hold' },
        ...(isOpen(text) ? [{ text: ')', help: 'the end of the group' }] : []),
      ]
  }
}

/** Names for either end first: they are what people mean most often. */
function fieldOptions(table: Table): readonly Option[] {
  return [...namesOf(table)]
    .map(
      ([
        text,
        {
          fields: [field, other],
        },
      ]) => ({
        text,
        help: other ? `${field.name} or ${other.name}` : field.help,
        ends: other ? 0 : 1,
      }),
    )
    .sort((one, two) => one.ends - two.ends)
    .map(({ text, help }) => ({ text, help }))
}

const equal: readonly Option[] = [
  { text: '=', help: 'is' },
  { text: '!=', help: 'is not' },
]
const among: readonly Option[] = [
  { text: 'in (', help: 'is one of' },
  { text: 'not in (', help: 'is none of' },
]

function operatorOptions(kind: FieldKind): readonly Option[] {
  if (kind === 'flag') return [...equal, { text: 'and', help: 'it is true, and …' }]
  if (kind === 'name' || kind === 'text' || kind === 'list') {
    const match = { text: '~', help: 'has this pattern in it (RE2)' }
    return [...equal, match, { text: '!~', help: 'has not this pattern in it' }, ...among]
  }
  if (kind === 'address' || kind === 'id') return [...equal, ...among]
  const order = [
    { text: '>', help: 'is above' },
    { text: '>=', help: 'is at least' },
    { text: '<', help: 'is below' },
    { text: '<=', help: 'is at most' },
  ]
  return kind === 'time' || kind === 'counter'
    ? [...order, ...equal]
    : [...equal, ...order, ...among]
}

function valueOptions({ kind, values, help }: Field): readonly Option[] {
  if (kind === 'flag') return ['true', 'false'].map((text) => ({ text, help }))
  return (values ?? []).filter((value) => value !== '').map((text) => ({ text, help: '' }))
}

/** What begins with the typed text, then what has a part that does, then what contains it. */
function matching(options: readonly Option[], typed: string): readonly Option[] {
  const wanted = typed.toLowerCase()
  const rank = ({ text }: Option): number => {
    const name = text.toLowerCase()
    if (name === wanted) return -1
    if (name.startsWith(wanted)) return 0
    if (name.includes(`_${wanted}`)) return 1
    return name.includes(wanted) ? 2 : 3
  }
  return options
    .map((option) => ({ option, rank: rank(option) }))
    .filter((one) => one.rank < 3)
    .sort((one, two) => one.rank - two.rank)
    .map(({ option }) => option)
}

/** Whether a parenthesis is open where the text ends. */
function isOpen(text: string): boolean {
  const tokens = orUndefined(() => scan(text)) ?? []
  const count = (sign: string) =>
    tokens.filter((token) => token.kind === 'sign' && token.text === sign).length
  return count('(') > count(')')
}

function orUndefined<T>(work: () => T): T | undefined {
  try {
    return work()
  } catch (error) {
    if (error instanceof AppError) return undefined
    throw error
  }
}
