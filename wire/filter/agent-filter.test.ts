import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseAgentFilter } from './agent-filter.ts'
import { formatFilter } from './format.ts'

test('a filter of an agent is read for flows and for events', () => {
  const { flows, events } = parseAgentFilter('port = 443 and src_address = 10.0.0.0/8')
  assert.equal(formatFilter(flows), 'port = 443 and src_address = 10.0.0.0/8')
  assert.equal(formatFilter(events), formatFilter(flows))
})

test('what only one table has, times and measurements are refused at their place', () => {
  for (const [text, said] of [
    ['port = 1 and rtt > 5ms', /character 13: rtt_ns is a measurement/],
    ['port = 1 and bytes > 5', /character 13: bytes is a measurement/],
    ['time > -1m', /character 0: time is a time/],
    ['node = a and counted', /character 13: an agent filters events too.*"counted" is no field/],
    ['community_id = x', /computed by the store alone/],
    ['dst_prot = 1', /did you mean dst_port/],
  ] as const) {
    assert.throws(() => parseAgentFilter(text), said, text)
  }
})
