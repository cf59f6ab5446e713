// Events lost at each stage of a river: what is stored and what the ledger knows to be lost are together all that
// happened, by a count that is not Weir's.

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Api, JsonRow, Query } from '../river.ts'
import { createSql } from '../sql.ts'
import { type Lab, serverCase, until, withNamespaces } from '../traffic/mod.ts'
import { makeUntil, meet, watching, withAgent, withCentral } from './away.ts'

const limitMs = 120_000
const range = { from: '-15m', to: 'now' } as const

test('the table of drops is full: the packets that kept no tuple are those that the ledger calls lost', () =>
  withNamespaces(2, (lab) =>
    withAgent(lab, { intervalMs: 5_000 }, ({ centralDir }) =>
      withCentral(centralDir, async (api) => {
        await watching(api)
        const before = await closedPortDatagrams(lab)
        await until(
          'the table to be full',
          async () => {
            await lab.run(0, process.execPath, '-e', send(20_000))
            return (await lost(api, 'hook', { probe: 'drop' }, 'map_full')) > 0
          },
          limitMs,
        )
        await until(
          'stored + lost = datagrams',
          async () => {
            const datagrams = (await closedPortDatagrams(lab)) - before
            const { rows } = await api.get('/api/events/top', {
              ...range,
              by: 'protocol',
              kind: 'drop',
              reason: 'NO_SOCKET',
            })
            const count = (protocol: string) =>
              rows.reduce(
                (all, row) => all + (row['protocol'] === protocol ? Number(row['count']) : 0),
                0,
              )
            const unknown = await lost(api, 'hook', { probe: 'drop' }, 'map_full')
            return unknown > 0 && count('udp') + unknown === datagrams
          },
          limitMs,
        )
      }),
    ),
  ))

test('the ring is full: ends that became no event are those that the ledger calls lost', () =>
  withNamespaces(2, (lab) =>
    withAgent(lab, { ringBytes: 4_096 }, ({ centralDir }) =>
      withCentral(centralDir, async (api) => {
        await watching(api)
        const rest = await serverCase('alone', 500).begin(lab)
        const made = await makeUntil('the ring to lose a record', rest, async () => {
          return (await lost(api, 'hook', { probe: 'socket' }, 'ring_full')) > 0
        })
        await until(
          'stored + lost = connections',
          async () => {
            const closed = await events(api, { kind: 'connection', phase: 'closed' })
            return closed + (await lost(api, 'hook', { probe: 'socket' }, 'ring_full')) === made
          },
          limitMs,
        )
      }),
    ),
  ))

test('the spool is full: two events of each connection are stored or lost', () =>
  withNamespaces(2, (lab) =>
    withAgent(lab, { spool: { octetsMax: 200_000 } }, async ({ centralDir, lostBySpool }) => {
      await meet(centralDir)
      const rest = await serverCase('alone', 500).begin(lab)
      const made = await makeUntil('the spool to be full', rest, async () => {
        return (await lostBySpool()) > 0
      })
      await withCentral(centralDir, (api) =>
        assertStoredOrLost(api, 2 * made, () =>
          lost(api, 'spool', { table: 'events' }, 'spool_full'),
        ),
      )
    }),
  ))

test('the store refuses rows: they are set aside, and the ledger calls them lost', () =>
  withNamespaces(2, (lab) =>
    withAgent(lab, {}, ({ centralDir }) =>
      withCentral(centralDir, async (api) => {
        await watching(api)
        const rest = await serverCase('alone', 50).begin(lab)
        let made = (await rest()).length
        await until('the first events', async () => (await events(api, {})) === 2 * made, limitMs)
        const sql = createSql(join(centralDir, 'store.sock'))
        await sql.run('ALTER TABLE events ADD CONSTRAINT refused CHECK dst_port = 0')
        made += (await rest()).length
        await until(
          'rows set aside',
          async () => (await lost(api, 'store', { table: 'events' }, 'quarantine')) > 0,
          limitMs,
        )
        await sql.run('ALTER TABLE events DROP CONSTRAINT refused')
        made += (await rest()).length
        await assertStoredOrLost(api, 2 * made, () =>
          lost(api, 'store', { table: 'events' }, 'quarantine'),
        )
      }),
    ),
  ))

async function assertStoredOrLost(
  api: Api,
  happened: number,
  lostNow: () => Promise<number>,
): Promise<void> {
  let seen: Readonly<Record<string, number>> = {}
  await until(
    'stored + lost = happened',
    async () => {
      seen = { stored: await events(api, { kind: 'connection' }), lost: await lostNow() }
      return (seen['stored'] ?? 0) + (seen['lost'] ?? 0) === happened
    },
    limitMs,
  ).catch((error) => assert.fail(`${error}: ${JSON.stringify(seen)} of ${happened}`))
  assert.ok((seen['lost'] ?? 0) > 0)
}

/** Rows of events that are stored. */
async function events(api: Api, query: Query): Promise<number> {
  const { rows } = await api.get('/api/events/top', { ...range, by: 'kind', ...query })
  return sum(rows, 'events')
}

/** What the ledger calls lost at a stage, for this cause. */
async function lost(api: Api, stage: string, query: Query, cause: string): Promise<number> {
  const { rows } = await api.get('/api/ledger', { ...range, stage, cause, ...query })
  return sum(rows, 'lost')
}

function sum(rows: readonly JsonRow[], name: string): number {
  return rows.reduce((all, row) => all + Number(row[name]), 0)
}

/** To so many ports of the loopback at which nobody listens. */
function send(count: number): string {
  return `const s = require('node:dgram').createSocket('udp4'); let port = 1000; const go = () => port < ${1000 + count} ? s.send('x', port++, '127.0.0.1', go) : s.close(); go()`
}

/** The kernel's own counter. */
async function closedPortDatagrams(lab: Lab): Promise<number> {
  const text = await lab.run(0, 'cat', '/proc/net/snmp')
  const [names, values] = text
    .split('\n')
    .filter((line) => line.startsWith('Udp:'))
    .map((line) => line.split(' ')) as [string[], string[]]
  return Number(values[names.indexOf('NoPorts')])
}
