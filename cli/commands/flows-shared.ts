// What the listings of `weir flows` have in common, wherever their rows come from.

import type { Coverage } from '../../api/contract/mod.ts'
import { flowColumns } from '../render/flow-columns.ts'
import { createListing, type Listing } from '../render/listing.ts'
import { span } from '../render/number.ts'
import { fieldNames } from '../source/filter-flags.ts'
import { endAfter, localQuestion } from '../source/local.ts'
import type { Question } from '../source/server.ts'
import type { Flag, Terminal, Values } from './command.ts'

export const unknown: Coverage = { share: null, watched: 0, lost: {}, gaps: [] }

/** Which connections by their life; for a central alone. */
export const openFlags: readonly Flag[] = [
  {
    name: 'open',
    kind: 'switch',
    help: 'The connections that are open now (or at --to): one row each, also of those silent for hours.',
  },
  {
    name: 'age-min',
    kind: 'duration',
    metavar: 'TIME',
    help: 'Only connections that were opened at least so long before now (or --to).',
  },
  {
    name: 'age-max',
    kind: 'duration',
    metavar: 'TIME',
    help: 'Only connections that were opened at most so long before now (or --to).',
  },
]

/** These flags as parameters of the API, and what the line of truth says of the time. */
export function openQuestion(values: Values): { question: Question; range?: string } {
  const ages = ['age-min', 'age-max'].flatMap((name): [string, string][] => {
    const text = values.text(name)
    return text === undefined ? [] : [[name.replace('-', '_'), text]]
  })
  if (!values.on('open')) return { question: ages }
  const question: Question = [['open', 'true'], ...ages]
  return { question, range: `open at ${values.text('to') ?? 'this moment'}` }
}

function filtersOfView(values: Values): Question {
  return values.list('view').map((view): [string, string] => ['view', view])
}

/** Ctrl-C, or the end of --for. */
export function endOf(values: Values, terminal: Terminal): AbortSignal {
  const spanMs = values.durationMs('for')
  return spanMs === undefined ? terminal.interrupted() : endAfter(terminal, spanMs)
}

export function followLimit(values: Values): number {
  return values.given.includes('limit') ? (values.number('limit') ?? 0) : Number.POSITIVE_INFINITY
}

export function watchedRange(startedMs: number, terminal: Terminal): string {
  return `last ${span(Math.max(1, Math.ceil((terminal.now() - startedMs) / 1000)))}`
}

export function listingOf(values: Values, terminal: Terminal, nodes: boolean): Listing {
  const [raw, utc, follow] = ['raw', 'utc', 'follow'].map(values.on) as [boolean, boolean, boolean]
  const local = values.on('local') ? localQuestion(values, filtersOfView(values)).filters : []
  const isAsked = [...local, ...filtersOfView(values)].some(([, value]) => value === 'interface')
  const options = { raw, utc, follow, now: terminal.now, nodes, interfaces: isAsked }
  return createListing(terminal, values, { columns: flowColumns(options), fields: fieldNames })
}
