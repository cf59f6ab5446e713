// npm run demo: `weir up` with a small town of services beside it, so that an idle machine has something to see.
// Arguments go to `weir up`. The town lives in three network namespaces of its own and touches nothing else.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { type Lab, type Peer, type ServerMode, withNamespaces } from './mod.ts'

interface Service {
  readonly name: string
  /** Namespace of the service; its visitors come from the one before. */
  readonly at: 1 | 2
  readonly port: number
  readonly mode: ServerMode
  readonly visitor: string
  /** Octets of a request and of an answer, on average. */
  readonly request: number
  readonly answer: number
  readonly pauseMs: number
}

const services: readonly Service[] = [
  {
    name: 'shop-web',
    at: 1,
    port: 8443,
    mode: 'prefork',
    visitor: 'browser',
    request: 700,
    answer: 90_000,
    pauseMs: 40,
  },
  {
    name: 'shop-images',
    at: 1,
    port: 8080,
    mode: 'alone',
    visitor: 'browser',
    request: 300,
    answer: 900_000,
    pauseMs: 150,
  },
  {
    name: 'shop-database',
    at: 2,
    port: 5432,
    mode: 'fork',
    visitor: 'shop-web',
    request: 250,
    answer: 12_000,
    pauseMs: 60,
  },
  {
    name: 'shop-cache',
    at: 2,
    port: 6379,
    mode: 'alone',
    visitor: 'shop-web',
    request: 60,
    answer: 800,
    pauseMs: 15,
  },
  {
    name: 'backup',
    at: 2,
    port: 9100,
    mode: 'handover',
    visitor: 'shop-images',
    request: 4_000_000,
    answer: 20,
    pauseMs: 3_000,
  },
]

const story = `The town: browsers ask shop-web (prefork) and shop-images; shop-web asks shop-database (one process per
connection) and shop-cache; a backup of 4 MB every three seconds; 0.5 % of the browsers' packets are lost;
each second somebody connects to a port where nobody listens. Ctrl-C ends it all.`

const weir = fileURLToPath(new URL('../../bin/weir', import.meta.url))
let stopping = false

/** Until the town is closed. */
async function visit(lab: Lab, service: Service): Promise<void> {
  const address = lab.address(service.at, 'v4')
  const visitor = await lab.peer(service.at - 1, service.visitor)
  while (!stopping) {
    const scale = 0.2 + 1.6 * Math.random()
    await visitor.tell({
      op: 'ask',
      address,
      port: service.port,
      request: Math.round(service.request * scale),
      response: Math.round(service.answer * scale),
    })
    await pass(service.pauseMs * scale)
  }
}

async function open(lab: Lab, service: Service): Promise<void> {
  const server: Peer = await lab.peer(service.at, service.name)
  const id = service.name
  await server.must({
    op: 'listen',
    id,
    address: lab.address(service.at, 'v4'),
    port: service.port,
  })
  await server.must({ op: 'serve', id, mode: service.mode, log: '/dev/null' })
}

async function knockInVain(lab: Lab): Promise<void> {
  const lost = await lab.peer(0, 'lost-visitor')
  while (!stopping) {
    await lost.tell({ op: 'connect', id: 'c', address: lab.address(1, 'v4'), port: 81 })
    await pass(1_000)
  }
}

function pass(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

const up = spawn(weir, ['up', ...process.argv.slice(2)], { stdio: 'inherit' })
const ended = once(up, 'exit') as Promise<[number | null]>
void ended.then(() => {
  stopping = true
})
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    stopping = true
    up.kill('SIGINT')
  })
}

async function playTown(lab: Lab): Promise<void> {
  await lab.loss(1, 5)
  for (const service of services) await open(lab, service)
  console.log(story)
  const town = Promise.all([...services.map((service) => visit(lab, service)), knockInVain(lab)])
  // Who still waits for an answer when Weir has ended is sent home with the namespaces.
  await Promise.race([town, ended])
}

try {
  await withNamespaces(3, playTown)
} catch (error) {
  // A weir that could not start has said why, and the town could not be built for the same reason.
  if (!stopping) throw error
} finally {
  up.kill('SIGINT')
}
process.exitCode = (await ended)[0] ?? 1
