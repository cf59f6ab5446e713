// What an agent leaves behind in a checkpoint, and what the next one makes of it.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { entryWords } from './entries.ts'
import { fakeAgent as agent, client, hour, second, server } from './fake.ts'

test('an agent that comes after another goes on where the rows ended', () => {
  const before = agent()
  const [first] = before.step({
    live: [
      { ...client, sent: 10 },
      { ...server, sent: 4 },
    ],
  })
  before.step({ live: [{ ...client, cookie: 7, pair: [5, 6], remote: ['192.0.2.1', 80] }] })
  const after = agent({ restored: before.enrich.changes(true).entries })
  const older = { start: 0, flags: 0, role: 'unknown' as const }
  const rows = after.step({
    live: [
      { ...server, ...older, sent: 9, received: 30 },
      { ...client, ...older, sent: 30 },
    ],
    complete: true,
  })
  assert.ok(first)
  assert.partialDeepStrictEqual(rows, [
    {
      bytes: 20,
      reverse_bytes: 5,
      total_bytes: 30,
      opened: 0,
      direction_known: true,
      src_process: 'curl',
      start: first['start'],
      connection_id: first['connection_id'],
    },
  ])
  assert.equal(rows.length, 1)
  assert.equal(after.enrich.takeCounts().closedWhileAway, 1)
})

test('an export into the memory of the one before shows nothing of it', () => {
  const { step, enrich } = agent()
  step({ live: [client, server] })
  const cookies = () => [...enrich.changes(true).entries.subarray(12, 16)]
  assert.deepEqual(cookies(), [client.cookie, 0, server.cookie, 0])
  step({ live: [client], closed: [{ ...server, kind: 'closed' }] })
  assert.deepEqual(cookies(), [client.cookie, 0, 0, 0])
})

test('a slot used again within an interval, by a connection that has no row, is another entry', () => {
  const older = { start: 0, flags: 0, pair: [0, 0] as const }
  const before = agent()
  const continued = {
    ...client,
    cookie: 7,
    pair: [0, 0] as const,
    local: ['192.0.2.9', 9] as const,
    remote: ['192.0.2.1', 80] as const,
  }
  before.step({ live: [{ ...continued, sent: 5 }] })
  const { step, enrich } = agent({ restored: before.enrich.changes(true).entries })
  const near = { ...client, local: ['10.0.0.1', 5] as const, remote: ['10.0.0.2', 80] as const }
  const far = { ...server, local: near.remote, remote: near.local }
  const dialled = { ...near, pair: [0, 0] as const, state: 2, start: hour - 60 * second }
  step({ live: [far] })
  step({ live: [dialled] })
  enrich.changes(true)
  step({
    live: [
      { ...near, start: dialled.start },
      { ...continued, ...older, sent: 5 },
    ],
  })
  const { entries } = enrich.changes(false)
  const cookies = [0, 1].map((entry) => entries[entry * entryWords + 12])
  assert.deepEqual(cookies, [client.cookie, continued.cookie])
})
