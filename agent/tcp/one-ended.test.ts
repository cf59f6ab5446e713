// Connections of which one end is seen, late or never: what went wrong with them once, and must not again.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Row } from '../../wire/mod.ts'
import type { EnrichCounts } from './enrich.ts'
import { fakeAgent as agent, client, hour, second, server } from './fake.ts'

/** Between two namespaces of this node. */
const near = { ...client, local: ['10.0.0.1', 40_000] as const, remote: ['10.0.0.2', 80] as const }
const far = { ...server, local: ['10.0.0.2', 80] as const, remote: ['10.0.0.1', 40_000] as const }
/** Another socket with the address of `far`, so that it is known to be here. */
const neighbour = {
  ...far,
  cookie: 9,
  pair: [8, 8] as [number, number],
  remote: ['192.0.2.1', 7] as const,
}

function sumOf(rows: readonly Row[], name: string): number {
  return rows.reduce((sum, row) => sum + Number(row[name]), 0)
}

/** Octets once, opened once, one end, one id, both processes. */
function assertOnce(rows: readonly Row[], bytes: number, reverseBytes: number): void {
  const sums = ['bytes', 'reverse_bytes', 'opened'].map((name) => sumOf(rows, name))
  assert.deepEqual(sums, [bytes, reverseBytes, 1], JSON.stringify(rows, undefined, 1))
  assert.equal(rows.filter((row) => row['end'] !== null).length, 1)
  assert.equal(new Set(rows.map((row) => row['connection_id'])).size, 1)
  assert.ok(rows.some((row) => row['src_process'] === 'curl' && row['dst_process'] === 'nginx'))
}

test('A3: an end that comes after minutes, from an address never seen, doubles nothing', () => {
  const { step, enrich } = agent()
  const rows = step({ closed: [{ ...near, state: 5, sent: 1_000_000, received: 100_000 }] })
  assert.equal(rows.length, 1, 'the address of the other end is not known: nothing is waited for')
  for (let interval = 0; interval < 200; interval++) rows.push(...step({}))
  rows.push(...step({ live: [{ ...far, state: 9, sent: 100_000, received: 1_000_000 }] }))
  rows.push(...step({ closed: [{ ...far, state: 9, sent: 100_000, received: 1_000_000 }] }))
  assertOnce(rows, 1_000_000, 100_000)
  assert.deepEqual(enrich.sizes(), { connections: 0, ends: 0 })
})

test('A1: a live end whose other end must be here is deferred once, and its process is named', () => {
  const { step, enrich } = agent()
  step({ live: [neighbour] })
  assert.deepEqual(step({ live: [{ ...near, sent: 70_000 }] }), [])
  assert.equal(enrich.takeCounts().waiting, 1)
  const [row, ...more] = step({ live: [{ ...near, sent: 70_000 }, far] })
  assert.deepEqual([row?.['observer'], row?.['bytes'], more], ['both', 70_000, []])
})

test('A1: when the other end does not come, the row is one interval late and not later', () => {
  const { step } = agent()
  step({ live: [neighbour] })
  assert.deepEqual(step({ live: [near] }), [])
  assert.equal(step({ live: [{ ...near, sent: 5 }] })[0]?.['bytes'], 5)
  assert.equal(step({ live: [{ ...near, sent: 6 }] })[0]?.['bytes'], 1)
})

test('A1: an end that closed long ago waits for its other end as well', () => {
  const { step } = agent()
  step({ live: [neighbour] })
  assert.deepEqual(step({ closed: [{ ...near, state: 5, sent: 5, time: hour }] }), [])
  const rows = step({ closed: [{ ...far, state: 9, received: 5 }] })
  assert.equal(rows.length, 1)
  assertOnce(rows, 5, 0)
})

/** Counts of the ledger: the agent ended when `entered` was below 0, because a row cannot hold that. */
function flowOf({ due, rows, withdrawn, waiting }: EnrichCounts) {
  return { due, rows, withdrawn, waiting }
}

test('two rows that wait and turn out to be one: the other is withdrawn', () => {
  const { step, enrich } = agent({ addresses: () => ['10.0.0.1'] })
  step({ complete: true })
  const start = hour + 6 * second
  const dialling = { ...near, start, pair: [0, 0] as const, state: 2 }
  assert.deepEqual(step({ live: [{ ...far, start }, dialling] }), [])
  assert.deepEqual(flowOf(enrich.takeCounts()), { due: 2, rows: 0, withdrawn: 0, waiting: 2 })
  const rows = step({ live: [{ ...near, start, sent: 5 }] })
  assert.deepEqual(flowOf(enrich.takeCounts()), { due: 0, rows: 1, withdrawn: 1, waiting: 0 })
  rows.push(
    ...step({
      closed: [
        { ...near, start, sent: 5 },
        { ...far, start },
      ],
    }),
  )
  assertOnce(rows, 5, 0)
})

test('an end that waits for its row and then lives on: the row is withdrawn', () => {
  const { step, enrich } = agent({ addresses: () => ['10.0.0.2'] })
  step({ complete: true })
  const rows = [...step({ live: [near] }), ...step({ live: [near] })]
  step({ complete: true })
  enrich.takeCounts()
  rows.push(...step({ complete: true }))
  assert.deepEqual(flowOf(enrich.takeCounts()), { due: 1, rows: 0, withdrawn: 0, waiting: 1 })
  rows.push(...step({ live: [near] }))
  assert.deepEqual(flowOf(enrich.takeCounts()), { due: 0, rows: 0, withdrawn: 1, waiting: 0 })
  rows.push(...step({ closed: [{ ...near, sent: 5 }, far] }))
  assertOnce(rows, 5, 0)
})

test('A2: the end that lives on after the reported end adds what is new, and ends nothing again', () => {
  const { step, enrich } = agent({ addresses: () => ['10.0.0.2'] })
  step({ complete: true })
  const rows = step({ closed: [{ ...near, state: 5, sent: 9, received: 3 }] })
  rows.push(...step({}))
  assert.equal(rows.length, 1)
  const held = { ...far, state: 9, received: 9 }
  for (let interval = 0; interval < 30; interval++) {
    rows.push(...step({ live: [{ ...held, sent: 3 }] }))
  }
  assert.equal(rows.length, 2, 'one row names the end that came; then nothing is new')
  rows.push(...step({ live: [{ ...held, sent: 4 }] }))
  rows.push(...step({ closed: [{ ...held, sent: 4, error: 113 }] }))
  assertOnce(rows, 9, 4)
  assert.deepEqual(
    rows.map((row) => [row['end_reason'], row['state']]),
    [
      ['closed', 'closed'],
      ['', 'closed'],
      ['', 'closed'],
    ],
  )
  assert.equal(enrich.sizes().connections, 0)
})

test('B: after a lost SYN the accepting end joins the attempt that was reported', () => {
  const { step } = agent()
  const attempt = { ...near, pair: [0, 0] as const, state: 2 }
  const rows = [1, 2, 3].flatMap(() => step({ live: [attempt] }))
  assert.equal(rows.length, 1)
  rows.push(...step({ live: [attempt, { ...far, start: hour + 20 * second }] }))
  rows.push(
    ...step({
      closed: [
        { ...far, start: hour + 20 * second, state: 9, received: 7 },
        { ...near, state: 5, sent: 7 },
      ],
    }),
  )
  assertOnce(rows, 7, 0)
})

test('B: the accepting end of an older connection does not join a later attempt of the same ports', () => {
  const { step } = agent()
  const attempt = { ...near, cookie: 5, start: hour + 3 * second, pair: [0, 0] as const, state: 2 }
  step({ live: [attempt] })
  const rows = step({ closed: [{ ...far, state: 9, received: 7 }] })
  rows.push(...step({ closed: [{ ...attempt, error: 110 }] }))
  rows.push(...step({}))
  assert.deepEqual(rows.map((row) => row['end_reason']).toSorted(), ['closed', 'timeout'])
  assert.equal(new Set(rows.map((row) => row['connection_id'])).size, 2)
})

test('C: octets that the reader has are reported although the record of the sender is older', () => {
  const { step } = agent()
  step({ live: [near, { ...far, sent: 100 }] })
  const [row] = step({ live: [{ ...near, received: 500 }] })
  assert.equal(row?.['reverse_bytes'], 400)
  const ended = step({ closed: [{ ...far, state: 9, sent: 939_184 }] })
  assert.equal(sumOf(ended, 'reverse_bytes'), 939_184 - 500)
})

test('a socket that was given up as vanished and comes again is not another one', () => {
  const { step } = agent()
  const rows = step({ live: [near, far] })
  for (let snapshot = 0; snapshot < 3; snapshot++) rows.push(...step({ complete: true }))
  assert.equal(rows.filter((row) => row['end_reason'] === 'unknown').length, 1)
  rows.push(
    ...step({
      closed: [
        { ...near, state: 5, sent: 5 },
        { ...far, state: 9, received: 5 },
      ],
    }),
  )
  assertOnce(rows, 5, 0)
})

test('what is remembered for a late end is bounded, and what is forgotten early is counted', () => {
  const { step, enrich } = agent({ lateMax: 10 })
  const closed = Array.from({ length: 25 }, (_, index) => {
    return { ...near, cookie: 100 + index, pair: [index + 1, 7] as [number, number], state: 5 }
  })
  assert.equal(step({ closed }).length, 25)
  assert.equal(enrich.sizes().connections, 10)
  assert.equal(enrich.takeCounts().evictedUnknown, 15)
  step({ closed: [{ ...far, pair: [25, 7], state: 9 }] })
  assert.equal(enrich.sizes().connections, 9, 'the newest was there, joined and ended')
  step({ atNs: hour + 3600 * second })
  assert.equal(enrich.sizes().connections, 0)
  assert.equal(enrich.takeCounts().evictedUnknown, 0)
})

test('an agent that comes after the end was reported knows it, when the other end must be here', () => {
  const before = agent()
  before.step({ live: [neighbour] })
  const rows = before.step({ closed: [{ ...near, state: 5, sent: 9, received: 3 }] })
  rows.push(...before.step({}))
  const after = agent({ restored: before.enrich.changes(true).entries })
  const older = { start: 0, flags: 0, role: 'unknown' as const }
  rows.push(
    ...after.step({ live: [{ ...far, ...older, state: 9, sent: 3, received: 9 }], complete: true }),
    ...after.step({ closed: [{ ...far, ...older, state: 9, sent: 4, received: 9 }] }),
  )
  assert.deepEqual([sumOf(rows, 'bytes'), sumOf(rows, 'reverse_bytes')], [9, 4])
  assert.equal(rows.filter((row) => row['end'] !== null).length, 1)
  assert.equal(sumOf(rows, 'opened'), 1)
})

test('an agent that comes after another meets the other end first and goes on where the rows ended', () => {
  const before = agent()
  const rows = before.step({ live: [{ ...near, sent: 10 }] })
  const after = agent({ restored: before.enrich.changes(true).entries })
  const older = { start: 0, flags: 0, role: 'unknown' as const }
  const live = [
    { ...far, ...older, received: 30 },
    { ...near, ...older, sent: 30 },
  ]
  rows.push(...after.step({ live, complete: true }))
  assert.equal(sumOf(rows, 'bytes'), 30)
  assert.equal(after.enrich.takeCounts().closedWhileAway, 0)
})

test("the node's interfaces tell that a peer is here before any of its sockets does", () => {
  const { step } = agent({ addresses: () => ['10.0.0.2', 'no address'] })
  step({ complete: true })
  assert.deepEqual(step({ live: [near] }), [])
})
