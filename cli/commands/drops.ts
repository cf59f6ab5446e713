// `weir drops`: what the kernel threw away, by reason, place and ends, the most first.

import type { EventGroupsAnswer } from '../../api/contract/mod.ts'
import { dropReasons, eventTable, groupNames, type Row } from '../../wire/mod.ts'
import { checkName } from '../parse/known-name.ts'
import { dropColumns } from '../render/drop-columns.ts'
import { createListing, listingFlags } from '../render/listing.ts'
import { count } from '../render/number.ts'
import { fieldName, filterFlagsOf, filterOperand, filtersOf } from '../source/filter-flags.ts'
import { noteBlind, noteNodes } from '../source/node-notes.ts'
import { rangeFlags, rangeOf } from '../source/range.ts'
import { createServer, type Question, serverFlag } from '../source/server.ts'
import { type Command, note, type Terminal, type Values } from './command.ts'

const standard = ['reason', 'location', 'src_address', 'dst_address', 'dst_port', 'protocol']
const sums = ['events', 'count', 'bytes', 'first', 'last']
/** Fields that mean sums here, or are fixed. */
const own = ['kind', 'count', 'bytes']
const names = groupNames(eventTable)

export const dropsCommand: Command = {
  name: 'drops',
  summary: 'Shows packets that the kernel dropped: how many, why, where, between whom.',
  description:
    'Packets of the same reason, place in the kernel and ends are one line. Before Linux 5.17 the kernel gives no reason: unknown.',
  operands: [
    {
      ...filterOperand,
      help: 'Only drops for which this holds: dst_port = 5432 and not reason = NO_SOCKET. In quotes: a shell would take > for itself.',
    },
  ],
  flags: [
    {
      name: 'by',
      kind: 'text',
      metavar: 'FIELD',
      repeatable: true,
      help: `Field to group by, repeatable or with commas. [default ${standard.join(', ')}]`,
    },
    {
      name: 'limit',
      short: 'n',
      kind: 'number',
      min: 1,
      max: 10_000,
      default: '20',
      help: 'Lines at most.',
    },
    {
      name: 'order',
      kind: 'choice',
      choices: ['-count', '-last', '-bytes', 'count', 'last', 'bytes'],
      default: '-count',
      help: 'What lines are sorted by; - before it: largest first.',
    },
    ...rangeFlags,
    serverFlag,
    ...listingFlags,
    ...filterFlagsOf(eventTable, own),
  ],
  examples: [
    { command: 'weir drops --for 5m', what: 'what was dropped in the last five minutes, and why' },
    { command: 'weir drops --by reason --for 1h', what: 'reasons alone' },
    { command: 'weir events --kind drop -f', what: 'drops one by one, as they are reported' },
  ],
  run,
}

async function run(values: Values, terminal: Terminal): Promise<number> {
  const range = rangeOf('drops', values, terminal.now())
  const by = fieldsToGroup(values)
  const server = createServer(values, terminal)
  const question: Question = [
    ...range.question,
    ...filtersOf('drops', values, eventTable, own),
    ['kind', 'drop'],
    ...by.map((name): [string, string] => ['by', name]),
    ['order', values.text('order') ?? ''],
    ['limit', values.text('limit') ?? ''],
  ]
  const answer = await server.ask<EventGroupsAnswer>('/api/events/top', question)
  const { rows, totals, coverage } = answer
  const fields = [...Object.keys(rows[0] ?? {}).filter((name) => !sums.includes(name)), ...sums]
  const [raw, utc] = [values.on('raw'), values.on('utc')]
  const columns = dropColumns(by, { raw, utc, now: terminal.now })
  const listing = createListing(terminal, values, { columns, fields })
  await listing.add(rows as readonly Row[])
  const seconds = (range.toMs - range.fromMs) / 1000
  const what = `${count(totals.count)} ${totals.count === 1 ? 'packet' : 'packets'} dropped`
  listing.end(
    { what, range: range.text, seconds, coverage, explain: 'weir ledger' },
    { next: null, totals },
  )
  if (values.text('output') === 'table' && rows.length < totals.groups) {
    note(terminal, `${count(rows.length)} of ${count(totals.groups)} lines; --limit shows more`)
  }
  if (values.text('output') === 'table') noteReason(rows[0], terminal)
  if (totals.count === 0) await noteBlind(server, range.question, terminal, 'drop')
  await noteNodes(server, terminal)
  return 0
}

/** What the reason of the first line means, and what to do: in the kernel's name alone few read it. */
function noteReason(row: EventGroupsAnswer['rows'][number] | undefined, terminal: Terminal): void {
  const name = String(row?.['reason'] ?? '')
  const words = Object.hasOwn(dropReasons, name) ? dropReasons[name] : undefined
  if (!words) return
  note(terminal, `${name}: ${words.title}. ${words.meaning}`)
  for (const step of words.next) note(terminal, `  ${step}`)
}

function fieldsToGroup(values: Values): readonly string[] {
  const typed = values.list('by').flatMap((text) => text.split(','))
  for (const text of typed) checkName({ flag: '--by', what: 'field', typed: text }, names)
  return typed.length > 0 ? typed.map(fieldName) : standard
}
