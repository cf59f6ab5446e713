// What events of connections cost beside their flows: CPU of agent, central and storage, and octets on disk, of the same
// load with all events, those of failed connects, and none.

import { mkdtempSync, rmSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { type River, withRiver } from '../../test/river.ts'
import { type Lab, until, withNamespaces } from '../../test/traffic/mod.ts'
import type { Finding, Measure, Plan } from '../finding.ts'
import { startLoad, startServers } from '../load/load.ts'
import { cpuBetween, cpuTime } from '../process-cost.ts'
import { median } from '../statistics.ts'

export const events: Measure = { name: 'events', run: measureEvents }

const choices = ['off', 'failed', 'all'] as const
type Choice = (typeof choices)[number]
const roles = ['agent', 'central', 'storage'] as const
type Cost = Readonly<Record<(typeof roles)[number] | 'flows' | 'events', number>>

async function measureEvents({ quick }: Plan): Promise<readonly Finding[]> {
  const costs: Record<Choice, Cost[]> = { off: [], failed: [], all: [] }
  const rounds = quick ? 1 : 3
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < choices.length; turn++) {
      const choice = choices[(round + turn) % choices.length] as Choice
      costs[choice].push(await withNamespaces(2, (lab) => costOf(lab, choice, quick)))
    }
  }
  const middle = (choice: Choice, name: keyof Cost) =>
    median(costs[choice].map((cost) => cost[name]))
  const cpu = (choice: Choice) => roles.reduce((sum, role) => sum + middle(choice, role), 0)
  return [
    ...choices.map((choice) => ({
      what: `CPU µs per connection with --connection-events ${choice}: ${roles.join(', ')} (median of ${rounds})`,
      value: roles.map((role) => middle(choice, role).toFixed(1)).join(', '),
    })),
    ...choices.map((choice) => ({
      what: `octets on disk per connection with --connection-events ${choice}: flows, events`,
      value: `${middle(choice, 'flows').toFixed(0)}, ${middle(choice, 'events').toFixed(0)}`,
    })),
    {
      what: 'CPU of the events of connections / of all else',
      value: ((cpu('all') - cpu('off')) / cpu('off')).toFixed(2),
    },
  ]
}

/** Of short connections alone, per connection. */
async function costOf(lab: Lab, choice: Choice, quick: boolean): Promise<Cost> {
  const [perSecond, seconds] = quick ? [100, 3] : [2_000, 20]
  const data = mkdtempSync(join(tmpdir(), 'weir-bench-'))
  try {
    const args = ['--interval', '5s', '--connection-events', choice]
    return await withRiver({ data, args }, async (river) => {
      const load = await startLoad(lab, await startServers(lab), { live: 0, perSecond, seconds })
      const before = roles.map((role) => cpuTime(river.pid(role) as number))
      const { opened } = await load.run()
      await until('all rows in the store', () => isStored(river, lab, opened), 60_000)
      const used = roles.map((role, index) => {
        const { allMs } = cpuBetween(before[index]!, cpuTime(river.pid(role) as number))
        return [role, (allMs * 1000) / opened]
      })
      const octets = await octetsOf(data)
      const disk = ['flows', 'events'].map((table) => [table, (octets.get(table) ?? 0) / opened])
      return Object.fromEntries([...used, ...disk]) as Cost
    })
  } finally {
    rmSync(data, { recursive: true, force: true })
  }
}

async function isStored(river: River, lab: Lab, opened: number): Promise<boolean> {
  const { inode } = lab.netns(0)
  const top = await river.get('/api/top', { by: 'protocol', from: '-10m', src_netns: inode })
  return Number(top.rows[0]?.['opened'] ?? 0) >= opened
}

/** Of the tables, asked of the storage worker itself; merged first, as they are for most of their life. */
async function octetsOf(data: string): Promise<ReadonlyMap<string, number>> {
  for (const table of ['flows', 'events']) await sql(data, `OPTIMIZE TABLE ${table} FINAL`)
  const answer = await sql(
    data,
    `SELECT table, sum(bytes_on_disk) FROM system.parts
WHERE active AND database = currentDatabase() GROUP BY table FORMAT TSV`,
  )
  const lines = answer.trim().split('\n')
  return new Map(
    lines.map((line) => line.split('\t') as [string, string]).map(([k, v]) => [k, Number(v)]),
  )
}

function sql(data: string, statement: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath: join(data, 'store.sock'), method: 'POST', path: '/' })
    asked.once('error', reject)
    asked.once('response', (response) => {
      text(response).then((body) => {
        if (response.statusCode === 200) resolve(body)
        else reject(new Error(`${statement}: ${body}`))
      }, reject)
    })
    asked.end(statement)
  })
}
