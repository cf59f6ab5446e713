import assert from 'node:assert/strict'
import { test } from 'node:test'
import { wholeCoverage } from '../fake.ts'
import { weir } from '../run.fake.ts'

const body = {
  rows: [],
  next: null,
  totals: { groups: 4000, opened: 9 },
  source: 'minute',
  coverage: wholeCoverage,
}

test('metrics preview: the label sets of the store, both directions, and what the budget folds', async () => {
  const line = 'metrics preview -o json --labels src_workload,server_port'
  const { out, asked } = await weir(line, () => ({ body }))
  assert.match(JSON.stringify(asked), /by=src_workload&by=dst_port/)
  assert.deepEqual(JSON.parse(out), {
    labels: ['src_workload', 'server_port'],
    label_sets: 4000,
    series_max: 8000,
    budget: 5000,
    folded: 3000,
  })
})

test('metrics preview: for people, the verdict in words', async () => {
  const { out } = await weir('metrics preview --series 8000', () => ({ body }))
  assert.match(out, /label sets +4.000 in /)
  assert.match(out, /budget +8.000 per family: all have a series of their own/)
})

test('metrics preview: a label that is no field is refused with its neighbour', async () => {
  const { err, exitCode } = await weir('metrics preview --labels src_worklod', () => ({ body }))
  assert.equal(exitCode, 64)
  assert.match(err, /src_worklod; did you mean src_workload\?/)
})
