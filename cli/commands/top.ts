// `weir top`: who moves the most, grouped by any fields.

import { flowMetrics, flowTable, groupNames } from '../../wire/mod.ts'
import { localInterfaceFlags } from '../parse/interfaces.ts'
import { checkName } from '../parse/known-name.ts'
import { createListing, listingFlags } from '../render/listing.ts'
import { count, span } from '../render/number.ts'
import { createProgress } from '../render/progress.ts'
import { restRow, topColumns } from '../render/top-columns.ts'
import { endsOf, fieldName, filterFlags, filterOperand, filtersOf } from '../source/filter-flags.ts'
import {
  createWatch,
  type Interval,
  localAgent,
  localFlag,
  localIntervals,
  localQuestion,
  refuse,
} from '../source/local.ts'
import { createLocalRows } from '../source/local-rows.ts'
import { createLocalTop } from '../source/local-top.ts'
import { isAboutInterfaces, noteBlind, noteNodes } from '../source/node-notes.ts'
import { rangeFlags, rangeOf } from '../source/range.ts'
import { createServer, serverFlag } from '../source/server.ts'
import { askTop, type TopQuestion, type TopResult } from '../source/top-answer.ts'
import { type RowsName, readRows, rowsNames } from '../source/top-rows.ts'
import { type LocalFeed, localFeed, serverFeed } from '../top/feed.ts'
import { runLive } from '../top/live.ts'
import { type Command, note, type Screen, type Terminal, type Values } from './command.ts'
import { refuseWithoutLocal } from './flows.ts'

const standardSpanMs = 5000
const groups = groupNames(flowTable)
const metricNames = flowMetrics.map((metric) => metric.name)

export const topCommand: Command = {
  name: 'top',
  summary: 'Ranks who moves the most bytes, by process, port, address or any other field.',
  description:
    'On a terminal a live screen: 1 to 5 choose what a row is, s sorts, / filters, Enter opens the connections of a row, q quits. --for is then the time that rates are of. A group is all rows with the same values in the fields of --by. SENT is from initiator to responder.',
  operands: [filterOperand],
  flags: [
    {
      name: 'by',
      kind: 'text',
      metavar: 'FIELD',
      repeatable: true,
      help: 'Field to group by, repeatable or with commas. [default src_process, dst_process, dst_port]',
    },
    {
      name: 'rows',
      kind: 'choice',
      choices: [...rowsNames],
      help: 'What a row is: processes and units over both roles, edges, responder ports, or far ends. Instead of --by.',
    },
    {
      name: 'once',
      kind: 'switch',
      help: 'One table, not the live screen; so is everything that is not a terminal, or has --from, --to or --output.',
    },
    {
      name: 'limit',
      short: 'n',
      kind: 'number',
      min: 1,
      max: 10_000,
      default: '10',
      help: 'Groups at most.',
    },
    {
      name: 'order',
      kind: 'text',
      metavar: '[-]METRIC',
      default: '-total',
      help: 'Metric to sort by; - before it: largest first.',
    },
    {
      name: 'fold',
      kind: 'choice',
      choices: ['ports', 'none'],
      default: 'ports',
      help: 'ports: responder ports from 32768 on that one connection each used stand as one group, :*. none: each is a group.',
    },
    ...rangeFlags,
    serverFlag,
    localFlag,
    ...localInterfaceFlags,
    ...listingFlags,
    ...filterFlags,
  ],
  examples: [
    { command: 'weir top', what: 'the live screen; q quits' },
    {
      command: 'weir top --once --rows processes',
      what: 'processes by what they sent and received',
    },
    { command: 'weir top --view interface --by interface', what: 'what each interface carried' },
    { command: 'weir top --for 1m', what: 'the busiest pairs of the last minute' },
    { command: 'weir top --local --for 5s', what: 'the busiest of this machine, without a server' },
    { command: 'weir top --by dst_process --order -failed', what: 'servers that connects fail to' },
  ],
  run,
}

async function run(values: Values, terminal: Terminal): Promise<number> {
  const screen = screenFor(values, terminal)
  if (values.on('local'))
    return screen ? liveLocal(values, terminal, screen) : runLocal(values, terminal)
  refuseWithoutLocal('top', values)
  if (screen) return live(values, terminal, screen)
  const range = rangeOf('top', values, terminal.now())
  const question = questionOf(values)
  const server = createServer(values, terminal)
  const read = (asked: TopQuestion) => askTop(server, range, asked)
  const rows = rowsFlag(values)
  const result = rows ? await readRows(rows, question, read) : await read(question)
  await showTop(result, range.text, values, terminal)
  if (result.rows.length === 0 && isAboutInterfaces(question.filters)) {
    await noteBlind(server, range.question, terminal, 'flow')
  }
  await noteNodes(server, terminal)
  return 0
}

/** The screen to draw on; undefined when a table is wanted, or nobody looks. */
function screenFor(values: Values, { screen }: Terminal): Screen | undefined {
  const once = ['once', 'from', 'to', 'limit', 'output'].some((name) => values.given.includes(name))
  return once || values.text('output') !== 'table' ? undefined : screen
}

function rowsFlag(values: Values): RowsName | undefined {
  const rows = values.text('rows') as RowsName | undefined
  if (rows !== undefined) refuse('top', values, ['by'], '--rows')
  return rows
}

const liveSpanMs = 15_000
const liveLocalSpanMs = 5000

async function live(values: Values, terminal: Terminal, screen: Screen): Promise<number> {
  const ended = terminal.interrupted()
  const server = createServer(values, terminal, ended)
  const question = questionOf(values)
  const feed = await serverFeed(server, values.durationMs('for') ?? liveSpanMs)
  await runLive(
    {
      ...liveConfig(values, terminal, screen),
      feed,
      question,
      nodes: true,
      explain: 'weir ledger',
    },
    ended,
  )
  return 0
}

/** Flags filter in the source; what is typed after / filters what was seen. */
async function liveLocal(values: Values, terminal: Terminal, screen: Screen): Promise<number> {
  refuse('top', values, ['server'], '--local')
  const over = new AbortController()
  const ended = AbortSignal.any([terminal.interrupted(), over.signal])
  const question = questionOf(values)
  const feed = localFeed(values.durationMs('for') ?? liveLocalSpanMs)
  const { interfaces, filters } = localQuestion(values, question.filters)
  const view = filters.filter(([name]) => name === 'view')
  const watched = { filters: view, ...(interfaces ? { interfaces } : {}) }
  const intervals = localIntervals(watched, ended, await localAgent())
  const first = await intervals.next()
  if (first.done) return 0
  feed.add(first.value)
  const config = { ...liveConfig(values, terminal, screen), feed, question }
  const watching = watchInto(intervals, feed)
  try {
    // An agent that ends ends the screen, and says why.
    const shown = runLive({ ...config, nodes: false, explain: 'weir doctor' }, ended)
    await Promise.race([shown, watching.then(() => over.abort())])
    await shown
  } finally {
    over.abort()
    await watching
  }
  return 0
}

async function watchInto(intervals: AsyncGenerator<Interval>, feed: LocalFeed): Promise<void> {
  for await (const interval of intervals) feed.add(interval)
}

function liveConfig(values: Values, terminal: Terminal, screen: Screen) {
  const rows = rowsFlag(values) ?? (values.given.includes('by') ? undefined : 'processes')
  return { terminal, screen, rows, raw: values.on('raw'), utc: values.on('utc') }
}

/** Watches for --for, 5 s when not given, then ranks what it saw. */
async function runLocal(values: Values, terminal: Terminal): Promise<number> {
  refuse('top', values, ['server', 'from', 'to'], '--local')
  const spanMs = values.durationMs('for') ?? standardSpanMs
  const question = questionOf(values)
  const rows = rowsFlag(values)
  const top = rows ? await createLocalRows(rows, question) : createLocalTop(question)
  const open = await localAgent()
  const bar = createProgress(terminal, spanMs)
  const watch = createWatch(terminal, spanMs)
  const watched = localQuestion(values, question.filters)
  for await (const interval of localIntervals(watched, watch.ended, open)) {
    watch.begin()
    top.add(interval)
    bar.show()
  }
  bar.clear()
  const result = await top.result()
  const range = `last ${span(Math.max(1, Math.round(result.seconds)))}`
  await showTop(result, range, values, terminal)
  return 0
}

function questionOf(values: Values): TopQuestion {
  const typed = values.list('by').flatMap((text) => text.split(','))
  for (const text of typed) checkName({ flag: '--by', what: 'field', typed: text }, groups)
  const by = typed.length > 0 ? typed.map(fieldName) : ['src_process', 'dst_process', 'dst_port']
  const order = values.text('order') ?? ''
  checkName({ flag: '--order', what: 'metric', typed: order }, [
    ...metricNames,
    ...by.flatMap(endsOf),
  ])
  return {
    by,
    order: fieldName(order),
    limit: values.number('limit') ?? 0,
    filters: filtersOf('top', values, flowTable, values.on('local') ? ['interface'] : []),
    fold: values.text('fold') === 'ports',
  }
}

async function showTop(
  result: TopResult,
  range: string,
  values: Values,
  terminal: Terminal,
): Promise<void> {
  const people = values.text('output') === 'table'
  const folds = result.by.includes('dst_port') ? ['folded_ports'] : []
  const fields = [...result.by, ...metricNames, ...folds]
  const listing = createListing(terminal, values, {
    columns: topColumns(result, values.on('raw')),
    fields,
  })
  const rest = people ? restRow(result) : undefined
  await listing.add(rest ? [...result.rows, rest] : result.rows)
  const groups = Number(result.totals['groups'])
  const what = `${count(result.rows.length)} of ${count(groups)} ${groups === 1 ? 'group' : 'groups'}`
  const { coverage, totals, rangeSeconds } = result
  const seconds = rangeSeconds === undefined ? {} : { seconds: rangeSeconds }
  const truth = { what, range, coverage, explain: 'weir ledger', ...seconds }
  listing.end(truth, { next: null, totals })
  const folded = Number(totals['folded_ports'] ?? 0)
  if (people && folded > 0) note(terminal, foldHint(folded))
}

function foldHint(ports: number): string {
  return `:* are ${count(ports)} ephemeral ports, one connection each; --fold none lists them`
}
