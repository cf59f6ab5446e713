// Who is never cut off by a change of rules: what the flags name, and what Weir's own processes on this host need.

import { lookup } from 'node:dns/promises'
import { cliError } from '../errors.ts'
import { findProcesses, type RunningProcess } from '../source/running.ts'
import type { Flag, Terminal, Values } from './command.ts'
import { type Kernel, openKernel } from './xdp-shared.ts'

type Connection = Parameters<Kernel['protect']>[1][number]

export const safetyFlags: readonly Flag[] = [
  {
    name: 'confirm-within',
    kind: 'duration',
    min: 1000,
    max: 86_400_000,
    help: 'Takes the rules back after so long, unless weir rules confirm comes first.',
    group: 'Safety',
  },
  {
    name: 'protect',
    kind: 'text',
    metavar: 'ADDR:PORT',
    repeatable: true,
    help: 'A far end that no rule cuts off. The centrals of agents that run on this host are found without it.',
    group: 'Safety',
  },
  {
    name: 'protect-port',
    kind: 'number',
    min: 1,
    max: 65_535,
    default: '50051',
    help: 'A local TCP port that no rule cuts off. The ports of a central and of an agent that run on this host are found without it.',
    group: 'Safety',
  },
  {
    name: 'session',
    kind: 'text',
    metavar: 'ADDRS',
    env: 'SSH_CONNECTION',
    help: 'The SSH session that no rule cuts off: "CLIENT PORT SERVER PORT".',
    group: 'Safety',
  },
  {
    name: 'no-protect',
    kind: 'switch',
    help: 'Rules drop these too, and neighbour discovery and DHCP.',
    group: 'Safety',
  },
]

/** What a change of rules must not cut off. */
export interface Safety {
  readonly isOn: boolean
  readonly confirmWithinMs: number | undefined
  /** By flags. */
  readonly named: readonly Connection[]
  /** Of Weir's own processes. */
  readonly own: readonly Connection[]
}

/** Throws `bad_flag` for a --protect that is none. */
export async function safetyOf(values: Values, terminal: Terminal): Promise<Safety> {
  const kernel = await openKernel()
  const isOn = !values.on('no-protect')
  return {
    isOn,
    confirmWithinMs: values.durationMs('confirm-within'),
    named: isOn ? namedBy(values, kernel) : [],
    own: isOn ? await ownConnections(terminal, kernel) : [],
  }
}

function namedBy(values: Values, kernel: Kernel): readonly Connection[] {
  const far = values.list('protect').map((text) => {
    const [, address = '', port] = /^\[?([^\]]+?)\]?:(\d+)$/.exec(text) ?? []
    const source = kernel.parseAddress(address)
    if (source) return { source, sourcePort: Number(port) }
    const reason = `${text} is no ADDR:PORT`
    throw cliError('bad_flag', { details: { name: '--protect', reason, hint: 'use an address' } })
  })
  const port = { destinationPort: values.number('protect-port') ?? 0 }
  return [port, ...far, ...sessionOf(values, kernel)]
}

function sessionOf(values: Values, kernel: Kernel): readonly Connection[] {
  const [client = '', clientPort, server = '', port] = (values.text('session') ?? '').split(' ')
  const [source, destination] = [client, server].map((text) => kernel.parseAddress(text))
  if (!source || !destination) return []
  const [sourcePort, destinationPort] = [Number(clientPort), Number(port)]
  return [{ source, destination, sourcePort, destinationPort }]
}

/** Ports where agents, people and Prometheus reach Weir on this host, and the centrals of its agents. */
export async function ownConnections(
  { runtimeFolders }: Pick<Terminal, 'runtimeFolders'>,
  kernel: Pick<Kernel, 'parseAddress'>,
): Promise<readonly Connection[]> {
  const found = findProcesses(runtimeFolders)
  const ports = new Set(found.flatMap((process) => process.ports))
  const centrals = await Promise.all(found.map((process) => upstreamsOf(process, kernel)))
  return [...[...ports].map((destinationPort) => ({ destinationPort })), ...centrals.flat()]
}

/** Every address of its name: which one the agent uses may change. */
async function upstreamsOf(
  { upstream }: RunningProcess,
  kernel: Pick<Kernel, 'parseAddress'>,
): Promise<readonly Connection[]> {
  if (upstream === undefined) return []
  const addresses = await lookup(upstream.host, { all: true }).catch(() => [])
  return addresses.flatMap(({ address }) => {
    const source = kernel.parseAddress(address)
    return source ? [{ source, sourcePort: upstream.port }] : []
  })
}
