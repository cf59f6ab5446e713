// Records as the kernel writes them → rows: what a connection looks like over its life.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Row } from '../../wire/mod.ts'
import { type FakeSocket, fakeRecords } from '../drain/fake.ts'
import { momentOf } from '../rows/moment.ts'
import { fakeAgent as agent, bootToWallNs, client, hour, second, server } from './fake.ts'

/** The near end of a connection with another host. */
const near: FakeSocket = { ...client, local: ['192.0.2.9', 40_000], remote: ['192.0.2.1', 80] }
/** The other end, should it turn out to be here after all. */
const far: FakeSocket = { ...server, local: ['192.0.2.1', 80], remote: ['192.0.2.9', 40_000] }

function only(rows: readonly Row[]): Row {
  assert.equal(rows.length, 1, JSON.stringify(rows, undefined, 1))
  return rows[0] as Row
}

function has(row: Row, expected: Row): void {
  const seen = Object.fromEntries(Object.keys(expected).map((name) => [name, row[name] ?? null]))
  assert.deepEqual(seen, { ...expected })
}

test('both ends of a short connection are one row, bytes from the sender', () => {
  const { step, enrich } = agent()
  const row = only(
    step({
      closed: [
        { ...client, state: 5, sent: 100, received: 7000, segsOut: 9, segsIn: 8, retransmits: 1 },
        { ...server, state: 9, sent: 7000, received: 100, segsOut: 8, segsIn: 7 },
      ],
    }),
  )
  has(row, {
    observer: 'both',
    src_address: '127.0.0.1',
    src_port: 40_000,
    dst_port: 80,
    bytes: 100,
    reverse_bytes: 7000,
    packets: 9,
    reverse_packets: 9, // the SYN-ACK is in no socket's counter
    retransmits: 1,
    reverse_retransmits: 0,
    total_bytes: 100,
    state: 'closed',
    end_reason: 'closed',
    errno: '',
    opened: 1,
    direction_known: true,
    src_process: 'curl',
    dst_process: 'nginx',
    src_process_source: 'io',
    rtt_ns: 50_000,
    rtt_min_ns: null,
    start: '2023-11-14T23:13:19.000000000Z',
    end: '2023-11-14T23:13:25.000000000Z',
    time: '2023-11-14T23:13:25.000000000Z',
    interface: 'lo',
  })
  assert.deepEqual(enrich.sizes(), { connections: 0, ends: 0 })
  assert.deepEqual(step({}), [])
})

test('one that is older than Weir begins with its totals and no increments', () => {
  const { step } = agent()
  const old = { ...near, start: 0, flags: 0, sent: 1000, received: 2000, retransmits: 4 }
  has(only(step({ live: [old] })), {
    bytes: 0,
    reverse_bytes: 0,
    packets: 0,
    retransmits: 0,
    reverse_retransmits: null,
    total_bytes: 1000,
    total_reverse_bytes: 2000,
    opened: 0,
    start: null,
    direction_known: false,
    observer: 'src',
    state: 'established',
    end: null,
    end_reason: '',
  })
  has(only(step({ live: [{ ...old, sent: 1500, retransmits: 5 }] })), {
    bytes: 500,
    retransmits: 1,
    total_bytes: 1500,
    opened: 0,
  })
})

test('an unchanged connection makes one row a minute', () => {
  const { step } = agent()
  const rows = Array.from({ length: 25 }, () => step({ live: [client, server] }).length)
  assert.deepEqual(
    rows.flatMap((count, index) => (count > 0 ? [index] : [])),
    [0, 12, 24],
  )
})

test('an end that comes late does not count its bytes again', () => {
  const { step } = agent()
  has(only(step({ live: [{ ...near, sent: 10, received: 20 }] })), { bytes: 10, observer: 'src' })
  const both = step({
    live: [
      { ...near, sent: 10, received: 20 },
      { ...far, sent: 25, received: 10 },
    ],
  })
  has(only(both), { bytes: 0, reverse_bytes: 5, observer: 'both', opened: 0 })
})

test('the end of one end leaves the connection open until the other ends', () => {
  const { step } = agent()
  step({ live: [client, { ...server, sent: 5 }] })
  const half = step({ live: [{ ...server, state: 8, sent: 5 }], closed: [{ ...client, state: 5 }] })
  has(only(half), { state: 'close_wait', end: null })
  has(only(step({ closed: [{ ...server, state: 9, sent: 5 }] })), {
    end_reason: 'closed',
    bytes: 0,
  })
})

test('a close whose peer here is a moment behind waits for it once', () => {
  const { step, enrich } = agent()
  assert.deepEqual(step({ closed: [{ ...client, state: 5, sent: 9 }] }), [])
  assert.equal(enrich.takeCounts().waiting, 1)
  has(only(step({ closed: [{ ...server, state: 9, received: 9 }] })), {
    observer: 'both',
    bytes: 9,
  })
})

test('failed connects tell why', () => {
  const attempt = { ...client, pair: [0, 0] as const, state: 2 }
  const cases: readonly [FakeSocket, string, string][] = [
    [{ ...attempt, error: 111 }, 'refused', 'ECONNREFUSED'],
    [{ ...attempt, error: 110 }, 'timeout', 'ETIMEDOUT'],
    [{ ...attempt, error: 113 }, 'unreachable', 'EHOSTUNREACH'],
    [{ ...attempt, local: ['127.0.0.1', 0] }, 'no_port', ''],
    [attempt, 'abandoned', ''],
  ]
  const { step } = agent()
  const ids = new Set<unknown>()
  for (const [index, [socket, reason, errno]] of cases.entries()) {
    const row = only(step({ closed: [{ ...socket, cookie: 50 + index }] }))
    has(row, { end_reason: reason, errno, opened: 1, bytes: 0, observer: 'src' })
    ids.add(row['connection_id'])
  }
  assert.equal(ids.size, cases.length)
})

test('a socket that connects again is another connection', () => {
  const { step } = agent()
  const first = { ...near, pair: [0, 0] as const, state: 2, error: 111 }
  const again = { ...near, start: hour + second, sent: 5 }
  const rows = step({ live: [again], closed: [first] })
  assert.deepEqual(rows.map((row) => [row['end_reason'], row['opened'], row['bytes']]).toSorted(), [
    ['', 1, 5],
    ['refused', 1, 0],
  ])
  has(
    only(
      step({
        closed: [
          { ...again, state: 5, sent: 6 },
          { ...far, state: 9 },
        ],
      }),
    ),
    {
      bytes: 1,
      opened: 0,
    },
  )
})

test('a handshake in progress is reported after two intervals, under the id it keeps', () => {
  const { step } = agent()
  const attempt = { ...client, start: hour + 4 * second, pair: [0, 0] as const, state: 2 }
  assert.deepEqual(step({ live: [attempt] }), [])
  assert.deepEqual(step({ live: [attempt] }), [])
  const row = only(step({ live: [attempt] }))
  has(row, { state: 'syn_sent', opened: 1 })
  const open = only(step({ live: [{ ...attempt, pair: [7, 8], state: 1 }] }))
  has(open, { state: 'established', opened: 0, connection_id: row['connection_id'] ?? null })
})

test('the same connection has the same id at both ends and on two nodes', () => {
  const here = only(agent().step({ live: [near] }))
  const there = only(agent().step({ live: [far] }))
  assert.equal(here['connection_id'], there['connection_id'])
  assert.notEqual(here['connection_id'], '0')
  const otherKey = agent({ key: new Uint8Array(16) })
  assert.notEqual(only(otherKey.step({ live: [near] }))['connection_id'], here['connection_id'])
})

test('of several holders the lowest pid is the owner, better knowledge stays', () => {
  const { step } = agent()
  const held = { ...near, ownerSource: 3, comm: 'sh' }
  const rows = step({
    live: [
      { ...held, tgid: 30 },
      { ...held, tgid: 12 },
      { ...held, tgid: 40 },
    ],
  })
  has(only(rows), { src_pid: 12, src_process_source: 'holder' })
  has(only(step({ live: [{ ...near, tgid: 99, sent: 1 }] })), { src_pid: 99 })
  const orphan = { ...near, ownerSource: 0, tgid: 0, comm: '', state: 4, sent: 2 }
  has(only(step({ live: [orphan] })), { src_pid: 99, src_process: 'curl', bytes: 1 })
})

test('connections between own processes are left out and counted', () => {
  const { step, enrich } = agent({ own: { tgids: new Set([10, 20]), upstream: undefined } })
  assert.deepEqual(step({ live: [client, server] }), [])
  assert.equal(enrich.takeCounts().filtered, 1)
  assert.equal(enrich.changes(true).entries.length, 0)
})

test('the own way to central is left out by its address', () => {
  const address = new Uint32Array(
    Uint8Array.of(...new Array(10).fill(0), 255, 255, 127, 0, 0, 1).buffer,
  )
  const { step, enrich } = agent({ own: { tgids: new Set([10]), upstream: { address, port: 80 } } })
  assert.deepEqual(step({ live: [client, server] }), [])
  assert.equal(enrich.takeCounts().filtered, 1)
})

test('one that is missing from two complete snapshots ended for an unknown reason', () => {
  const { step, enrich } = agent()
  step({ live: [{ ...client, remote: ['192.0.2.1', 80] }], complete: true })
  assert.deepEqual(step({}), [])
  assert.deepEqual(step({ complete: true }), [])
  has(only(step({ complete: true })), { end_reason: 'unknown', state: 'closed' })
  assert.equal(enrich.takeCounts().vanished, 1)
})

test('counters that the kernel wraps go on', () => {
  const { step } = agent()
  step({ live: [{ ...near, segsOut: 0xffff_fff0 }] })
  has(only(step({ live: [{ ...near, segsOut: 5 }] })), { packets: 21 })
  has(only(step({ live: [{ ...near, segsOut: 6 }] })), { packets: 1 })
})

test('records beyond the bound of the tables are counted', () => {
  const { step, enrich } = agent({ endsMax: 1 })
  assert.equal(step({ live: [near, far] }).length, 1)
  assert.equal(enrich.takeCounts().full, 1)
})

test('memory of a peak of rows is used again for a while and then given up', () => {
  const { step, enrich } = agent()
  let moment = momentOf(0, { bootToWallNs, intervalMs: 5000, last: false })
  const many = Array.from({ length: 5000 }, (_, index) => {
    return { ...near, cookie: index + 1, pair: [index + 1, 1] as [number, number] }
  })
  step({ live: many })
  const capacities = Array.from({ length: 40 }, () => {
    let capacity = 0
    moment = { ...moment, nowMs: moment.nowMs + 5000 }
    enrich.take(fakeRecords([{ ...near, cookie: 9000, time: hour, sent: moment.nowMs }]), 1)
    enrich.report(moment, (batch) => {
      assert.equal(batch.length, 1)
      capacity = batch.capacity
    })
    return capacity
  })
  assert.equal(capacities[0], 8192)
  assert.equal(capacities.at(-1), 1024)
})
