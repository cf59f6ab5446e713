// One connection seen by two nodes: each of them has rows, one of them counts, and the counted row names both
// ends. Two agents, each of one namespace, and one central; plain and through DNAT and masquerade; one agent
// whose frames come late, one that is restarted. The sums are what the programs moved.

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { type Api, apiAt, type JsonRow, type StartedWeir, spawnWeir } from '../river.ts'
import { type Lab, openPair, type Pair, type Peer, until, withNamespaces } from '../traffic/mod.ts'

interface Ground {
  readonly api: Api
  readonly lab: Lab
  /** An agent that sees namespace `at` only, behind a relay that can be held. */
  agent(at: number): StartedWeir
  /** Nothing of that agent reaches central until it is let go. */
  hold(at: number): void
  release(at: number): void
  stop(one: StartedWeir): Promise<void>
}

async function withFleet(namespaces: number, work: (ground: Ground) => Promise<void>) {
  const folder = mkdtempSync(join(tmpdir(), 'weir-fleet-'))
  const started: StartedWeir[] = []
  const relays: Relay[] = []
  const start = (args: readonly string[]): StartedWeir => {
    const one = spawnWeir(args)
    started.push(one)
    return one
  }
  const stop = async ({ child, ended }: StartedWeir) => {
    child.kill('SIGINT')
    const limit = setTimeout(() => child.kill('SIGKILL'), 20_000)
    await ended
    clearTimeout(limit)
  }
  try {
    await withNamespaces(namespaces, async (lab) => {
      const data = join(folder, 'central')
      const central = start([
        'central',
        '--data',
        data,
        '--listen',
        '127.0.0.1:0',
        '--ingest',
        'unix',
      ])
      const base = await until(
        'central',
        () => /http:\/\/127\.0\.0\.1:\d+/.exec(central.output())?.[0],
        20_000,
      )
      for (let at = 0; at < namespaces; at++) {
        relays.push(await createRelay(join(folder, `relay${at}.sock`), join(data, 'ingest.sock')))
      }
      const agent = (at: number) =>
        start([
          ...['agent', '--data', join(folder, `agent${at}`), '--node', `node-${at}`],
          ...['--interval', '500ms', '--metrics', 'off', '--netns', lab.netns(at).path],
          ...['--upstream', `unix:${relays[at]?.path}`],
        ])
      const relay = (at: number) => relays[at] as Relay
      await work({
        api: apiAt(base),
        lab,
        agent,
        stop,
        hold: (at) => relay(at).hold(),
        release: (at) => relay(at).release(),
      })
    })
  } catch (error) {
    for (const { output } of started) console.error(`--- weir said:\n${output()}---`)
    throw error
  } finally {
    for (const one of started.toReversed()) await stop(one)
    for (const relay of relays) relay.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

interface Relay {
  readonly path: string
  hold(): void
  release(): void
  close(): void
}

/** Passes octets on in both directions; while it is held, nothing goes to central. */
function createRelay(path: string, target: string): Promise<Relay> {
  const sockets = new Set<Socket>()
  const agents = new Set<Socket>()
  let held = false
  const server: Server = createServer((near) => {
    const far = connect(target)
    for (const socket of [near, far]) {
      sockets.add(socket)
      socket.on('error', () => socket.destroy())
      socket.on('close', () => {
        sockets.delete(socket)
        near.destroy()
        far.destroy()
      })
    }
    agents.add(near)
    near.on('data', (octets) => far.write(octets))
    far.on('data', (octets) => near.write(octets))
    if (held) near.pause()
  })
  const relay: Relay = {
    path,
    hold: () => {
      held = true
      for (const socket of agents) socket.pause()
    },
    release: () => {
      held = false
      for (const socket of agents) socket.resume()
    },
    close: () => {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
  return new Promise((resolve) => server.listen(path, () => resolve(relay)))
}

interface Sums {
  readonly bytes: number
  readonly reverse_bytes: number
  readonly connections: number
  readonly opened: number
}

/** What the API says over all connections to a port, filtered by one end or the other. */
async function sums(api: Api, query: Readonly<Record<string, string | number>>): Promise<Sums> {
  const { rows } = await api.get('/api/top', { by: 'protocol', from: '-15m', ...query })
  const number = (name: string) => Number(rows[0]?.[name] ?? 0)
  return {
    bytes: number('bytes'),
    reverse_bytes: number('reverse_bytes'),
    connections: number('connections'),
    opened: number('opened'),
  }
}

async function peers(lab: Lab, server: number) {
  return [await lab.peer(0, 'client'), await lab.peer(server, 'server')] as const
}

async function open(lab: Lab, server: number, name: string): Promise<Pair> {
  const [client, responder] = await peers(lab, server)
  return openPair({ lab, name, client, server: responder, version: 'v4' })
}

async function close(pair: Pair) {
  await pair.client.close()
  await pair.server.receive()
  await pair.server.close()
  return pair.ended('closed')
}

/** The rows of a connection, by its ports, once both nodes have said how it ended. */
async function endedRows(api: Api, port: number): Promise<readonly JsonRow[]> {
  return until(
    'both nodes to report the end',
    async () => {
      const rows = await api.flows({ src_port: port, from: '-15m' })
      const ended = rows.filter((row) => row['end'] !== null)
      return new Set(ended.map((row) => row['node'])).size === 2 && rows
    },
    60_000,
  )
}

function assertCountedOnce(
  rows: readonly JsonRow[],
  truth: { bytes: number; reverse_bytes: number },
) {
  const counted = rows.filter((row) => row['counted'] === true)
  assert.equal(new Set(rows.map((row) => row['connection_id'])).size, 1, 'one id on both nodes')
  assert.equal(new Set(counted.map((row) => row['node'])).size, 1, 'one node counts')
  assert.ok(counted.length < rows.length, 'the other has rows, too')
  const sum = (name: string) => counted.reduce((all, row) => all + Number(row[name]), 0)
  assert.deepEqual([sum('bytes'), sum('reverse_bytes')], [truth.bytes, truth.reverse_bytes])
  return counted
}

test(
  'short and long connections between two nodes count once and name both ends',
  { timeout: 150_000 },
  () =>
    withFleet(2, async ({ api, lab, agent }) => {
      agent(0)
      agent(1)
      await until('both agents to watch', async () => (await watching(api)).length === 2, 30_000)
      const long = await open(lab, 1, 'long')
      await long.forth(100_000)
      const first = long.soFar()
      await until('a row of the open one', async () => {
        const rows = await api.flows({ src_port: first.src_port, from: '-15m' })
        return new Set(rows.map((row) => row['node'])).size === 2
      })
      const truths = []
      for (let n = 0; n < 5; n++) {
        const pair = await open(lab, 1, 'short')
        await pair.forth(1_000 + n)
        await pair.back(20_000 + n)
        truths.push(await close(pair))
      }
      await long.back(300_000)
      truths.push(await close(long))
      for (const truth of truths) {
        const counted = assertCountedOnce(await endedRows(api, truth.src_port), truth)
        const last = counted.at(-1)
        assert.deepEqual(
          [last?.['src_process'], last?.['dst_process'], last?.['src_node'], last?.['dst_node']],
          ['client', 'server', 'node-0', 'node-1'],
        )
      }
      const whole = {
        bytes: truths.reduce((sum, { bytes }) => sum + bytes, 0),
        reverse_bytes: truths.reduce((sum, { reverse_bytes }) => sum + reverse_bytes, 0),
        connections: truths.length,
        opened: truths.length,
      }
      const [src, dst] = [lab.netns(0).inode, lab.netns(1).inode]
      assert.deepEqual(await sums(api, { src_netns: src, dst_netns: dst }), whole, 'by both ends')
      assert.deepEqual(
        await sums(api, { src_netns: src, dst_process: 'server' }),
        whole,
        'by one end',
      )
      for (const node of ['node-0', 'node-1']) {
        assert.deepEqual(await sums(api, { node, src_netns: src, dst_netns: dst }), whole, node)
      }
    }),
)

test(
  'through DNAT and masquerade, an agent restarted in between, another late',
  { timeout: 200_000 },
  () =>
    withFleet(3, async ({ api, lab, agent, hold, release, stop }) => {
      await lab.sysctl(1, 'net.ipv4.ip_forward', 1)
      await lab.nft(1, natRules(lab.address(2, 'v4')))
      const first = agent(0)
      agent(2)
      await until('both agents to watch', async () => (await watching(api)).length === 2, 30_000)
      const [client, server] = await peers(lab, 2)
      const connection = await openThroughNat(lab, client, server)
      await connection.forth(50_000)
      const port = await until('a counted row', async () => {
        const rows = await api.flows({ src_process: 'client', dst_process: 'server', from: '-15m' })
        return rows.find((row) => row['counted'] === true)?.['connection_id']
      })
      await stop(first)
      await connection.forth(5_000)
      agent(0)
      await until(
        'the agent again',
        async () => {
          const rows = await api.flows({
            connection_id: String(port),
            node: 'node-0',
            from: '-15m',
          })
          return rows.some((row) => row['total_bytes'] === 55_000)
        },
        30_000,
      )
      hold(2)
      await connection.forth(700)
      await until(
        'the rows of the one that is not held',
        async () => {
          const rows = await api.flows({
            connection_id: String(port),
            node: 'node-0',
            from: '-15m',
          })
          return rows.some((row) => row['total_bytes'] === 55_700)
        },
        30_000,
      )
      release(2)
      await connection.close()
      const rows = await until(
        'both ends',
        async () => {
          const all = await api.flows({ connection_id: String(port), from: '-15m' })
          const ended = all.filter((row) => row['end'] !== null)
          return new Set(ended.map((row) => row['node'])).size === 2 && all
        },
        60_000,
      )
      assertCountedOnce(rows, { bytes: 55_700, reverse_bytes: 0 })
      const whole = await sums(api, { connection_id: String(port) })
      assert.deepEqual([whole.bytes, whole.reverse_bytes, whole.opened], [55_700, 0, 1])
    }),
)

/** Nodes whose agent has ended a first interval: what begins from now on is seen from its beginning. */
async function watching(api: Api): Promise<readonly unknown[]> {
  const { rows } = await api.get('/api/ledger', { from: '-15m', stage: 'hook' })
  return [...new Set(rows.map((row) => row['node']))]
}

/** A connection from namespace 0 to a port of the middle one, which sends it on to the server under its own address. */
async function openThroughNat(lab: Lab, client: Peer, server: Peer) {
  await server.must({ op: 'listen', id: 'l', address: lab.address(2, 'v4'), port: 7001 })
  await Promise.all([
    client.must({ op: 'connect', id: 'c', address: lab.address(1, 'v4', 'left'), port: 80 }),
    server.must({ op: 'accept', id: 's', listener: 'l' }),
  ])
  const forth = async (bytes: number) => {
    await Promise.all([
      client.must({ op: 'send', id: 'c', bytes }),
      server.must({ op: 'receive', id: 's', bytes }),
    ])
  }
  const close = async () => {
    await client.must({ op: 'close', id: 'c' })
    await server.must({ op: 'receive', id: 's' })
    await server.must({ op: 'close', id: 's' })
  }
  return { forth, close }
}

const natRules = (server: string) => `table ip weir_nat {
  chain to {
    type nat hook prerouting priority -100;
    tcp dport 80 dnat to ${server}:7001
  }
  chain from {
    type nat hook postrouting priority 100;
    oifname r1 masquerade
  }
}`
