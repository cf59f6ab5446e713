// Open connections over the real engine: which are listed is known beforehand, connection by connection.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { rfc3339 } from '../common/mod.ts'
import { appendRow, createBatch, flowTable, type RowValues } from '../wire/mod.ts'
import type { RowsAnswer, TopAnswer } from './contract/mod.ts'
import { type Parameters, startKnownRiver } from './known-river.fake.ts'
import { beginNs, endNs, nowNs } from './known-rows.fake.ts'
import { openRange } from './question/open.ts'

const second = 1_000_000_000n
const hour = 3600n * second
/** Apart from the addresses of the known rows. */
const server = '203.0.113.7'

let river: Awaited<ReturnType<typeof startKnownRiver>>
before(async () => {
  river = await startKnownRiver()
  const batch = createBatch(flowTable, 1000)
  for (const row of rows()) appendRow(batch, row)
  await river.insert(batch, 'flows')
})
after(() => river?.stop())

/** A row `ago` seconds before now of a connection that was opened `hours` ago. */
function row(id: number, ago: number, values: RowValues = {}): RowValues {
  const base = {
    connection_id: BigInt(id),
    time: nowNs - BigInt(Math.round(ago * 10)) * (second / 10n),
  }
  const names = { node: 'node-a', view: 'socket', counted: true, observer: 'src', protocol: 'tcp' }
  const ends = { src_address: '198.51.100.1', src_port: id, dst_address: server, dst_port: 5432 }
  const start = nowNs - BigInt(id) * hour
  return { ...base, ...names, ...ends, start, state: 'established', end_reason: '', ...values }
}

function ended(id: number, ago: number): RowValues {
  const end = nowNs - BigInt(ago) * second
  return row(id, ago, { state: 'closed', end_reason: 'closed', end })
}

function rows(): readonly RowValues[] {
  return [
    // 1 to 5 are open: busy, silent for hours but for a row a minute, closing, seen by two nodes, of unknown start.
    ...Array.from({ length: 20 }, (_, i) => row(1, 2 + 5 * i)),
    row(2, 118),
    row(2, 58),
    row(3, 70),
    row(3, 10, { state: 'fin_wait2' }),
    row(4, 30),
    row(4, 20, { node: 'node-b', counted: false, observer: 'dst' }),
    row(5, 40, { start: null, dst_port: 80 }),
    // 11 to 16 are not: ended after open rows, in the same instant, long ago, with news of the other end behind it.
    row(11, 70),
    ended(11, 10),
    row(12, 15),
    ended(12, 15),
    row(13, 600),
    ended(13, 500),
    row(14, 90),
    ended(14, 60),
    row(14, 50, { state: 'closed' }),
    ended(15, 5),
    // 16 was last heard five minutes ago, from a node that is gone.
    row(16, 300),
  ]
}

const open = [1, 2, 3, 4, 5]
const range = { from: '-15m', to: 'now' }

async function flows(parameters: Parameters): Promise<readonly number[]> {
  const question = { ...range, dst_address: server, limit: 1000, open: 'true', ...parameters }
  const { rows, next } = await river.get<RowsAnswer>('/api/flows', question)
  assert.equal(next, null)
  return rows.map((each) => Number(each['connection_id']))
}

test('open connections were found only by a guess: each that is open is one row, no other is', async () => {
  assert.deepEqual((await flows({})).toSorted(), open)
  const answer = await river.get<RowsAnswer>('/api/flows', {
    ...range,
    dst_address: server,
    open: 'true',
    connection_id: '1',
  })
  assert.deepEqual(
    answer.rows.map(({ time }) => time),
    [rfc3339(nowNs - 2n * second)],
    'its newest row',
  )
})

test('a filter is about the newest row, never an older one', async () => {
  assert.deepEqual(await flows({ state: 'fin_wait2' }), [3])
  assert.deepEqual((await flows({ state: 'established' })).toSorted(), [1, 2, 4, 5])
  assert.deepEqual((await flows({ filter: 'node = node-a' })).toSorted(), open)
})

test('open at an earlier moment', async () => {
  const to = rfc3339(nowNs - 12n * second)
  assert.deepEqual(
    (await flows({ to })).toSorted((a, b) => a - b),
    [...open, 11],
  )
})

test('how many are open is the same figure in groups', async () => {
  const question = { ...range, by: 'dst_port', metrics: 'connections', open: 'true' }
  const top = await river.get<TopAnswer>('/api/top', { ...question, dst_address: server })
  assert.deepEqual(top.rows.map((each) => [each['dst_port'], each['connections']]).toSorted(), [
    [5432, 4],
    [80, 1],
  ])
  assert.equal(top.totals['connections'], open.length)
})

test('by age: the oldest first, an unknown one last, and bounds', async () => {
  assert.deepEqual(await flows({ order: '-age' }), [4, 3, 2, 1, 5])
  assert.deepEqual(await flows({ order: 'age' }), [1, 2, 3, 4, 5])
  assert.deepEqual(await flows({ order: '-age', age_min: '2h' }), [4, 3, 2])
  assert.deepEqual(await flows({ order: 'age', age_min: '90m', age_max: '3h' }), [2, 3])
  for (const text of ['1', '-1h', 'x', '', '9'.repeat(400).concat('d')]) {
    const { status, body } = await river.ask(`/api/flows?age_min=${text}`)
    assert.equal(status, 400, text)
    assert.match(JSON.stringify(body), /age_min/)
  }
})

for (const order of ['-time', 'src_port', '-age']) {
  test(`pages of open connections by ${order} hold each once`, async () => {
    const found: number[] = []
    let next: string | null = null
    do {
      const cursor: Parameters = next === null ? {} : { cursor: next }
      const question = { ...range, dst_address: server, open: 'true', limit: 2, order, ...cursor }
      const answer: RowsAnswer = await river.get<RowsAnswer>('/api/flows', question)
      found.push(...answer.rows.map((each) => Number(each['connection_id'])))
      next = answer.next
    } while (next !== null)
    assert.deepEqual(found.toSorted(), open)
  })
}

test('agents that report every five minutes have their silent connections listed', () => {
  const whole = { fromNs: beginNs, toNs: endNs }
  assert.equal(endNs - openRange(whole, 5n * second).fromNs, 120n * second)
  assert.equal(endNs - openRange(whole, 300n * second).fromNs, 660n * second)
  assert.equal(openRange({ fromNs: endNs - second, toNs: endNs }, second).fromNs, endNs - second)
})
