import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createReporter } from './reporter.ts'

test('counters and gauges carry the component, causes are labels', async () => {
  const reporter = createReporter('agent', { level: 'silent' }).child('spool')
  const lost = reporter.counter('lost_rows_total', 'Rows that the spool gave up.')
  reporter.gauge('waiting_rows', 'Rows in the spool.', () => 7)
  lost.add(3, 'spool_full')
  lost.add(2, 'spool_age')
  lost.add(1, 'spool_full')
  assert.equal(lost.total(), 6)
  assert.equal(lost.total('spool_full'), 4)
  const { text } = await reporter.metrics()
  assert.match(text, /weir_spool_lost_rows_total\{cause="spool_full"\} 4/)
  assert.match(text, /weir_spool_waiting_rows 7/)
})
