// Events lost at each stage of a river: what is stored and what the ledger knows to be lost are together all that
// happened, by a count that is not Weir's.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Api, JsonRow, Query } from '../river.ts'
import { serverCase, until, withNamespaces } from '../traffic/mod.ts'
import { makeUntil, meet, watching, withAgent, withCentral } from './away.ts'

const limitMs = 120_000
const range = { from: '-15m', to: 'now' } as const

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
