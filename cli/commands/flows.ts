// `weir flows`: connections as rows, of a central or of this machine alone.

import type { Coverage } from '../../api/contract/mod.ts'
import { flowColumns } from '../render/flow-columns.ts'
import { createListing, type Listing, listingFlags } from '../render/listing.ts'
import { rowsOf } from '../render/truth.ts'
import { fieldName, fieldNames, filterFlags, filtersOf } from '../source/filter-flags.ts'
import { followed, pages } from '../source/flow-pages.ts'
import { rangeFlags, rangeOf } from '../source/range.ts'
import { createServer, serverFlag } from '../source/server.ts'
import type { Command, Terminal, Values } from './command.ts'

const explain = 'weir ledger'

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
      placeholder: '[-]FIELD',
      default: '-time',
      help: 'Field to sort by; - before it: largest first.',
    },
    ...rangeFlags,
    serverFlag,
    ...listingFlags,
    ...filterFlags,
  ],
  examples: [
    { command: 'weir flows -f', what: 'every connection as it is reported' },
    { command: 'weir flows --dst-port 443 --process curl', what: 'what curl does over HTTPS' },
    {
      command: 'weir flows --for 1h --end-reason refused -o json',
      what: 'refused connects of the last hour, for a program',
    },
  ],
  run: (values, terminal) => {
    if (values.on('follow')) return follow(values, terminal)
    return list(values, terminal)
  },
}

async function list(values: Values, terminal: Terminal): Promise<number> {
  const server = createServer(values, terminal.interrupted())
  const range = rangeOf('flows', values, terminal.now())
  const order = fieldName(values.text('order') ?? '')
  const limit = values.number('limit') ?? 0
  const listing = listingOf(values, terminal, true)
  const question = [...range.question, ['order', order] as const, ...filtersOf(values)]
  let length = 0
  let more = false
  let coverage: Coverage = { share: null, lost: {}, gaps: [] }
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
  let coverage: Coverage = { share: null, lost: {}, gaps: [] }
  try {
    for await (const page of followed(server, filtersOf(values), interrupted)) {
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

function listingOf(values: Values, terminal: Terminal, nodes: boolean): Listing {
  const options = { raw: values.on('raw'), utc: values.on('utc'), now: terminal.now, nodes }
  return createListing(terminal, values, { columns: flowColumns(options), fields: fieldNames })
}
