// `weir flows` and `weir events` of a central: a range of its history, or what comes.

import { checkName } from '../parse/known-name.ts'
import type { Listing } from '../render/listing.ts'
import { rowsOf } from '../render/truth.ts'
import { fieldName, fieldNamesOf, filtersOf } from '../source/filter-flags.ts'
import {
  coverageSince,
  finalAnswer,
  flowRows,
  followed,
  pages,
  type RowsSource,
} from '../source/flow-pages.ts'
import { isAboutInterfaces, noteBlind, noteNodes, type SeeingProbe } from '../source/node-notes.ts'
import { rangeOf, secondsOf } from '../source/range.ts'
import { createServer, type Question } from '../source/server.ts'
import type { Terminal, Values } from './command.ts'

import {
  endOf,
  followLimit,
  listingOf,
  openQuestion,
  unknown,
  watchedRange,
} from './flows-shared.ts'

const explain = 'weir ledger'

/** The rows of a command that lists them. */
export interface ListedRows extends RowsSource {
  readonly command: string
  readonly listing: (values: Values, terminal: Terminal) => Listing
  /** What the question has beside range, order and filters, and what it can be ordered by beside fields. */
  readonly more?: (values: Values) => { readonly question: Question; readonly range?: string }
  readonly orders?: readonly string[]
  /** Without which probe an empty list says nothing. */
  readonly seenBy?: (filters: Question) => SeeingProbe | undefined
}

const flows: ListedRows = {
  ...flowRows,
  command: 'flows',
  listing: (values, terminal) => listingOf(values, terminal, true),
  more: openQuestion,
  orders: ['age'],
  seenBy: (filters) => (isAboutInterfaces(filters) ? 'flow' : undefined),
}

export async function list(
  values: Values,
  terminal: Terminal,
  rows: ListedRows = flows,
): Promise<number> {
  const range = rangeOf(rows.command, values, terminal.now())
  const typed = values.text('order') ?? ''
  checkName({ flag: '--order', what: 'field', typed }, [
    ...fieldNamesOf(rows.table),
    ...(rows.orders ?? []),
  ])
  const limit = values.number('limit') ?? 0
  const filters = filtersOf(rows.command, values, rows.table)
  const server = createServer(values, terminal)
  const listing = rows.listing(values, terminal)
  const order = ['order', fieldName(typed)] as const
  const more = rows.more?.(values)
  const question = [...range.question, order, ...filters, ...(more?.question ?? [])]
  let length = 0
  let isMore = false
  let coverage = unknown
  for await (const page of pages(server, question, limit, rows)) {
    await listing.add(page.rows)
    length += page.rows.length
    isMore = page.more
    coverage = page.coverage
  }
  const truth = {
    what: rowsOf(length, isMore),
    range: more?.range ?? range.text,
    // What is open now is about the last minutes alone, not about the range.
    ...(more?.range === undefined ? { seconds: secondsOf(range) } : {}),
  }
  listing.end({ ...truth, coverage, explain }, { next: null })
  const probe = length === 0 ? rows.seenBy?.(filters) : undefined
  if (probe) await noteBlind(server, range.question, terminal, probe)
  await noteNodes(server, terminal)
  return 0
}

export async function follow(
  values: Values,
  terminal: Terminal,
  source: ListedRows = flows,
): Promise<number> {
  const ended = endOf(values, terminal)
  const filters = filtersOf(source.command, values, source.table)
  const server = createServer(values, terminal, ended)
  const listing = source.listing(values, terminal)
  const startedMs = terminal.now()
  const limit = followLimit(values)
  let length = 0
  let coverage = unknown
  try {
    for await (const page of followed(server, filters, ended, source)) {
      const rows = page.rows.slice(0, limit - length)
      await listing.add(rows)
      length += rows.length
      coverage = page.coverage
      if (length >= limit) break
    }
  } catch (error) {
    if (!ended.aborted) throw error
  }
  const whole = await coverageSince(server.until(finalAnswer()), startedMs, source)
  const range = watchedRange(startedMs, terminal)
  const what = rowsOf(length, length >= limit)
  listing.end({ what, range, coverage: whole ?? coverage, explain }, { next: null })
  return 0
}
