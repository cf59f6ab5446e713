// Who closes, and how: every order in which two ends can part, with one byte to 30 MB before it.

import type { Case } from '../connection.ts'
import type { Lab, Version } from '../lab.ts'
import { openPair, type Pair } from '../pair.ts'

interface Closing {
  readonly name: string
  /** Octets from the client and from the server; a third of each flows before anybody watches. */
  readonly forth: number
  readonly back: number
  readonly reason: string
  part(pair: Pair): Promise<void>
}

const closings: readonly Closing[] = [
  { name: 'not a byte', forth: 0, back: 0, reason: 'closed', part: clientFirst },
  { name: 'one byte, client closes', forth: 1, back: 0, reason: 'closed', part: clientFirst },
  { name: 'client closes', forth: 300_000, back: 2_000_000, reason: 'closed', part: clientFirst },
  { name: 'server closes', forth: 16, back: 100, reason: 'closed', part: serverFirst },
  { name: 'both close', forth: 5_000, back: 5_000, reason: 'closed', part: together },
  { name: 'client sends 30 MB', forth: 30e6, back: 1, reason: 'closed', part: clientFirst },
  { name: 'server sends 30 MB', forth: 1, back: 30e6, reason: 'closed', part: serverFirst },
  { name: 'client half-closes', forth: 1e6, back: 1e6, reason: 'closed', part: clientHalf },
  { name: 'server half-closes', forth: 1e6, back: 1e5, reason: 'closed', part: serverHalf },
  { name: 'client resets', forth: 1e5, back: 1e5, reason: 'reset_by_src', part: clientResets },
  { name: 'server resets', forth: 1e5, back: 1e5, reason: 'reset_by_dst', part: serverResets },
  { name: 'server leaves unread', forth: 7, back: 9, reason: 'reset_by_dst', part: unread },
]

/** All closings between two namespaces (or over one's loopback), for one kind of address. */
export function closingCases(version: Version | 'mapped', namespaces: 1 | 2 = 2): readonly Case[] {
  return closings.map((closing) => ({
    name: `${closing.name}, ${version}${namespaces === 1 ? ', loopback' : ''}`,
    namespaces,
    begin: (lab) => begin(lab, closing, version, `${closing.name}, ${version}`),
  }))
}

async function begin(lab: Lab, closing: Closing, version: Version | 'mapped', name: string) {
  const [client, server] = [
    await lab.peer(0, 'closing-client'),
    await lab.peer(lab.names.length - 1, 'closing-server'),
  ]
  const mapped = version === 'mapped'
  const pair = await openPair({
    lab,
    name,
    client,
    server,
    mapped,
    version: mapped ? 'v4' : version,
  })
  const first = [Math.floor(closing.forth / 3), Math.floor(closing.back / 3)] as const
  await pair.forth(first[0])
  await pair.back(first[1])
  return async () => {
    await pair.forth(closing.forth - first[0])
    await pair.back(closing.back - first[1])
    await pair.settle()
    await closing.part(pair)
    const errno = closing.reason === 'closed' ? '' : 'ECONNRESET'
    return [await pair.ended(closing.reason, errno)]
  }
}

async function clientFirst({ client, server }: Pair): Promise<void> {
  await client.close()
  await server.receive()
  await server.close()
}

async function serverFirst({ client, server }: Pair): Promise<void> {
  await server.close()
  await client.receive()
  await client.close()
}

async function together({ client, server }: Pair): Promise<void> {
  await Promise.all([client.close(), server.close()])
}

async function clientHalf(pair: Pair): Promise<void> {
  await pair.client.shutdown()
  await pair.server.receive()
  await pair.back(70_000)
  await pair.server.close()
  await pair.client.receive()
  await pair.client.close()
}

async function serverHalf(pair: Pair): Promise<void> {
  await pair.server.shutdown()
  await pair.client.receive()
  await pair.forth(70_000)
  await pair.client.close()
  await pair.server.receive()
  await pair.server.close()
}

async function clientResets({ client, server }: Pair): Promise<void> {
  await client.abort()
  await server.receive()
  await server.close()
}

async function serverResets({ client, server }: Pair): Promise<void> {
  await server.abort()
  await client.receive()
  await client.close()
}

async function unread(pair: Pair): Promise<void> {
  await pair.client.send(100_000)
  await pair.settle(100_000)
  await pair.server.close()
  await pair.client.receive()
  await pair.client.close()
}
