import assert from 'node:assert/strict'
import { test } from 'node:test'
import { wholeCoverage } from '../fake.ts'
import { weir } from '../run.fake.ts'

test('the ledger is exact', async () => {
  const row = {
    node: 'alpha',
    stage: 'hook',
    unit: 'records',
    cause: '',
    entered: 12_345_678,
    left: 12_344_466,
    filtered: 0,
    sampled: 0,
    lost: 1212,
    waiting: 0,
    waiting_before: 0,
  }
  const { out } = await weir('ledger', () => ({
    body: { rows: [row], next: null, coverage: wholeCoverage },
  }))
  assert.match(out, /^NODE +STAGE +UNIT +IN /, 'no column without a value')
  assert.match(out, /12 345 678 +12 344 466 +0 +0 +1 212 +0\n$/)
})

test('a line of the ledger adds up as printed, or says that it does not', async () => {
  const row = { node: 'alpha', stage: 'spool', unit: 'rows', cause: '', filtered: 0, sampled: 0 }
  const rows = [
    { ...row, entered: 28_635, left: 28_645, lost: 0, waiting: 1260, waiting_before: 1270 },
    { ...row, entered: 28_635, left: 28_645, lost: 0, waiting: 1260, waiting_before: 0 },
  ]
  const body = { rows, next: null, coverage: wholeCoverage }
  const { out } = await weir('ledger', () => ({ body }))
  const [, first, second] = out.split('\n')
  assert.match(first ?? '', /28 635 +28 645 +0 +0 +0 +1 270 → 1 260$/)
  assert.match(second ?? '', /0 → 1 260 {2}does not add up: 1 270 came unseen$/)
})
