import assert from 'node:assert/strict'
import { test } from 'node:test'
import { appendRow, createBatch, eventTable, flowTable, parseAgentFilter } from '../../wire/mod.ts'
import { createRowFilter } from './row-filter.ts'

test('rows that do not pass are left out and counted by their table; the rest is as it was', () => {
  const filter = createRowFilter(parseAgentFilter('dst_process = nginx'))
  const flows = createBatch(flowTable, 3)
  for (const [name, port] of [
    ['nginx', 1],
    ['curl', 2],
    ['nginx', 3],
  ] as const) {
    appendRow(flows, { dst_process: name, dst_port: port })
  }
  const events = createBatch(eventTable, 2)
  for (const name of ['curl', 'curl']) appendRow(events, { kind: 'drop', dst_process: name })

  const passed = filter.pass(flows)
  assert.equal(passed.length, 2)
  assert.deepEqual([...(passed.columns['dst_port']?.values ?? [])].map(Number).slice(0, 2), [1, 3])
  assert.equal(filter.pass(passed), passed)
  assert.equal(filter.pass(events).length, 0)
  assert.deepEqual([filter.takeFiltered('flows'), filter.takeFiltered('events')], [1, 2])
  assert.deepEqual([filter.takeFiltered('flows'), filter.takeFiltered('events')], [0, 0])
})

test('without a filter every row passes', () => {
  const batch = createBatch(flowTable, 1)
  appendRow(batch, { dst_port: 1 })
  assert.equal(createRowFilter(undefined).pass(batch), batch)
})
