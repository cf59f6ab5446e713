// GET /api/export over the real engine. The files are read by hyparquet and apache-arrow, and every value is compared
// with the rows.

import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { rfc3339 } from '../common/mod.ts'
import { appendRow, createBatch, flowTable, type Row } from '../wire/mod.ts'
import { readColumnar } from './columnar.fake.ts'
import { type Parameters, range, startKnownRiver } from './known-river.fake.ts'
import { beginNs, endNs, knownFlows, rowsOf } from './known-rows.fake.ts'

const rows = rowsOf(knownFlows())
let river: Awaited<ReturnType<typeof startKnownRiver>>
before(async () => {
  river = await startKnownRiver()
})
after(() => river?.stop())

/** The rows of every part of a question. */
async function parts(parameters: Parameters): Promise<readonly (readonly Row[])[]> {
  const parts: (readonly Row[])[] = []
  for (let page: Parameters = {}; ; ) {
    const { octets, headers } = await river.file('/api/export/flows', {
      ...range,
      ...parameters,
      ...page,
    })
    const part = await readColumnar(octets, flowTable)
    parts.push(part)
    assert.equal(part.length, Number(headers['weir-rows']))
    assert.deepEqual(
      [...new Set(part.map((row) => row['time']))],
      part.map((row) => row['time']).filter((time, index, all) => time !== all[index - 1]),
      'in the order of time',
    )
    const next = headers['weir-next']
    if (next === undefined) return parts
    page = { cursor: next }
  }
}

const bag = (some: readonly Row[]) =>
  some
    .map(({ community_id: _, ...row }) => JSON.stringify(Object.entries(row).toSorted()))
    .toSorted()

for (const format of ['parquet', 'arrow']) {
  test(`${format}: every value of every row is there, in parts that neither repeat nor leave out`, async () => {
    // Parts of 400 end within an instant.
    for (const limit of [250_000, 400]) {
      const found = await parts({ format, limit })
      assert.equal(found.length, Math.ceil(rows.length / limit))
      assert.deepEqual(bag(found.flat()), bag(rows))
    }
  })
}

test('a part may end between rows that are equal', async () => {
  const first = rows.filter((row) => row['time'] === rows[0]?.['time'])
  const alike = new Set(bag(first))
  assert.ok(alike.size < first.length)
  const found = await parts({ limit: 1, to: rfc3339(beginNs + 2n) })
  assert.deepEqual(bag(found.flat()), bag(first))
})

test('only rows that pass the filter are in the file, and no row at all is a file as well', async () => {
  const found = await parts({ filter: 'dst_port = 443' })
  assert.deepEqual(bag(found.flat()), bag(rows.filter((row) => row['dst_port'] === 443)))
  assert.deepEqual(await parts({ filter: 'dst_port = 1' }), [[]])
})

test('as in the other answers, rows of interfaces come when their view is asked for', async () => {
  const batch = createBatch(flowTable, 2)
  appendRow(batch, { time: endNs - 20n, node: 'two views', view: 'socket', bytes: 1 })
  appendRow(batch, { time: endNs - 20n, node: 'two views', view: 'interface', bytes: 2 })
  await river.insert(batch, 'flows')
  const bytes = async (asked: Parameters) =>
    (await parts({ node: 'two views', ...asked })).flat().map((row) => row['bytes'])
  assert.deepEqual(await bytes({}), [1])
  assert.deepEqual(await bytes({ view: 'interface' }), [2])
})

test('addresses are written as the other answers write them', async () => {
  const hard = [
    '2001:db8:0:1:1:1:1:1',
    '0:1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:0',
    '::',
    '::1',
    '1::',
    '192.0.2.1',
  ]
  const batch = createBatch(flowTable, hard.length)
  for (const [index, address] of hard.entries()) {
    appendRow(batch, {
      time: endNs - BigInt(hard.length - index),
      node: 'hard',
      view: 'socket',
      src_address: address,
    })
  }
  await river.insert(batch, 'flows')
  const found = await parts({ node: 'hard' })
  const wanted = await river.get<{ rows: readonly Row[] }>('/api/flows', {
    ...range,
    node: 'hard',
    order: 'time',
  })
  assert.deepEqual(
    found.flat().map((row) => row['src_address']),
    wanted.rows.map((row) => row['src_address']),
  )
})

test('a cursor of another question and an unknown format are refused, and nothing is left behind', async () => {
  const refused = await river.ask('/api/export/flows?format=csv')
  assert.equal(refused.status, 400)
  assert.match(refused.text, /format/)
  assert.equal((await river.ask('/api/export/flows?cursor=abc')).status, 400)
  assert.deepEqual(readdirSync(river.scratch), [])
})
