// Rows that another node counts: metrics leave them out, lists show them, coverage knows of them.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { appendRow, createBatch, flowTable } from '../wire/mod.ts'
import type { RowsAnswer, SeriesAnswer, TopAnswer } from './contract/mod.ts'
import { type Parameters, range, startKnownRiver } from './known-river.fake.ts'
import { beginNs } from './known-rows.fake.ts'

const uncounted = 10

let river: Awaited<ReturnType<typeof startKnownRiver>>
before(async () => {
  river = await startKnownRiver()
  const batch = createBatch(flowTable, 2 * uncounted)
  const time = beginNs + 65_000_000_000n // in the step in which the known ledger lost rows
  const row = { time, view: 'socket', src_node: 'left', dst_node: 'right', bytes: 1_000_000 }
  for (let id = 0; id < uncounted; id++) {
    const connection_id = BigInt(id + 7_000_000)
    appendRow(batch, { ...row, connection_id, node: 'left', counted: true })
    appendRow(batch, { ...row, connection_id, node: 'right', counted: false })
  }
  await river.insert(batch, 'flows')
})
after(() => river?.stop())

function top(parameters: Parameters): Promise<TopAnswer> {
  return river.get<TopAnswer>('/api/top', { ...range, by: 'dst_node', ...parameters })
}

test('each byte counts once, whichever of its nodes is asked for, by parameter or filter', async () => {
  const asked: readonly Parameters[] = [
    { node: 'left' },
    { node: 'right' },
    { filter: 'node = right' },
    { filter: 'bytes > 1kB and (node = right or node = left)' },
    { dst_node: 'right' },
  ]
  for (const parameters of asked) {
    const { totals } = await top(parameters)
    assert.equal(totals['bytes'], uncounted * 1_000_000, JSON.stringify(parameters))
    assert.equal(totals['connections'], uncounted)
  }
  const { totals: none } = await top({
    filter: 'bytes > 1kB and not node = right and src_node = left',
  })
  assert.equal(none['bytes'], 0)
  const { totals: others } = await top({ filter: 'not counted and node = right' })
  assert.equal(others['bytes'], uncounted * 1_000_000, 'who asks for them gets them')
})

test('lists show all rows, and which count', async () => {
  const { rows } = await river.get<RowsAnswer>('/api/flows', { ...range, dst_node: 'right' })
  assert.equal(rows.filter((row) => row['counted'] === true).length, uncounted)
  assert.equal(rows.length, 2 * uncounted)
})

test('a series says of itself what a list says: rows that do not count are not missing', async () => {
  const asked = { ...range, metrics: 'bytes' }
  const series = await river.get<SeriesAnswer>('/api/series', { ...asked, step: '1h' })
  const { coverage } = await river.get<RowsAnswer>('/api/flows', { ...range })
  assert.ok(Number(coverage.share) < 1)
  assert.equal(series.coverage.share, coverage.share)
})
