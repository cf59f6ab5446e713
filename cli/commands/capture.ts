// `weir capture`: frames of an interface into a file that Wireshark opens.

import { eventTable, parseFilter } from '../../wire/mod.ts'
import { cliError } from '../errors.ts'
import { filterOperand } from '../source/filter-flags.ts'
import { endAfter } from '../source/local.ts'
import { type Command, note, type Terminal, type Values } from './command.ts'
import { placeFlags, targetOf } from './xdp-shared.ts'

const progressMs = 200

export const captureCommand: Command = {
  name: 'capture',
  summary: 'Writes what an interface sends and receives to a pcapng file.',
  description:
    'Times in nanoseconds, both directions, the process and the label of a frame as its comment: the process that has the socket when the frame is read, the label of the rule of weir xdp on this interface. Takes CAP_NET_RAW; rules and processes of others take root. A frame that is sent is captured before segmentation offload cuts it, as tcpdump does.',
  operands: [
    {
      ...filterOperand,
      help: "Only frames for which this holds, in fields of a packet: dst_port = 443 and protocol = 'tcp'.",
    },
  ],
  flags: [
    ...placeFlags,
    {
      name: 'write',
      short: 'w',
      kind: 'text',
      metavar: 'FILE',
      help: 'The file, which is replaced; - is standard output.',
    },
    {
      name: 'count',
      short: 'c',
      kind: 'number',
      min: 1,
      metavar: 'N',
      help: 'Ends after N frames.',
    },
    { name: 'duration', kind: 'duration', metavar: 'TIME', help: 'Ends after TIME.' },
    {
      name: 'snaplen',
      short: 's',
      kind: 'number',
      max: 262_144,
      default: '0',
      metavar: 'BYTES',
      help: 'Octets of each frame; 0 = all of it.',
    },
  ],
  examples: [
    { command: 'weir capture -i eth0 -w trace.pcapng', what: 'until Ctrl-C' },
    {
      command: "weir capture 'dst_port = 53' -i eth0 -w dns.pcapng -c 100 --snaplen 256",
      what: 'the first 100 questions',
    },
  ],
  run,
}

async function run(values: Values, terminal: Terminal): Promise<number> {
  const file = values.text('write')
  if (file === undefined) {
    const hint = 'name one: -w trace.pcapng'
    throw cliError('bad_flag', { details: { name: '--write', reason: 'is missing', hint } })
  }
  const target = targetOf(values)
  const text = values.operands('FILTER').join(' ')
  const nowNs = BigInt(terminal.now()) * 1_000_000n
  const filter = text === '' ? undefined : parseFilter(text, { table: eventTable, nowNs })
  const { captureLive } = await import('../../agent/mod.ts')
  const forMs = values.durationMs('duration')
  const countMax = values.number('count')
  const progress = createProgress(terminal)
  const { captured, filtered, dropped } = await captureLive({
    target,
    file,
    snap: values.number('snaplen') ?? 0,
    ended: forMs === undefined ? terminal.interrupted() : endAfter(terminal, forMs),
    onOpen: () => note(terminal, `Capturing on ${target.interface} (Ctrl+C to stop)`),
    onProgress: progress.show,
    ...(filter && { filter }),
    ...(countMax !== undefined && { countMax }),
  })
  progress.clear()
  const left = filter ? `, ${filtered} left out by the filter` : ''
  note(terminal, `${captured} frames captured, ${dropped} dropped by the kernel${left}`)
  return 0
}

/** One line that is written over, on a screen alone. */
function createProgress(terminal: Terminal) {
  let shownMs = 0
  return {
    show: ({ captured, dropped }: { readonly captured: number; readonly dropped: number }) => {
      if (!terminal.progress || terminal.now() - shownMs < progressMs) return
      shownMs = terminal.now()
      terminal.err.write(`\r\x1b[2K${captured} frames captured, ${dropped} dropped`)
    },
    clear: () => {
      if (terminal.progress) terminal.err.write('\r\x1b[2K')
    },
  }
}
