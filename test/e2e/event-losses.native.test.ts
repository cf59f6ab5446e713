// Events lost at each stage of a river: what is stored and what the ledger knows to be lost are together all that
// happened, by a count that is not Weir's. What is lost is counted of the kind of event that the test makes.

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { parseAgentFilter } from '../../wire/mod.ts'
import type { Api, JsonRow, Query } from '../river.ts'
import { createSql } from '../sql.ts'
import { type Lab, serverCase, until, withNamespaces } from '../traffic/mod.ts'
import { makeUntil, meet, watching, withAgent, withCentral } from './away.ts'

const limitMs = 120_000
const range = { from: '-15m', to: 'now' } as const

test('the ring is full: ends that became no event are those that the ledger calls lost', () =>
  withNamespaces(2, (lab) =>
    withAgent(lab, { ringBytes: 4_096 }, ({ centralDir }) =>
      withCentral(centralDir, async (api) => {
        await watching(api)
        const rest = await serverCase('alone', 200).begin(lab)
        const lost = () => lostAt(api, 'hook', { probe: 'socket' }, 'ring_full')
        const made = await makeUntil('the ring to lose a record', rest, async () => {
          return (await lost()) > 0
        })
        const closed = () => stored(api, { kind: 'connection', phase: 'closed' })
        await assertStoredOrLost(made, closed, lost)
      }),
    ),
  ))

// Only events of connections have an observer: so no drop is among the rows that the spool gives up.
const connectionsAlone = parseAgentFilter('observer in (src, dst)')

test('the spool is full: two events of each connection are stored or lost', () =>
  withNamespaces(2, (lab) =>
    withAgent(
      lab,
      { spool: { octetsMax: 200_000 }, rowFilter: connectionsAlone },
      async ({ centralDir, lostBySpool }) => {
        await meet(centralDir)
        const rest = await serverCase('alone', 200).begin(lab)
        const made = await makeUntil('the spool to be full', rest, async () => {
          return (await lostBySpool()) > 0
        })
        await withCentral(centralDir, (api) =>
          assertStoredOrLost(
            2 * made,
            () => stored(api, { kind: 'connection' }),
            () => lostAt(api, 'spool', { table: 'events' }, 'spool_full'),
          ),
        )
      },
    ),
  ))

test('the table of drops is full: packets that kept their tuple and packets that lost it are all that nftables dropped', () =>
  withNamespaces(2, (lab) =>
    withAgent(lab, { intervalMs: 2_000 }, ({ centralDir }) =>
      withCentral(centralDir, async (api) => {
        await watching(api)
        await lab.nft(0, dropAll)
        const lost = () => lostAt(api, 'hook', { probe: 'drop' }, 'map_full')
        await until(
          'the table to be full',
          async () => {
            await lab.run(0, '/usr/bin/python3', '-c', manyPorts(lab))
            return (await lost()) > 0
          },
          limitMs,
        )
        const withTuple = () => packets(api, { reason: 'NETFILTER_DROP', protocol: 'udp' })
        // A packet without a tuple has its reason still: what the ledger has lost is of all reasons.
        const withoutTuple = () => packets(api, { reason: 'NETFILTER_DROP', protocol: '' })
        const dropped = await droppedByNft(lab)
        await assertStoredOrLost(dropped, withTuple, withoutTuple)
        // The ledger comes behind the events of its interval.
        const all = () => packets(api, { protocol: '', netns: 0 })
        await until('a ledger of all of them', async () => (await lost()) === (await all()))
      }),
    ),
  ))

test('the store refuses some rows: these are set aside and lost, and no other', () =>
  withNamespaces(2, (lab) =>
    withAgent(lab, {}, ({ centralDir }) =>
      withCentral(centralDir, async (api) => {
        await watching(api)
        const rest = await serverCase('alone', 60).begin(lab)
        const before = await rest()
        const connections = () => stored(api, { kind: 'connection' })
        const isBefore = async () => (await connections()) === 2 * before.length
        await until('the first events', isBefore, limitMs)
        const sql = createSql(join(centralDir, 'store.sock'))
        const isTaken = `kind != 'connection' OR src_port % ${every} != 0`
        await sql.run(`ALTER TABLE events ADD CONSTRAINT refused CHECK ${isTaken}`)
        const made = await rest()
        const refused = made.filter(({ src_port: port }) => port % every === 0)
        const lost = () => lostAt(api, 'store', { table: 'events' }, 'quarantine')
        await assertStoredOrLost(2 * (before.length + made.length), connections, lost)
        assert.equal(await lost(), 2 * refused.length)
        await sql.run('ALTER TABLE events DROP CONSTRAINT refused')
        const after = await rest()
        const happened = 2 * (before.length + made.length + after.length)
        await assertStoredOrLost(happened, connections, lost)
      }),
    ),
  ))

/** The kernel gives a client even ports first: one in so many is refused. */
const every = 16

const dropAll = `table inet losses {
  counter dropped { }
  chain out {
    type filter hook output priority 0;
    udp dport 1-65000 counter name dropped drop
  }
}`

/** A datagram to each of very many ports: each is an entry of its own. */
function manyPorts(lab: Lab): string {
  return [
    'import socket',
    's = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)',
    'for port in range(1, 30001):',
    `  try: s.sendto(b'x', ('${lab.address(1, 'v4')}', port))`,
    '  except PermissionError: pass',
  ].join('\n')
}

async function droppedByNft(lab: Lab): Promise<number> {
  const text = await lab.run(0, 'nft', 'list', 'counter', 'inet', 'losses', 'dropped')
  return Number(/packets (\d+)/.exec(text)?.[1])
}

async function assertStoredOrLost(
  happened: number,
  storedNow: () => Promise<number>,
  lostNow: () => Promise<number>,
): Promise<void> {
  const seen = { stored: 0, lost: 0 }
  const isWhole = async () => {
    seen.lost = await lostNow()
    seen.stored = await storedNow()
    return seen.stored + seen.lost === happened
  }
  await until('stored + lost = happened', isWhole, limitMs).catch((error) =>
    assert.fail(`${error}: ${JSON.stringify(seen)} of ${happened}`),
  )
  assert.ok(seen.lost > 0, 'nothing was lost, so nothing was shown')
}

/** Rows of events that are stored. */
async function stored(api: Api, query: Query): Promise<number> {
  const { rows } = await api.get('/api/events/top', { ...range, by: 'kind', ...query })
  return sum(rows, 'events')
}

/** Packets that stored events of drops stand for. */
async function packets(api: Api, query: Query): Promise<number> {
  const { rows } = await api.get('/api/events/top', {
    ...range,
    by: 'kind',
    kind: 'drop',
    ...query,
  })
  return sum(rows, 'count')
}

/** What the ledger calls lost at a stage, for this cause. */
async function lostAt(api: Api, stage: string, query: Query, cause: string): Promise<number> {
  const { rows } = await api.get('/api/ledger', { ...range, stage, cause, ...query })
  return sum(rows, 'lost')
}

function sum(rows: readonly JsonRow[], name: string): number {
  return rows.reduce((all, row) => all + Number(row[name]), 0)
}
