// `weir up --filter`: connections to one port are reported, those to two others are not: one is left out in the kernel
// and one, for which that has no words, by the agent. So are packets that were dropped. The ledger has them all.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Answer, type JsonRow, type River, withRiver } from '../river.ts'
import { type Lab, until, withNamespaces } from '../traffic/mod.ts'

const [wanted, inKernel, inAgent] = [4711, 4712, 4713] as const
const limitMs = 120_000
const connections = { wanted: 7, inKernel: 11, inAgent: 5 } as const
const datagrams = { wanted: 6, inKernel: 8 } as const
const filter = `dst_port in (${wanted}, ${inAgent}) and not dst_port = ${inAgent}`

test('what the filter of the agent leaves out and what is reported are all that there was', () =>
  withRiver({ args: ['--filter', filter] }, (river) =>
    withNamespaces(2, async (lab) => {
      await connect(lab, wanted, connections.wanted)
      await connect(lab, inKernel, connections.inKernel)
      await connect(lab, inAgent, connections.inAgent)
      // No socket has these ports of UDP: each datagram is dropped.
      await send(lab, wanted, datagrams.wanted)
      await send(lab, inKernel, datagrams.inKernel)
      const endedRows = async () => (await river.flows()).filter((row) => row['end'] !== null)
      await until(
        'the ends of all wanted connections',
        async () => (await endedRows()).length >= connections.wanted,
        limitMs,
      )
      await until('what the kernel left out', () => leftOutInKernel(river), limitMs)
      await until('the drops', async () => (await dropped(river)) >= datagrams.wanted, limitMs)
      for (const table of ['flows', 'events'] as const) await assertAll(river, table)

      const flows = await river.flows()
      const ids = new Set(flows.map((row) => row['connection_id']))
      assert.equal(ids.size, connections.wanted)
      // Both ends are in one row: the filter did not take one of them out.
      const ended = await endedRows()
      assert.equal(ended.length, connections.wanted)
      for (const row of ended) assert.equal(row['observer'], 'both')
      for (const row of flows) assert.equal(row['dst_port'], wanted)
      const { rows } = await river.get('/api/events', { kind: 'connection', limit: 10_000 })
      assert.ok(rows.length >= 2 * connections.wanted)
      for (const row of rows) assert.equal(row['dst_port'], wanted)
      assert.equal(await dropped(river), datagrams.wanted)
    }),
  ))

/** One after the other; each is opened, says a word both ways and ends. */
async function connect(lab: Lab, port: number, count: number): Promise<void> {
  const server = lab.start(1, process.execPath, '-e', serve(port))
  await new Promise((resolve) => server.stdout.once('data', resolve))
  const target = lab.address(1, 'v4')
  const client = `const n = require('node:net'); let left = ${count}; const go = () => left-- > 0 && n.connect(${port}, '${target}').on('data', () => {}).on('close', go).end('x'); go()`
  await lab.run(0, process.execPath, '-e', client)
}

async function send(lab: Lab, port: number, count: number): Promise<void> {
  const target = lab.address(1, 'v4')
  const client = `const s = require('node:dgram').createSocket('udp4'); let left = ${count}; const go = () => left-- > 0 ? s.send('x', ${port}, '${target}', go) : s.close(); go()`
  await lab.run(0, process.execPath, '-e', client)
}

/** Datagrams of all drops that are stored. */
async function dropped(river: River): Promise<number> {
  const asked = { kind: 'drop', protocol: 'udp', from: '-15m', limit: 10_000 }
  const { rows } = await river.get('/api/events', asked)
  return sum(rows, 'count')
}

function serve(port: number): string {
  return `require('node:net').createServer((s) => { s.on('data', () => {}); s.end('y') }).listen(${port}, () => console.log('ready'))`
}

/** Sums of the ledger, once everything has come to rest. */
async function assertAll(river: River, table: 'flows' | 'events'): Promise<void> {
  await until(
    `all rows of ${table}`,
    async () => {
      const { rows } = await river.get('/api/ledger', { table, from: '-15m' })
      const enrich = rows.filter((row) => row['stage'] === 'enrich')
      const own = enrich.filter((row) => row['cause'] === '')
      const left = sum(own, 'left')
      const filtered = sum(
        enrich.filter((row) => row['cause'] === 'agent_filter'),
        'filtered',
      )
      const stored = await storedRows(river, table)
      const went = left + sum(own, 'filtered') + sum(own, 'lost')
      const perConnection = table === 'flows' ? 1 : 4 // attempt, established and two ends
      return (
        left >= perConnection * connections.wanted &&
        filtered >= perConnection * connections.inAgent &&
        sum(own, 'entered') === went + lastWaiting(own) &&
        stored === left
      )
    },
    limitMs,
  )
}

/** Both ends of each connection, each datagram, and what else this host did. */
async function leftOutInKernel(river: River): Promise<boolean> {
  const filtered = async (probe: string) => {
    const { rows } = await river.get('/api/ledger', { stage: 'hook', probe, from: '-15m' })
    return sum(rows, 'filtered')
  }
  return (
    (await filtered('socket')) >= 2 * connections.inKernel &&
    (await filtered('drop')) >= datagrams.inKernel
  )
}

async function storedRows(river: River, table: 'flows' | 'events'): Promise<number> {
  if (table === 'flows') return (await river.flows()).length
  const answer: Answer = await river.get('/api/events', { from: '-15m', limit: 10_000 })
  return answer.rows.length
}

function sum(rows: readonly JsonRow[], name: string): number {
  return rows.reduce((all, row) => all + Number(row[name]), 0)
}

function lastWaiting(rows: readonly JsonRow[]): number {
  const newest = rows.toSorted((a, b) => (String(a['time']) < String(b['time']) ? 1 : -1))[0]
  return Number(newest?.['waiting'] ?? 0)
}
