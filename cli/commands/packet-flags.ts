// Which packets of which interfaces become events: flags of the agent, and of what reads packets by itself.

import type { AgentConfig } from '../../agent/mod.ts'
import { cliError } from '../errors.ts'
import type { Flag, Values } from './command.ts'

type XdpWatch = NonNullable<AgentConfig['xdp']>

const group = 'Packets'
const sampleMax = 1_000_000_000
const snapMax = 2048
const labelMax = 0xffffffff

export const pinRootFlag: Flag = {
  name: 'pin-root',
  short: 'p',
  kind: 'text',
  metavar: 'FOLDER',
  default: '/sys/fs/bpf/weir',
  env: 'WEIR_PIN_ROOT',
  help: 'Folder on a BPF file system where what is attached is kept.',
}

/** A protocol by the name of its flag, and what IPv6 calls it. */
export const protocolNumbers = { tcp: [6], udp: [17], icmp: [1, 58] } as const
export type ProtocolChoice = keyof typeof protocolNumbers

export const sampleFlag: Flag = {
  name: 'sample',
  kind: 'number',
  min: 1,
  max: sampleMax,
  default: '1',
  help: 'One packet in so many, at random; 1 = every packet.',
}

/** Of `weir agent` and `weir up`. */
export const packetFlags: readonly Flag[] = [
  {
    name: 'xdp',
    kind: 'text',
    metavar: 'IF[@NETNS],…',
    isList: true,
    config: 'agent.xdp.interfaces',
    expectation: (value) =>
      interfacesOf(value).every(({ name }) => isInterfaceName(name))
        ? undefined
        : 'names of interfaces, each with @PATH of its network namespace if that is another',
    help: 'Interfaces whose received packets become events, as eth0 or eth0@/run/netns/blue. What weir xdp attach left there is read; else a program goes on that ends with the agent.',
    group,
  },
  {
    name: 'netns-pid',
    short: 'n',
    kind: 'number',
    min: 1,
    metavar: 'PID',
    help: 'These interfaces are in the network namespace of this process.',
    group,
  },
  { ...pinRootFlag, config: 'agent.xdp.pin_root', group },
  {
    name: 'xdp-packets',
    kind: 'choice',
    choices: ['all', 'labelled', 'dropped'],
    default: 'all',
    config: 'agent.xdp.packets',
    help: 'Which packets: all, those to which a rule gives a label, or those that a rule drops.',
    group,
  },
  {
    name: 'xdp-protocol',
    kind: 'choice',
    choices: Object.keys(protocolNumbers),
    config: 'agent.xdp.protocol',
    help: 'Only packets of this protocol.',
    group,
  },
  {
    name: 'xdp-label',
    kind: 'number',
    min: 1,
    max: labelMax,
    config: 'agent.xdp.label',
    help: 'Only packets with this label.',
    group,
  },
  { ...sampleFlag, name: 'xdp-sample', config: 'agent.xdp.sample', group },
  {
    name: 'xdp-snaplen',
    kind: 'number',
    max: snapMax,
    default: '0',
    metavar: 'BYTES',
    config: 'agent.xdp.snaplen',
    help: 'Octets of each packet that its event keeps, from the Ethernet header on; 0 = none.',
    group,
  },
]

/** Of `weir agent` alone: its own output is there to be read. */
export const echoFlag: Flag = {
  name: 'xdp-echo',
  kind: 'switch',
  help: 'Prints each of these packets, as weir log does.',
  group,
}

/** What these flags say; undefined if no interface is named. */
export function packetsOf(values: Values): XdpWatch | undefined {
  const text = values.text('xdp')
  if (text === undefined) return undefined
  const pid = values.number('netns-pid')
  const protocol = values.text('xdp-protocol') as ProtocolChoice | undefined
  return {
    interfaces: interfacesOf(text).map(({ name, netns }) => {
      const path = netns ?? (pid === undefined ? undefined : `/proc/${pid}/ns/net`)
      return { name, ...(path !== undefined && { netns: path }) }
    }),
    root: values.text('pin-root') ?? '',
    want: values.text('xdp-packets') as XdpWatch['want'],
    every: values.number('xdp-sample') ?? 1,
    snap: values.number('xdp-snaplen') ?? 0,
    protocols: protocol === undefined ? [] : protocolNumbers[protocol],
    label: values.number('xdp-label') ?? 0,
  }
}

/** `eth0,eth1@/run/netns/blue` */
function interfacesOf(text: string): readonly { readonly name: string; readonly netns?: string }[] {
  return text.split(',').map((part) => {
    const at = part.indexOf('@')
    if (at < 0) return { name: part.trim() }
    return { name: part.slice(0, at).trim(), netns: part.slice(at + 1).trim() }
  })
}

/** As the kernel has it. */
function isInterfaceName(name: string): boolean {
  return /^[^\s/:]{1,15}$/.test(name) && name !== '.' && name !== '..'
}

/** At most one of them on a line: `onlyProtocolOf`. */
export const protocolFlags: readonly Flag[] = [
  { name: 'tcp', kind: 'switch', help: 'Only TCP.' },
  { name: 'udp', kind: 'switch', help: 'Only UDP.' },
  { name: 'icmp', kind: 'switch', help: 'Only ICMP and ICMPv6.' },
]

/** The one protocol of a line; undefined if none is named. Throws `bad_flag` for two. */
export function onlyProtocolOf(values: Values): ProtocolChoice | undefined {
  const named = (Object.keys(protocolNumbers) as ProtocolChoice[]).filter((name) => values.on(name))
  if (named.length < 2) return named[0]
  const details = {
    name: `--${named[1]}`,
    reason: `does not go together with --${named[0]}`,
    hint: 'name one protocol, or none for all',
  }
  throw cliError('bad_flag', { details })
}
