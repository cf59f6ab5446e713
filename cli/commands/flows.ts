// `weir flows`: connections as rows, of a central or of this machine alone.

import type { Coverage } from '../../api/contract/mod.ts'
import { cliError } from '../errors.ts'
import { checkName } from '../parse/known-name.ts'
import { flowColumns } from '../render/flow-columns.ts'
import { createListing, type Listing, listingFlags } from '../render/listing.ts'
import { type KnownCoverage, rowsOf } from '../render/truth.ts'
import { fieldName, fieldNames, filterFlags, filtersOf } from '../source/filter-flags.ts'
import { followed, pages } from '../source/flow-pages.ts'
import { endAfter, localAgent, localFlag, localIntervals, refuse } from '../source/local.ts'
import { ordered } from '../source/order.ts'
import { rangeFlags, rangeOf } from '../source/range.ts'
import { createServer, serverFlag } from '../source/server.ts'
import type { Command, Terminal, Values } from './command.ts'

const explain = 'weir ledger'
const explainLocal = 'weir doctor'

/** One JSON value cannot be told before its end. */
const endless = cliError('bad_value', {
  details: { command: 'flows', name: '--output', value: 'json', expected: 'ndjson with --follow' },
})

export const flowsCommand: Command = {
  name: 'flows',
  summary: 'Lists connections: who talks to whom, how much, and how it ended.',
  description:
    'A row is one interval of one connection. SENT, RECEIVED are since the connection was opened, as ss shows them; increments are in the forms for programs.',
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
    { command: 'weir flows --local', what: 'what is connected on this machine now' },
    { command: 'weir flows -f', what: 'every connection as it is reported' },
    { command: 'weir flows --dst-port 443 --process curl', what: 'what curl does over HTTPS' },
    {
      command: 'weir flows --for 1h --end-reason refused -o json',
      what: 'refused connects of the last hour, for a program',
    },
  ],
  run: (values, terminal) => {
    if (values.on('follow') && values.text('output') === 'json') throw endless
    if (values.on('local')) return listLocal(values, terminal)
    return values.on('follow') ? follow(values, terminal) : list(values, terminal)
  },
}

async function list(values: Values, terminal: Terminal): Promise<number> {
  const server = createServer(values, terminal.interrupted())
  const range = rangeOf('flows', values, terminal.now())
  const typed = values.text('order') ?? ''
  checkName({ flag: '--order', what: 'field', typed }, fieldNames)
  const order = fieldName(typed)
  const limit = values.number('limit') ?? 0
  const listing = listingOf(values, terminal, true)
  const question = [...range.question, ['order', order] as const, ...filtersOf('flows', values)]
  let length = 0
  let more = false
  let coverage: Coverage = { share: null, watched: 0, lost: {}, gaps: [] }
  for await (const page of pages(server, question, limit)) {
    await listing.add(page.rows)
    length += page.rows.length
    more = page.more
    coverage = page.coverage
  }
  const what = rowsOf(length, more)
  listing.end({ what, range: range.text, coverage, explain }, { next: null })
  return 0
}

async function follow(values: Values, terminal: Terminal): Promise<number> {
  const interrupted = terminal.interrupted()
  const server = createServer(values, interrupted)
  const listing = listingOf(values, terminal, true)
  const startedMs = terminal.now()
  let length = 0
  let coverage: Coverage = { share: null, watched: 0, lost: {}, gaps: [] }
  try {
    for await (const page of followed(server, filtersOf('flows', values), interrupted)) {
      await listing.add(page.rows)
      length += page.rows.length
      coverage = page.coverage
    }
  } catch (error) {
    if (!interrupted.aborted) throw error
  }
  const range = `last ${Math.ceil((terminal.now() - startedMs) / 1000)} s`
  listing.end({ what: rowsOf(length, false), range, coverage, explain }, { next: null })
  return 0
}

/** What lives now; with --follow or --for also what comes. */
async function listLocal(values: Values, terminal: Terminal): Promise<number> {
  refuse('flows', values, ['server', 'from', 'to'], '--local')
  const span = values.durationMs('for')
  const watching = values.on('follow') || span !== undefined
  const ended = span === undefined ? terminal.interrupted() : endAfter(terminal, span)
  const startedMs = terminal.now()
  const listing = listingOf(values, terminal, false)
  const limit = values.on('follow') ? Number.POSITIVE_INFINITY : (values.number('limit') ?? 0)
  const sorted = ordered(fieldName(values.text('order') ?? ''), fieldNames)
  const filters = filtersOf('flows', values)
  const open = await localAgent()
  let length = 0
  let coverage: KnownCoverage = { share: null, lost: {}, gaps: [] }
  let more = false
  for await (const interval of localIntervals({ filters }, ended, open)) {
    const rows = interval.rows.toSorted(sorted).slice(0, limit - length)
    await listing.add(rows)
    length += rows.length
    coverage = interval.coverage
    more = rows.length < interval.rows.length
    if (!watching || more) break
  }
  const seconds = Math.max(1, Math.round((terminal.now() - startedMs) / 1000))
  const range = watching ? `last ${seconds} s` : 'now'
  listing.end(
    { what: rowsOf(length, more), range, coverage, explain: explainLocal },
    { next: null },
  )
  return 0
}

function listingOf(values: Values, terminal: Terminal, nodes: boolean): Listing {
  const [raw, utc, follow] = ['raw', 'utc', 'follow'].map(values.on) as [boolean, boolean, boolean]
  const options = { raw, utc, follow, now: terminal.now, nodes }
  return createListing(terminal, values, { columns: flowColumns(options), fields: fieldNames })
}
