// Connection events from the records of the socket probe.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rfc3339 } from '../../common/mod.ts'
import { type Row, rowOf } from '../../wire/mod.ts'
import { type FakeSocket, fakeRecords } from '../drain/fake.ts'
import { momentOf } from '../rows/moment.ts'
import { createEnrich } from '../tcp/enrich.ts'
import { bootToWallNs, client, hour, second, server } from '../tcp/fake.ts'
import { type ConnectionEventChoice, createConnectionEvents } from './connection-events.ts'

interface Step {
  readonly live?: readonly FakeSocket[]
  readonly closed?: readonly FakeSocket[]
  readonly complete?: boolean
}

/** As watch.ts drives the two stages: events before flows. */
function fakeAgent(choice?: ConnectionEventChoice) {
  const own = { tgids: new Set<number>([99]), upstream: undefined }
  const enrich = createEnrich({ node: 'n', key: new Uint8Array(16), cgroupRoot: '', own })
  const options = { node: 'n', ...enrich, own, rowsMax: 2 }
  const events = createConnectionEvents(choice ? { ...options, choice } : options)
  let clock = hour

  function step({ live = [], closed = [], complete = false }: Step): Row[] {
    clock += 5 * second
    enrich.beginSnapshot()
    enrich.take(fakeRecords(live.map((socket) => ({ time: clock, ...socket }))), live.length)
    const ended = closed.map((socket) => ({ time: clock, ...socket, kind: 'closed' as const }))
    enrich.take(fakeRecords(ended), closed.length)
    enrich.endSnapshot(complete)
    const nowMs = Number((BigInt(clock) + bootToWallNs) / 1_000_000n)
    const moment = momentOf(nowMs, { bootToWallNs, intervalMs: 5000 })
    const rows: Row[] = []
    events.report(moment, (batch) => {
      for (let row = 0; row < batch.length; row++) rows.push(rowOf(batch, row))
    })
    enrich.report(moment, () => {})
    return rows
  }

  return { step, events }
}

const established = 1
const synSent = 2
const said = ({ phase, observer, result, errno }: Row) =>
  [phase, observer, result, errno].filter((text) => text !== '').join(' ')
const wall = (boot: number) => rfc3339(BigInt(boot) + bootToWallNs)

test('a connection over loopback has its events at both ends, each once and at its own time', () => {
  const { step, events } = fakeAgent()
  const open = { state: established }
  const first = step({
    live: [
      { ...client, ...open },
      { ...server, ...open },
    ],
  })
  assert.deepEqual(first.map(said), ['attempt src established', 'established dst'])
  assert.deepEqual(
    first.map(({ time }) => time),
    [wall(hour - second), wall(hour - second)],
  )
  assert.deepEqual(
    step({
      live: [
        { ...client, ...open },
        { ...server, ...open },
      ],
    }),
    [],
  )
  const end = hour + 11 * second
  const last = step({ closed: [client, server].map((end_) => ({ ...end_, state: 4, time: end })) })
  assert.deepEqual(last.map(said), ['closed src closed', 'closed dst closed'])
  assert.deepEqual(
    last.map(({ time }) => time),
    [wall(end), wall(end)],
  )
  const [attempt, accepted] = first
  assert.deepEqual([attempt?.['src_pid'], attempt?.['dst_pid']], [10, 0])
  assert.deepEqual([accepted?.['src_pid'], accepted?.['dst_pid']], [0, 20])
  assert.equal(new Set([...first, ...last].map((row) => row['connection_id'])).size, 1)
  assert.deepEqual(events.takeCounts(), { due: 4, rows: 4, filtered: 0 })
})

test('a connect() that failed is one event, with its errno and when it failed', () => {
  const { step } = fakeAgent()
  const dialling = { ...client, pair: [0, 0] as const, state: synSent }
  assert.deepEqual(step({ live: [dialling] }), [], 'its result is not known yet')
  const failed = hour + 9 * second
  const [row, ...more] = step({ closed: [{ ...dialling, error: 111, time: failed }] })
  assert.deepEqual(more, [])
  assert.equal(said(row as Row), 'attempt src refused ECONNREFUSED')
  assert.deepEqual([row?.['time'], row?.['end']], [wall(hour - second), wall(failed)])
})

test('a connection that is older than the probe had an attempt made up for it', () => {
  const { step } = fakeAgent()
  const older = { ...client, start: 0, flags: 0 }
  assert.deepEqual(step({ live: [{ ...older, state: established }] }), [])
  const [row] = step({ closed: [{ ...older, state: 4 }] })
  assert.equal(said(row as Row), 'closed src closed')
  assert.equal(row?.['start'], null)
})

test('a connection that vanished without a record had a time of end made up for it', () => {
  const { step } = fakeAgent()
  step({ live: [{ ...client, state: established }] })
  const rows = [step({ complete: true }), step({ complete: true }), step({ complete: true })]
  assert.deepEqual(rows.flat(), [])
})

test('a handshake that was never accepted is no event', () => {
  const { step } = fakeAgent()
  assert.deepEqual(step({ closed: [{ ...server, state: 3, error: 110 }] }), [])
})

test("what is left out is counted: by choice, and Weir's own", () => {
  const failed = { ...client, pair: [0, 0] as const, state: synSent, error: 111 }
  const success = { ...client, cookie: 7, pair: [5, 6] as const, state: 4 }
  const some = fakeAgent('failed')
  assert.deepEqual(some.step({ closed: [failed, success] }).map(said), [
    'attempt src refused ECONNREFUSED',
  ])
  assert.deepEqual(some.events.takeCounts(), { due: 3, rows: 1, filtered: 2 })
  const none = fakeAgent('off')
  assert.deepEqual(none.step({ closed: [failed, success] }), [])
  assert.deepEqual(none.events.takeCounts(), { due: 3, rows: 0, filtered: 3 })
  const own = fakeAgent()
  const both = [
    { ...client, tgid: 99, state: 4 },
    { ...server, tgid: 99, state: 4 },
  ]
  assert.deepEqual(own.step({ closed: both }), [])
  assert.equal(own.events.takeCounts().filtered, 4)
})
