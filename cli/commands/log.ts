// `weir log`: the packets that an interface receives, a line each.

import { logLine } from '../render/packet-lines.ts'
import { lookAt, printPackets } from '../source/packets.ts'
import { type Command, note, print, type Terminal, type Values } from './command.ts'
import { onlyProtocolOf, protocolFlags, protocolNumbers, sampleFlag } from './packet-flags.ts'
import { placeFlags } from './xdp-shared.ts'

/** What is waited for without --follow. */
const waitMs = 100

export const logCommand: Command = {
  name: 'log',
  summary: 'Shows the packets that an interface receives, a line of key=value each.',
  description:
    'Any number of readers up to eight may look on, the agent among them; each has all packets. Reads the program of weir xdp attach; where there is none it attaches one that goes with this command. len is the whole length of the frame; action 1 is drop, 2 pass. Without -f: what comes within 100 ms.',
  flags: [
    ...placeFlags,
    { name: 'follow', short: 'f', kind: 'switch', help: 'Goes on until Ctrl-C.' },
    {
      name: 'count',
      short: 'c',
      kind: 'number',
      min: 1,
      metavar: 'N',
      help: 'Ends after N lines.',
    },
    { name: 'for', kind: 'duration', metavar: 'TIME', help: 'Ends after TIME.' },
    {
      name: 'label-id',
      kind: 'number',
      min: 1,
      max: 0xffffffff,
      help: 'Only packets with this label.',
    },
    { name: 'dropped', kind: 'switch', help: 'Only packets that a rule drops, or would drop.' },
    ...protocolFlags,
    sampleFlag,
  ],
  examples: [
    { command: 'weir log -i eth0 -f', what: 'all that comes in' },
    { command: 'weir log -i eth0 -f --label-id 7', what: 'what the rules with label 7 take' },
  ],
  run,
}

async function run(values: Values, terminal: Terminal): Promise<number> {
  const protocol = onlyProtocolOf(values)
  const countMax = values.number('count')
  const isFollowing = values.on('follow') || countMax !== undefined
  const forMs = values.durationMs('for') ?? (isFollowing ? undefined : waitMs)
  const looking = await lookAt(values, terminal, forMs)
  const { kernel, interface: name, maps, ended } = looking
  try {
    const reader = kernel.openReader(maps, name, {
      want: values.on('dropped') ? 'dropped' : 'all',
      every: values.number('sample') ?? 1,
      snap: 0,
      protocols: protocol === undefined ? [] : protocolNumbers[protocol],
      label: values.number('label-id') ?? 0,
    })
    if (isFollowing) note(terminal, `Streaming events from ${name} (Ctrl+C to stop)`)
    try {
      const offset = kernel.bootToWallNs()
      const printed = await printPackets(terminal, reader, {
        line: (event) => logLine(event, offset),
        ended,
        ...(countMax !== undefined && { countMax }),
      })
      if (printed === 0 && !isFollowing) print(terminal, `No events available on ${name}.`)
    } finally {
      reader.close()
    }
  } finally {
    await looking.stop()
  }
  return 0
}
