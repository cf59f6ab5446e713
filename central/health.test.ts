// What people read in /health about nodes that cannot be as they say.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { healthOf } from './health.ts'
import { createNodes } from './nodes.ts'

function healthAfter(act: (nodes: ReturnType<typeof createNodes>) => void) {
  const nodes = createNodes(() => 1_000_000)
  act(nodes)
  const parts = {
    version: '1',
    startedMs: 0,
    isStoreReady: () => true,
    trouble: () => undefined,
    readTrouble: () => undefined,
  }
  return healthOf({ ...parts, nodes })
}

const agent = (node: string, boot: string) => ({
  node,
  agent: `agent-of-${node}`,
  version: '1',
  boot,
  intervalMs: 5_000,
})

test('two nodes of two hosts, each with its clock right: all is well', () => {
  const health = healthAfter((nodes) => {
    nodes.connected(agent('a', 'boot-1'))
    nodes.connected(agent('b', 'boot-2'))
    nodes.clock('a', 120, false)
  })
  assert.equal(health.status, 'ok')
  assert.deepEqual(
    health.nodes.map(({ node, clock_offset_ms, message }) => [node, clock_offset_ms, message]),
    [
      ['a', 120, ''],
      ['b', null, ''],
    ],
  )
})

test('a clock that is an hour ahead is said at the node and as a check', () => {
  const health = healthAfter((nodes) => {
    nodes.connected(agent('a', 'boot-1'))
    nodes.clock('a', 3_600_010, true)
  })
  const said = 'the clock of a is 3600 s ahead: its times are corrected by that'
  assert.equal(health.status, 'degraded')
  assert.equal(health.nodes[0]?.message, said)
  assert.equal(health.nodes[0]?.clock_offset_ms, 3_600_010)
  assert.deepEqual(
    health.checks.find(({ name }) => name === 'clocks'),
    { name: 'clocks', status: 'degraded', message: said },
  )
})

test('a probe that is not open is said at the node and as a check, until its agent has opened it or is gone', () => {
  const socket = { probe: 'socket', reason: 'the kernel refuses it' }
  const said = 'the socket probe of a is not open, its rows are missing: the kernel refuses it'
  const failed = healthAfter((nodes) => {
    nodes.connected(agent('a', 'boot-1'))
    nodes.failedProbes('a', [socket])
  })
  assert.equal(failed.status, 'degraded')
  assert.equal(failed.nodes[0]?.message, said)
  assert.deepEqual(
    failed.checks.find(({ name }) => name === 'probes'),
    { name: 'probes', status: 'degraded', message: said },
  )
  const opened = healthAfter((nodes) => {
    nodes.connected(agent('a', 'boot-1'))
    nodes.failedProbes('a', [socket])
    nodes.failedProbes('a', [])
  })
  assert.equal(opened.status, 'ok')
  const gone = healthAfter((nodes) => nodes.failedProbes('a', [socket]))
  assert.deepEqual([gone.nodes[0]?.state, gone.status], ['gone', 'ok'])
})

test('a second agent under a name, and a second agent on a host, are said with what to do', () => {
  const twice = healthAfter((nodes) => {
    nodes.connected(agent('a', 'boot-1'))
    nodes.refused('a', 'ffffffff-0000-4000-8000-000000000000')
  })
  assert.equal(twice.status, 'degraded')
  assert.match(twice.nodes[0]?.message ?? '', /second agent \(ffffffff\) reports as a .*--node/)
  const oneHost = healthAfter((nodes) => {
    nodes.connected(agent('a', 'boot-1'))
    nodes.connected(agent('b', 'boot-1'))
  })
  assert.equal(oneHost.status, 'degraded')
  assert.match(oneHost.nodes[1]?.message ?? '', /^b and a are one host with 2 agents/)
})
