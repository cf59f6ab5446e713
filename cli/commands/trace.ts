// `weir trace`: who sends to an interface, as xguard shows it: packet by packet, or sources with their hits.

import { setTimeout as pause } from 'node:timers/promises'
import { cliError } from '../errors.ts'
import { hitLine, kernelTraceLine } from '../render/packet-lines.ts'
import { type Looking, lookAt, printPackets } from '../source/packets.ts'
import { type Command, note, type Terminal, type Values } from './command.ts'
import { onlyProtocolOf, protocolFlags, protocolNumbers } from './packet-flags.ts'
import { placeFlags } from './xdp-shared.ts'

const periodMs = 1000

export const traceCommand: Command = {
  name: 'trace',
  summary: 'Shows who sends to an interface: packet by packet, or the hits of each source.',
  description:
    'The kernel leaves out other protocols. Ctrl-C, SIGTERM, a crash and kill -9 leave nothing attached. In a kernel trace the task is the one that the CPU had when the packet came, not the one that gets it. Up to 1,048,576 sources are counted; packets of others are counted together. weir top shows more.',
  flags: [
    ...placeFlags,
    {
      name: 'kernel-trace',
      kind: 'switch',
      help: "A line for each packet, as the kernel's trace.",
    },
    {
      name: 'userspace-trace',
      kind: 'switch',
      help: 'Every second all sources with their packets since the begin.',
    },
    ...protocolFlags,
    { name: 'for', kind: 'duration', metavar: 'TIME', help: 'Ends after TIME.' },
  ],
  examples: [
    { command: 'weir trace --interface eth0 --userspace-trace --icmp', what: 'who pings' },
    { command: 'weir trace --interface eth0 --kernel-trace', what: 'each packet' },
  ],
  run,
}

async function run(values: Values, terminal: Terminal): Promise<number> {
  assertOneMode(values)
  const protocol = onlyProtocolOf(values)
  const protocols = protocol === undefined ? [] : protocolNumbers[protocol]
  const looking = await lookAt(values, terminal)
  try {
    if (values.on('kernel-trace')) await traceKernel(looking, { protocols, terminal })
    else await traceSources(looking, { protocols, terminal })
  } finally {
    await looking.stop()
  }
  return 0
}

function assertOneMode(values: Values): void {
  const [kernel, user] = [values.on('kernel-trace'), values.on('userspace-trace')]
  if (kernel !== user) return
  const details = {
    name: '--kernel-trace',
    reason: kernel
      ? 'does not go together with --userspace-trace'
      : 'or --userspace-trace is missing',
    hint: 'name one of the two',
  }
  throw cliError('bad_flag', { details })
}

interface Trace {
  readonly protocols: readonly number[]
  readonly terminal: Terminal
}

async function traceKernel(looking: Looking, { protocols, terminal }: Trace) {
  const { kernel, maps, interface: name, ended } = looking
  const wish = { want: 'all', every: 1, snap: 0, protocols, tasks: true } as const
  const reader = kernel.openReader(maps, name, wish)
  note(terminal, `Tracing ${name} (Ctrl+C to stop)`)
  try {
    await printPackets(terminal, reader, { line: kernelTraceLine, ended })
  } finally {
    reader.close()
  }
}

/** Sources in the order of their addresses, so that a line keeps its place. */
async function traceSources(looking: Looking, { protocols, terminal }: Trace) {
  const { kernel, maps, interface: name, ended } = looking
  const full = () => kernel.readXdpCounters(maps.counters)['hits_full'] ?? 0
  const fullBefore = full()
  let [others, shown] = [0, 0]
  const reader = kernel.openHits(maps, name, protocols)
  note(terminal, `Tracing ${name} (Ctrl+C to stop)`)
  try {
    while (!ended.aborted) {
      await pause(periodMs, undefined, { signal: ended }).catch(() => {})
      const hits = reader.read().toSorted((one, other) => {
        return Buffer.compare(one.source, other.source) || one.protocol - other.protocol
      })
      const lines = hits.map(hitLine).filter((line) => line !== undefined)
      if (lines.length > 0) terminal.out.write(`${lines.join('\n')}\n`)
      others = full() - fullBefore
      if (others > shown) note(terminal, `and ${others} packets of sources that found no room`)
      shown = others
    }
  } finally {
    reader.close()
  }
}
