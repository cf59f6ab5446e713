// Connects that come to nothing, each for another reason of the kernel's.

import type { Case, Connection } from '../connection.ts'
import type { Lab } from '../lab.ts'
import type { Answer, Peer } from '../peer.ts'

interface Failure {
  readonly name: string
  readonly reason: string
  readonly errno: string
  /** Makes the network so, then the one connect. */
  attempt(lab: Lab, client: Peer): Promise<{ answer: Answer; target: readonly [string, number] }>
}

const failures: readonly Failure[] = [
  { name: 'refused', reason: 'refused', errno: 'ECONNREFUSED', attempt: refused },
  { name: 'timed out', reason: 'timeout', errno: 'ETIMEDOUT', attempt: timedOut },
  { name: 'unreachable', reason: 'unreachable', errno: 'EHOSTUNREACH', attempt: unreachable },
  { name: 'no free port', reason: 'no_port', errno: '', attempt: noPort },
  { name: 'abandoned', reason: 'abandoned', errno: '', attempt: abandoned },
]

/** One case per reason of the kernel for a connect that comes to nothing. */
export const failureCases: readonly Case[] = failures.map((failure) => ({
  name: `connect ${failure.name}`,
  namespaces: 2,
  begin: async (lab) => async () => {
    const client = await lab.peer(0, 'failing-client')
    const { answer, target } = await failure.attempt(lab, client)
    const source = [lab.address(0, 'v4'), answer.local?.[1] ?? 0] as const
    return [failed(`connect ${failure.name}`, failure, client, answer, { source, target })]
  },
}))

interface Ends {
  readonly source: readonly [string, number]
  readonly target: readonly [string, number]
}

function failed(
  name: string,
  failure: Failure,
  client: Peer,
  answer: Answer,
  { source, target }: Ends,
): Connection {
  const want = failure.name === 'no free port' ? 'EADDRNOTAVAIL' : failure.errno
  if ((answer.errno ?? '') !== want) throw new Error(`${name}: the kernel said ${answer.errno}`)
  return {
    case: name,
    src_address: source[0],
    src_port: source[1],
    dst_address: target[0],
    dst_port: target[1],
    bytes: 0,
    reverse_bytes: 0,
    src_pid: client.pid,
    dst_pid: 0,
    src_process: client.name,
    dst_process: '',
    end_reason: failure.reason,
    errno: failure.errno,
  }
}

async function dial(client: Peer, address: string, port: number, wait = true) {
  const answer = await client.tell({ op: 'connect', id: 'c', address, port, wait })
  return { answer, target: [address, port] as const }
}

async function refused(lab: Lab, client: Peer) {
  return dial(client, lab.address(1, 'v4'), 7001)
}

async function timedOut(lab: Lab, client: Peer) {
  await hurry(lab)
  await lab.nft(1, blackHole)
  return dial(client, lab.address(1, 'v4'), 7002)
}

async function unreachable(lab: Lab, client: Peer) {
  await lab.sysctl(0, 'net.ipv4.neigh.r0.mcast_solicit', 1)
  return dial(client, lab.nobody(0, 'v4'), 7003)
}

async function noPort(lab: Lab, client: Peer) {
  const address = lab.address(1, 'v4')
  await lab.sysctl(0, 'net.ipv4.ip_local_port_range', '40000 40000')
  const server = await lab.peer(1, 'full-server')
  await server.must({ op: 'listen', id: 'l', address, port: 7004 })
  const holder = await lab.peer(0, 'port-holder')
  await holder.must({ op: 'connect', id: 'c', address, port: 7004 })
  return dial(client, address, 7004)
}

async function abandoned(lab: Lab, client: Peer) {
  await lab.nft(1, blackHole)
  const attempt = await dial(client, lab.address(1, 'v4'), 7005, false)
  await client.must({ op: 'close', id: 'c' })
  return attempt
}

/** One retransmission instead of six, so that a time-out takes 3 s. */
async function hurry(lab: Lab): Promise<void> {
  await lab.sysctl(0, 'net.ipv4.tcp_syn_retries', 1)
  await lab.sysctl(0, 'net.ipv4.tcp_syn_linear_timeouts', 0).catch(() => {})
}

const blackHole = `table inet weir_hole {
  chain input {
    type filter hook input priority 0;
    meta l4proto tcp drop
  }
}`
