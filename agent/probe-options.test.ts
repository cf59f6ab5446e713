import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseAgentFilter } from '../wire/mod.ts'
import { checkpointKey, probeOptions } from './probe-options.ts'

const boot = '4d0d0f6e-6b2b-4c8e-9f5e-0d1c2b3a4f5e'

test('a checkpoint of another selection in the kernel is not gone on with', () => {
  const ports = (text: string) => checkpointKey(boot, { rowFilter: parseAgentFilter(text) })
  assert.equal(checkpointKey(boot, {}), boot)
  assert.equal(ports('port = 1'), ports('port = 1'))
  assert.notEqual(ports('port = 1'), ports('port = 2'))
  assert.notEqual(ports('port = 1'), boot)
  assert.notEqual(checkpointKey(boot, { filter: { netns: 7 } }), boot)
  // The agent alone looks at it: nothing is left out that it had not known.
  assert.equal(ports('not port = 1'), boot)
  assert.match(ports('port = 1'), /^[0-9a-f]{32}$/)
})

test('what the filter of the agent gives the kernel stands beside --netns', () => {
  const asked = probeOptions({ filter: { netns: 7 }, rowFilter: parseAgentFilter('dst_port = 1') })
  assert.equal(asked.netns, 7)
  assert.deepEqual(
    asked.conditions?.map(({ field }) => field),
    ['port'],
  )
})
