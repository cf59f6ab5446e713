// One connection between two puppets, both ends in hand: sends, reads and closes in exactly the order told.

import { until } from '../../common/until.fake.ts'
import type { Connection } from './connection.ts'
import type { Lab, Version } from './lab.ts'
import type { Peer } from './peer.ts'
import { plainAddress, type SocketLine } from './ss.ts'

/** One end of a pair: a socket of a peer. */
export interface End {
  send(bytes: number): Promise<void>
  /** Reads so many octets, or to the end of the stream (a reset is an end as well). */
  receive(bytes?: number): Promise<void>
  shutdown(): Promise<void>
  close(): Promise<void>
  /** SO_LINGER 0 and close: a reset goes out. */
  abort(): Promise<void>
}

export interface Pair {
  readonly client: End
  readonly server: End
  /** Sends from the client and reads it at the server. */
  forth(bytes: number): Promise<void>
  /** The other direction. */
  back(bytes: number): Promise<void>
  /** Waits until every octet sent is acknowledged and all but `unread` at the server is read. */
  settle(unread?: number): Promise<void>
  /** Both sockets as ss sees them, the client's first. */
  look(): Promise<readonly [SocketLine | undefined, SocketLine | undefined]>
  /** Waits until the kernel holds no more of it than a TIME_WAIT, and says what it was. */
  ended(reason: string, errno?: string): Promise<Connection>
  /** What it is so far, still open. */
  soFar(): Connection
}

export interface PairPlace {
  readonly lab: Lab
  readonly name: string
  readonly client: Peer
  readonly server: Peer
  readonly version: Version
  /** The client talks v4 to a server socket that is v6. */
  readonly mapped?: boolean
}

let pairs = 0

/** Opens one connection from the client to a listener of the server that is closed again at once. */
export async function openPair(place: PairPlace): Promise<Pair> {
  const { lab, client, server, version } = place
  const id = `pair${pairs++}`
  const address = client.at === server.at ? loopback(version) : lab.address(server.at, version)
  const bound = place.mapped ? '::' : address
  const { local } = await server.must({ op: 'listen', id: `${id}l`, address: bound })
  const dialled = { op: 'connect', id: `${id}c`, address, port: local![1] }
  const [mine] = await Promise.all([
    client.must(dialled),
    server.must({ op: 'accept', id: `${id}s`, listener: `${id}l` }),
  ])
  await server.must({ op: 'close', id: `${id}l` })
  return createPair(place, id, mine.local!, [address, local![1]])
}

function loopback(version: Version): string {
  return version === 'v4' ? '127.0.0.1' : '::1'
}

type Address = readonly [string, number]

function createPair(place: PairPlace, id: string, source: Address, target: Address): Pair {
  const { lab, client: clientPeer, server: serverPeer } = place
  const client = createEnd(clientPeer, `${id}c`)
  const server = createEnd(serverPeer, `${id}s`)

  async function look() {
    const [near, far] = await Promise.all([lab.ss(clientPeer.at), lab.ss(serverPeer.at)])
    return [find(near, source, target), find(far, target, source)] as const
  }

  async function ended(reason: string, errno = ''): Promise<Connection> {
    await until(`the end of ${place.name}`, async () => (await look()).every(isOver), 60_000)
    return { ...soFar(), end_reason: reason, errno }
  }

  function soFar(): Connection {
    return {
      case: place.name,
      src_address: plainAddress(source[0]),
      src_port: source[1],
      dst_address: plainAddress(target[0]),
      dst_port: target[1],
      bytes: client.sent(),
      reverse_bytes: server.sent(),
      src_pid: clientPeer.pid,
      dst_pid: serverPeer.pid,
      src_process: clientPeer.name,
      dst_process: serverPeer.name,
      end_reason: '',
      errno: '',
    }
  }

  return {
    client,
    server,
    look,
    ended,
    soFar,
    forth: async (bytes) => {
      await Promise.all([client.send(bytes), server.receive(bytes)])
    },
    back: async (bytes) => {
      await Promise.all([server.send(bytes), client.receive(bytes)])
    },
    settle: async (unread = 0) => {
      await until(`quiet on ${place.name}`, async () => {
        const [near, far] = await look()
        const queues = [near?.sendQueue, near?.receiveQueue, far?.sendQueue]
        return queues.every((queue) => queue === 0) && far?.receiveQueue === unread
      })
    },
  }
}

function createEnd(peer: Peer, id: string): End & { sent(): number } {
  let sent = 0
  return {
    sent: () => sent,
    send: async (bytes) => {
      if (bytes === 0) return
      await peer.must({ op: 'send', id, bytes })
      sent += bytes
    },
    receive: async (bytes) => {
      if (bytes === undefined) await peer.tell({ op: 'receive', id })
      else if (bytes > 0) await peer.must({ op: 'receive', id, bytes })
    },
    shutdown: async () => void (await peer.must({ op: 'shutdown', id })),
    close: async () => void (await peer.must({ op: 'close', id })),
    abort: async () => void (await peer.must({ op: 'abort', id })),
  }
}

function find(lines: readonly SocketLine[], local: Address, remote: Address) {
  const same = (end: Address, other: Address) =>
    plainAddress(end[0]) === plainAddress(other[0]) && end[1] === other[1]
  return lines.find((line) => same(line.local, local) && same(line.remote, remote))
}

function isOver(line: SocketLine | undefined): boolean {
  return line === undefined || line.state === 'TIME-WAIT'
}
