// GET /api/events/top and /api/events/series over the real engine, against sums over the same rows in memory.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Ajv } from 'ajv'
import { appendRow, createBatch, eventTable, type RowValues } from '../wire/mod.ts'
import {
  type EventGroupsAnswer,
  type EventStepsAnswer,
  eventGroupsAnswer,
  eventStepsAnswer,
} from './contract/mod.ts'
import { range, startKnownRiver } from './known-river.fake.ts'
import { beginNs } from './known-rows.fake.ts'

let river: Awaited<ReturnType<typeof startKnownRiver>>

const at = (seconds: number) => beginNs + BigInt(seconds) * 1_000_000_000n
const place = (last: number) => `192.0.2.${last}`
const ends = { node: 'node-a', src_address: place(1), dst_address: place(2) }
const drop = { ...ends, kind: 'drop' }
const rows: readonly RowValues[] = [
  { ...drop, time: at(5), start: at(1), count: 70, bytes: 7000, reason: 'NETFILTER_DROP' },
  { ...drop, time: at(65), count: 30, bytes: 3000, reason: 'NETFILTER_DROP', node: 'node-b' },
  { ...drop, time: at(10), count: 5, bytes: 500, reason: 'NO_SOCKET' },
  { kind: 'connection', phase: 'attempt', time: at(2), count: 1, ...ends },
  { kind: 'reset', time: at(9), count: 1, ...ends, direction: 'sent' },
]

const ajv = new Ajv({ strict: false, validateFormats: false })

before(async () => {
  river = await startKnownRiver()
  const batch = createBatch(eventTable, rows.length)
  for (const row of rows) appendRow(batch, row)
  await river.insert(batch, 'events')
})
after(() => river?.stop())

async function top(query: Readonly<Record<string, string>>): Promise<EventGroupsAnswer> {
  const answer = await river.get<EventGroupsAnswer>('/api/events/top', { ...range, ...query })
  assert.ok(ajv.validate(eventGroupsAnswer, answer), ajv.errorsText())
  return answer
}

test('events/top: rows, packets and octets of each group, the first and the last moment', async () => {
  const { rows: groups, totals } = await top({ by: 'reason', kind: 'drop' })
  assert.deepEqual(
    groups.map(({ reason, events, count, bytes }) => [reason, events, count, bytes]),
    [
      ['NETFILTER_DROP', 2, 100, 10_000],
      ['NO_SOCKET', 1, 5, 500],
    ],
  )
  assert.deepEqual(totals, { groups: 2, events: 3, count: 105, bytes: 10_500 })
  const [first] = groups
  assert.equal(
    Date.parse(String(first?.['last'])) - Date.parse(String(first?.['first'])),
    64_000,
    'from the start of the first interval to the last packet',
  )
})

test('events/top: the limit hides groups, never sums; a filter and an order are heeded', async () => {
  const one = await top({ by: 'kind', limit: '1', order: '-events' })
  assert.deepEqual(
    one.rows.map(({ kind }) => kind),
    ['drop'],
  )
  assert.deepEqual([one.totals.groups, one.totals.events], [3, rows.length])
  const other = await top({
    by: 'node',
    filter: 'reason = NO_SOCKET or kind = reset',
    order: 'node',
  })
  assert.deepEqual(
    other.rows.map(({ node, count }) => [node, count]),
    [['node-a', 6]],
  )
})

test('events/series: steps add up to the groups, and say how much was watched', async () => {
  const answer = await river.get<EventStepsAnswer>('/api/events/series', {
    ...range,
    by: 'kind',
    step: '60s',
  })
  assert.ok(ajv.validate(eventStepsAnswer, answer), ajv.errorsText())
  const drops = answer.rows.filter(({ kind }) => kind === 'drop')
  assert.deepEqual(
    drops.map(({ count }) => count),
    [75, 30],
  )
  assert.equal(answer.step_seconds, 60)
  assert.ok(answer.coverage.steps.length > 0)
})

test('events/top: what cannot be is refused by name', async () => {
  for (const [query, parameter] of [
    [{ by: 'nothing' }, 'by'],
    [{ by: 'kind', order: '-node' }, 'order'],
    [{ by: 'kind', knd: 'drop' }, 'knd'],
    [{ by: 'kind', filter: 'rtt' }, 'filter'],
  ] as const) {
    await assert.rejects(top(query), new RegExp(`"parameter":"${parameter}"`))
  }
})

test('events/series: an answer that would stop at 20,000 rows is refused, never cut', async () => {
  const max = 20_000
  const insert = async (first: number, end: number) => {
    const batch = createBatch(eventTable, end - first)
    for (let i = first; i < end; i++) {
      appendRow(batch, { ...drop, kind: 'packet', time: at(700), count: 1, reason: `R${i}` })
    }
    await river.insert(batch, 'events')
  }
  const query = { ...range, by: 'reason', kind: 'packet', step: '60s' }
  await insert(0, max)
  const whole = await river.get<EventStepsAnswer>('/api/events/series', query)
  assert.equal(whole.rows.length, max)
  await insert(max, max + 1)
  await assert.rejects(river.get('/api/events/series', query), /"parameter":"by"/)
})
