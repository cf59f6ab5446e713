// `weir flows`: connections as rows, of a central or of this machine alone.

import { cliError } from '../errors.ts'
import { localInterfaceFlags } from '../parse/interfaces.ts'
import { listingFlags } from '../render/listing.ts'
import { filterFlags, filterOperand } from '../source/filter-flags.ts'
import { localFlag, refuse } from '../source/local.ts'
import { rangeFlags } from '../source/range.ts'
import { serverFlag } from '../source/server.ts'
import type { Command, Values } from './command.ts'
import { followLocal, listLocal } from './flows-local.ts'
import { follow, list } from './flows-server.ts'
import { openFlags } from './flows-shared.ts'

export const flowsCommand: Command = {
  name: 'flows',
  summary: 'Lists connections: who talks to whom, how much, and how it ended.',
  description:
    'A row is one interval of one connection. SENT and RECEIVED are totals since the connection opened (like ss). For bytes per interval use --output json: fields bytes, reverse_bytes. With --local, --interface names interfaces (names, globs, all, !NAME) whose packets are counted; their rows are those of --view interface.',
  operands: [filterOperand],
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
    ...openFlags,
    ...rangeFlags,
    serverFlag,
    localFlag,
    ...localInterfaceFlags,
    ...listingFlags,
    ...filterFlags,
  ],
  examples: [
    {
      command: 'weir flows --local',
      what: 'connections of this machine in the last 2 s, ended ones too',
    },
    {
      command: 'weir flows --local --interface eth0',
      what: 'every packet of an interface, by flow',
    },
    { command: 'weir flows --view interface', what: 'what interfaces carried, of a central' },
    { command: 'weir flows -f', what: 'every connection as it is reported' },
    { command: 'weir flows --dst-port 443 --process curl', what: 'what curl does over HTTPS' },
    { command: "weir flows 'dst_port = 5432 and rtt > 5ms'", what: 'slow answers of a database' },
    {
      command: 'weir flows --open --order -age',
      what: 'every connection that is open, the oldest first',
    },
    {
      command: 'weir flows --for 1h --end-reason refused -o json',
      what: 'refused connects of the last hour, for a program',
    },
  ],
  run: (values, terminal) => {
    if (values.on('follow')) {
      refuseWithFollow(values)
      refuse('flows', values, lives, '--follow')
    }
    if (values.on('local')) {
      refuse('flows', values, lives, '--local')
      return values.on('follow') ? followLocal(values, terminal) : listLocal(values, terminal)
    }
    refuseWithoutLocal('flows', values)
    return values.on('follow') ? follow(values, terminal) : list(values, terminal)
  },
}

/** A central is asked: what its agents watch, their flags say. */
export function refuseWithoutLocal(command: string, values: Values): void {
  refuse(command, values, ['hook', 'sample'], 'a command without --local')
}

const lives = openFlags.map(({ name }) => name)

/** What comes has no end to look back from, and no order but that of time. */
export function refuseWithFollow(values: Values, command = 'flows'): void {
  refuse(command, values, ['from', 'to', 'order'], '--follow')
  if (values.text('output') !== 'json') return
  // One JSON value cannot be written before its end.
  const details = { command, name: '--output', value: 'json' }
  throw cliError('bad_value', { details: { ...details, expected: 'ndjson with --follow' } })
}
