// The load of the bench: many live sockets and many new ones, from several processes, with the exact truth of it.

import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { command, type Lab, type Program } from '../../test/traffic/mod.ts'

const source = fileURLToPath(new URL('load.c', import.meta.url))

/** What a line of the program says; which names are there depends on its role. */
export type Said = Readonly<Record<string, number>>

export interface LoadOptions {
  readonly live: number
  readonly perSecond: number
  readonly seconds: number
  readonly clients?: number
}

export interface LoadTruth {
  readonly opened: number
  readonly live: number
  readonly bytes: number
  readonly reverse_bytes: number
}

export interface Load {
  /** Plays the whole load and gives its truth; the live sockets stay open until the lab ends. */
  run(): Promise<LoadTruth>
}

/** The client's side of the servers: several ports, each with a process of its own. */
export interface Servers {
  readonly program: string
  readonly address: string
  readonly firstPort: number
  readonly ports: number
}

const portCount = 8
const firstPort = 9001

/** Compiles the program, widens the port range of the client and starts one server per port in the lab. */
export async function startServers(lab: Lab): Promise<Servers> {
  const program = join(lab.folder, 'load')
  await command('gcc', ['-O2', '-o', program, source])
  await lab.sysctl(0, 'net.ipv4.ip_local_port_range', '1024 65535')
  await lab.sysctl(0, 'net.ipv4.tcp_tw_reuse', 1)
  const address = lab.address(1, 'v4')
  for (let port = firstPort; port < firstPort + portCount; port++) {
    await talk(lab.start(1, program, 'server', address, String(port))).line()
  }
  return { program, address, firstPort, ports: portCount }
}

/** Connect, request, close, as often as `seconds` allow: connections a second, and how many. */
export async function race(lab: Lab, servers: Servers, seconds: number) {
  const { program, address, ports } = servers
  const args = ['crr', address, String(firstPort), String(ports), String(seconds)]
  const said = JSON.parse(await lab.run(0, program, ...args)) as Said
  return { opened: said['opened']!, perSecond: said['opened']! / said['seconds']! }
}

/** Opens all live sockets; nothing else moves before `run`. */
export async function startLoad(lab: Lab, servers: Servers, options: LoadOptions): Promise<Load> {
  const clients = options.clients ?? 4
  const share = (of: number) => String(Math.floor(of / clients))
  const args = [
    ...['client', servers.address, String(firstPort), String(servers.ports)],
    ...[share(options.live), share(options.perSecond), String(options.seconds)],
  ]
  const talkers = Array.from({ length: clients }, () =>
    talk(lab.start(0, servers.program, ...args)),
  )
  for (const client of talkers) await client.line()
  return {
    run: async () => {
      for (const client of talkers) client.program.stdin.write('g')
      const said = await Promise.all(talkers.map((client) => client.line()))
      const sum = (name: string) => said.reduce((all, one) => all + one[name]!, 0)
      return {
        opened: sum('opened'),
        live: sum('live'),
        bytes: sum('bytes'),
        reverse_bytes: sum('reverse_bytes'),
      }
    },
  }
}

/** A program that says lines of JSON. */
export interface Talker {
  readonly program: Program
  /** The next line it says; rejects when it ends instead. */
  line(): Promise<Said>
}

export function talk(program: Program): Talker {
  const lines = createInterface({ input: program.stdout })[Symbol.asyncIterator]()
  const line = async () => {
    const next = await lines.next()
    if (next.done) throw new Error('the load ended before it said its truth')
    return JSON.parse(next.value) as Said
  }
  return { program, line }
}
