// `weir flows`: connections as rows, of a central or of this machine alone.

import type { Coverage } from '../../api/contract/mod.ts'
import type { Batch } from '../../wire/mod.ts'
import { cliError } from '../errors.ts'
import { checkName } from '../parse/known-name.ts'
import { flowColumns } from '../render/flow-columns.ts'
import { createListing, type Listing, listingFlags } from '../render/listing.ts'
import { span } from '../render/number.ts'
import { createProgress } from '../render/progress.ts'
import { type KnownCoverage, rowsOf } from '../render/truth.ts'
import { fieldName, fieldNames, filterFlags, filtersOf } from '../source/filter-flags.ts'
import { coverageSince, finalAnswer, followed, pages } from '../source/flow-pages.ts'
import {
  createWatch,
  endAfter,
  localAgent,
  localFlag,
  localIntervals,
  refuse,
} from '../source/local.ts'
import { ordered } from '../source/order.ts'
import { rangeFlags, rangeOf } from '../source/range.ts'
import { createRecentRows } from '../source/recent-rows.ts'
import { createServer, serverFlag } from '../source/server.ts'
import { type Command, note, type Terminal, type Values } from './command.ts'

const explain = 'weir ledger'
const explainLocal = 'weir doctor'
/** What `--local` watches when nothing is said: long enough to see the connections that come and go. */
const localSpanMs = 2000
const unknown: Coverage = { share: null, watched: 0, lost: {}, gaps: [] }

export const flowsCommand: Command = {
  name: 'flows',
  summary: 'Lists connections: who talks to whom, how much, and how it ended.',
  description:
    'A row is one interval of one connection. SENT and RECEIVED are totals since the connection opened (like ss). For bytes per interval use --output json: fields bytes, reverse_bytes.',
  flags: [
    { name: 'follow', short: 'f', kind: 'switch', help: 'Goes on with new rows until Ctrl-C.' },
    {
      name: 'limit',
      short: 'n',
      kind: 'number',
      min: 1,
      max: 1_000_000,
      default: '100',
      help: 'Rows at most.',
    },
    {
      name: 'order',
      kind: 'text',
      metavar: '[-]FIELD',
      default: '-time',
      help: 'Field to sort by; - before it: largest first.',
    },
    ...rangeFlags,
    serverFlag,
    localFlag,
    ...listingFlags,
    ...filterFlags,
  ],
  examples: [
    {
      command: 'weir flows --local',
      what: 'connections of this machine in the last 2 s, ended ones too',
    },
    { command: 'weir flows -f', what: 'every connection as it is reported' },
    { command: 'weir flows --dst-port 443 --process curl', what: 'what curl does over HTTPS' },
    {
      command: 'weir flows --for 1h --end-reason refused -o json',
      what: 'refused connects of the last hour, for a program',
    },
  ],
  run: (values, terminal) => {
    if (values.on('follow')) refuseWithFollow(values)
    if (values.on('local')) {
      return values.on('follow') ? followLocal(values, terminal) : listLocal(values, terminal)
    }
    return values.on('follow') ? follow(values, terminal) : list(values, terminal)
  },
}

/** What comes has no end to look back from, and no order but that of time. */
function refuseWithFollow(values: Values): void {
  refuse('flows', values, ['from', 'to', 'order'], '--follow')
  if (values.text('output') !== 'json') return
  // One JSON value cannot be told before its end.
  const details = { command: 'flows', name: '--output', value: 'json' }
  throw cliError('bad_value', { details: { ...details, expected: 'ndjson with --follow' } })
}

async function list(values: Values, terminal: Terminal): Promise<number> {
  const server = createServer(values, terminal)
  const range = rangeOf('flows', values, terminal.now())
  const typed = values.text('order') ?? ''
  checkName({ flag: '--order', what: 'field', typed }, fieldNames)
  const limit = values.number('limit') ?? 0
  const listing = listingOf(values, terminal, true)
  const order = ['order', fieldName(typed)] as const
  const question = [...range.question, order, ...filtersOf('flows', values)]
  let length = 0
  let more = false
  let coverage = unknown
  for await (const page of pages(server, question, limit)) {
    await listing.add(page.rows)
    length += page.rows.length
    more = page.more
    coverage = page.coverage
  }
  const { text, fromMs, toMs } = range
  const truth = { what: rowsOf(length, more), range: text, seconds: (toMs - fromMs) / 1000 }
  listing.end({ ...truth, coverage, explain }, { next: null })
  return 0
}

async function follow(values: Values, terminal: Terminal): Promise<number> {
  const ended = endOf(values, terminal)
  const server = createServer(values, terminal, ended)
  const filters = filtersOf('flows', values)
  const listing = listingOf(values, terminal, true)
  const startedMs = terminal.now()
  const limit = followLimit(values)
  let length = 0
  let coverage = unknown
  try {
    for await (const page of followed(server, filters, ended)) {
      const rows = page.rows.slice(0, limit - length)
      await listing.add(rows)
      length += rows.length
      coverage = page.coverage
      if (length >= limit) break
    }
  } catch (error) {
    if (!ended.aborted) throw error
  }
  const whole = await coverageSince(createServer(values, terminal, finalAnswer()), startedMs)
  const range = watchedRange(startedMs, terminal)
  const what = rowsOf(length, length >= limit)
  listing.end({ what, range, coverage: whole ?? coverage, explain }, { next: null })
  return 0
}

/** What this machine did in the last --for, 2 s when nothing is said, ended connections among it. */
async function listLocal(values: Values, terminal: Terminal): Promise<number> {
  refuse('flows', values, ['server', 'from', 'to'], '--local')
  const spanMs = values.durationMs('for') ?? localSpanMs
  const people = values.text('output') === 'table'
  const sorted = ordered(fieldName(values.text('order') ?? ''), fieldNames)
  const filters = filtersOf('flows', values)
  const recent = createRecentRows({ limit: values.number('limit') ?? 0, sorted, newest: people })
  const open = await localAgent()
  const bar = createProgress(terminal, spanMs)
  const watch = createWatch(terminal, spanMs)
  let coverage: KnownCoverage = unknown
  let watchedMs = 0
  for await (const interval of localIntervals({ filters }, watch.ended, open)) {
    watch.begin()
    recent.add(interval.rows)
    ;({ coverage, watchedMs } = interval)
    bar.show()
  }
  bar.clear()
  const listing = listingOf(values, terminal, false)
  await listing.add(recent.rows())
  const what = rowsOf(recent.rows().length, recent.more())
  const range = `last ${span(Math.max(1, Math.round(watchedMs / 1000)))}`
  listing.end({ what, range, coverage, explain: explainLocal }, { next: null })
  if (people && recent.rows().length === 0) note(terminal, quietHint)
  return 0
}

const quietHint = 'No connection in this time. To go on watching: weir flows --local -f'

/** What lives at the start, then what changes, until --for, --limit or Ctrl-C. */
async function followLocal(values: Values, terminal: Terminal): Promise<number> {
  refuse('flows', values, ['server'], '--local')
  const filters = filtersOf('flows', values)
  const listing = listingOf(values, terminal, false)
  const limit = followLimit(values)
  const open = await localAgent()
  const startedMs = terminal.now()
  let length = 0
  let coverage: KnownCoverage = unknown
  const isPlain = values.text('output') === 'ndjson' // from columns: no row has to be an object
  for await (const interval of localIntervals({ filters }, endOf(values, terminal), open)) {
    const shown = Math.min(interval.length, limit - length)
    if (isPlain) await addBatches(listing, interval.batches, shown)
    else await listing.add(interval.rows.slice(0, shown))
    length += shown
    coverage = interval.coverage
    if (length >= limit) break
  }
  const range = watchedRange(startedMs, terminal)
  const what = rowsOf(length, length >= limit)
  listing.end({ what, range, coverage, explain: explainLocal }, { next: null })
  return 0
}

/** Ctrl-C, or the end of --for. */
function endOf(values: Values, terminal: Terminal): AbortSignal {
  const spanMs = values.durationMs('for')
  return spanMs === undefined ? terminal.interrupted() : endAfter(terminal, spanMs)
}

function followLimit(values: Values): number {
  return values.given.includes('limit') ? (values.number('limit') ?? 0) : Number.POSITIVE_INFINITY
}

function watchedRange(startedMs: number, terminal: Terminal): string {
  return `last ${span(Math.max(1, Math.ceil((terminal.now() - startedMs) / 1000)))}`
}

async function addBatches(
  listing: Listing,
  batches: readonly Batch[],
  rows: number,
): Promise<void> {
  let left = rows
  for (const batch of batches) {
    await listing.addBatch(batch, left)
    left -= Math.min(left, batch.length)
  }
}

function listingOf(values: Values, terminal: Terminal, nodes: boolean): Listing {
  const [raw, utc, follow] = ['raw', 'utc', 'follow'].map(values.on) as [boolean, boolean, boolean]
  const options = { raw, utc, follow, now: terminal.now, nodes }
  return createListing(terminal, values, { columns: flowColumns(options), fields: fieldNames })
}
