// The kinds of server whose process is hard to name: alone, prefork, fork per connection, handed over.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { until } from '../../../common/until.fake.ts'
import type { Case, Connection } from '../connection.ts'
import type { Answer } from '../peer.ts'
import { plainAddress } from '../ss.ts'

/** How the server shares its connections among processes. */
export type ServerMode = 'alone' | 'prefork' | 'fork' | 'handover'

interface Served {
  readonly pid: number
  readonly remote: readonly [string, number]
  readonly received: number
  readonly sent: number
}

const modes: readonly ServerMode[] = ['alone', 'prefork', 'fork', 'handover']

/** Each kind of server with fifty connections. */
export const serverCases: readonly Case[] = modes.map((mode) => serverCase(mode, 50))

/** `count` connections one after another, each with sizes of its own; the rest may be played again and again. */
export function serverCase(mode: ServerMode, count: number): Case {
  return {
    name: `server ${mode}`,
    namespaces: 2,
    begin: async (lab) => {
      const server = await lab.peer(1, `srv-${mode}`)
      const client = await lab.peer(0, 'asking-client')
      const address = lab.address(1, 'v4')
      const { local } = await server.must({ op: 'listen', id: 'l', address })
      const log = join(lab.folder, `served-${mode}`)
      await server.must({ op: 'serve', id: 'l', mode, log })
      let expected = 0
      return async () => {
        const asked: Answer[] = []
        expected += count
        for (let i = 0; i < count; i++) {
          const sizes = { request: 10 + i, response: 1000 + 7 * i }
          asked.push(await client.must({ op: 'ask', address, port: local![1], ...sizes }))
        }
        const served = await until('the server', () => complete(log, expected))
        return asked.map((one) => connection(`server ${mode}`, one, served, client.pid))
      }
    },
  }
}

function complete(log: string, expected: number): ReadonlyMap<number, Served> | undefined {
  const lines = readFileSync(log, 'utf8').split('\n').filter(Boolean)
  if (lines.length < expected) return undefined
  const rows = lines.map((line) => JSON.parse(line) as Served)
  return new Map(rows.map((row) => [row.remote[1], row]))
}

function connection(
  name: string,
  asked: Answer,
  served: ReadonlyMap<number, Served>,
  clientPid: number,
): Connection {
  const [address, port] = asked.local!
  const there = served.get(port)
  if (!there || there.received !== asked.sent || there.sent !== asked.received) {
    throw new Error(`${name}: the ends of port ${port} disagree: ${JSON.stringify([asked, there])}`)
  }
  return {
    case: name,
    src_address: plainAddress(address),
    src_port: port,
    dst_address: plainAddress(asked.remote![0]),
    dst_port: asked.remote![1],
    bytes: asked.sent!,
    reverse_bytes: asked.received!,
    src_pid: clientPid,
    dst_pid: there.pid,
    src_process: 'asking-client',
    dst_process: name.replace('server ', 'srv-'),
    end_reason: 'closed',
    errno: '',
  }
}
