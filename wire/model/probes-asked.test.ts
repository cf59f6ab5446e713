import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseFilter } from '../filter/check.ts'
import { eventTable } from './event-fields.ts'
import { flowTable } from './flow-fields.ts'
import { probesAsked } from './probes-asked.ts'

const nowNs = 0n

test('a question needs the probe of its view, and those of the kinds of events that it names', () => {
  const flows = (text: string) =>
    probesAsked(flowTable, parseFilter(text, { table: flowTable, nowNs }))
  assert.deepEqual(flows('dst_port = 443'), ['socket'])
  assert.deepEqual(flows('view = socket'), ['socket'])
  assert.ok(flows('view = interface').includes('flow'))
  assert.ok(!flows('view = interface and dst_port = 443').includes('socket'))
  const events = (text: string) =>
    probesAsked(eventTable, parseFilter(text, { table: eventTable, nowNs }))
  assert.deepEqual(events('kind = connection'), ['socket'])
  assert.deepEqual(events('kind in (drop, connection) and count > 1'), ['socket', 'drop'])
  assert.deepEqual(events('kind != drop'), eventTable.probes)
})
