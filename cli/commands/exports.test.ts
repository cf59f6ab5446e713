import assert from 'node:assert/strict'
import { test } from 'node:test'
import { weir } from '../run.fake.ts'

const row = {
  name: 'warehouse',
  kind: 'postgresql',
  target: 'postgresql://weir@db:5432/net',
  tables: ['flows'],
  state: 'retrying',
  lag_rows: 12_345,
  lag_ms: 60_000,
  rows: 7,
  filtered_rows: 0,
  lost_rows: 3,
  repeated_rows: 0,
  failures: 4,
  last_success: null,
  last_error: 'connection refused',
  last_error_time: '2026-11-21T06:30:00.000Z',
}

test('exports: what waits, what is lost and why', async () => {
  const { out } = await weir('exports', () => ({ body: { rows: [row] } }), 200)
  const [head, first] = out.split('\n')
  assert.match(head ?? '', /^NAME +KIND +TARGET +STATE +ROWS +LAG +LAG \(MS\) +LOST /)
  assert.match(first ?? '', /^warehouse .* retrying +7 +12 345 +60 000 +3 .*connection refused$/)
})

test('exports: for programs the rows are as the API has them', async () => {
  const answer = () => ({ body: { rows: [row] } })
  assert.deepEqual(JSON.parse((await weir('exports -o ndjson', answer)).out), row)
  assert.deepEqual(JSON.parse((await weir('exports -o json', answer)).out), { rows: [row] })
})
