// `weir events`: what happened, one by one: connects and their ends, drops, retransmits, resets.

import { type EventKind, eventKinds, eventTable } from '../../wire/mod.ts'
import { eventColumns } from '../render/event-columns.ts'
import { createListing, listingFlags } from '../render/listing.ts'
import { fieldNamesOf, filterFlagsOf, filterOperand } from '../source/filter-flags.ts'
import { rangeFlags } from '../source/range.ts'
import { type Question, serverFlag } from '../source/server.ts'
import { type Command, note, type Terminal, type Values } from './command.ts'
import { refuseWithFollow } from './flows.ts'
import { follow, type ListedRows, list } from './flows-server.ts'

const rows: ListedRows = {
  command: 'events',
  path: '/api/events',
  table: eventTable,
  listing: listingOf,
  seenBy: probeOfKinds,
}

/** The probe without which there would be no row of any kind that is asked for. */
function probeOfKinds(filters: Question): 'drop' | 'xdp' | undefined {
  const asked = filters.filter(([name]) => name === 'kind').map(([, kind]) => kind)
  const kinds: readonly EventKind[] = eventKinds
  const probes = kinds.filter(({ name }) => asked.includes(name)).flatMap((kind) => kind.probes)
  if (probes.includes('socket')) return undefined
  return (['drop', 'xdp'] as const).find((probe) => probes.includes(probe))
}

export const eventsCommand: Command = {
  name: 'events',
  summary: 'Lists what happened: connects and their ends, drops, retransmits, resets.',
  description: eventKinds.map(({ name, help }) => `${name}: ${help}`).join(' '),
  operands: [
    {
      ...filterOperand,
      help: 'Only events for which this holds: kind = drop and dst_port = 5432. In quotes: a shell would take > for itself.',
    },
  ],
  flags: [
    { name: 'follow', short: 'f', kind: 'switch', help: 'Goes on with new events until Ctrl-C.' },
    {
      name: 'limit',
      short: 'n',
      kind: 'number',
      min: 1,
      max: 1_000_000,
      default: '100',
      help: 'Events at most.',
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
    ...listingFlags,
    ...filterFlagsOf(eventTable),
  ],
  examples: [
    { command: 'weir events -f', what: 'everything that happens, as it is reported' },
    { command: 'weir events --kind connection --errno ECONNREFUSED', what: 'refused connects' },
    {
      command: "weir events 'kind in (drop, reset) and port = 5432'",
      what: 'a database in trouble',
    },
  ],
  run: (values, terminal) => {
    noteUnfilled(values.list('kind'), terminal)
    if (!values.on('follow')) return list(values, terminal, rows)
    refuseWithFollow(values, 'events')
    return follow(values, terminal, rows)
  },
}

/** No row and a coverage of 100 % would say that nothing happened. */
function noteUnfilled(asked: readonly string[], terminal: Terminal): void {
  const kinds: readonly EventKind[] = eventKinds
  const unfilled = kinds.filter(({ name, unfilled }) => unfilled && asked.includes(name))
  for (const { name } of unfilled) note(terminal, `no probe fills the kind ${name} yet`)
}

function listingOf(values: Values, terminal: Terminal) {
  const [raw, utc, isFollow] = ['raw', 'utc', 'follow'].map(values.on) as [
    boolean,
    boolean,
    boolean,
  ]
  const columns = eventColumns({ raw, utc, follow: isFollow, now: terminal.now })
  return createListing(terminal, values, { columns, fields: fieldNamesOf(eventTable) })
}
