// States of nodes as time passes; time is a number here.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { StoredRow } from '../store/mod.ts'
import { flowTable, ledgerTable } from '../wire/mod.ts'
import { createNodes } from './nodes.ts'

const agent = { node: 'n', agent: 'a', version: '1', boot: 'b', intervalMs: 5_000 }

test('a node is live while rows come, idle while only its ledger comes, then late, then gone', () => {
  let nowMs = 1_000_000
  const nodes = createNodes(() => nowMs)
  const state = () => nodes.list()[0]?.state
  nodes.connected(agent)
  nodes.reported('n', flowTable)
  assert.equal(state(), 'live')
  for (let beat = 0; beat < 20; beat++) {
    nowMs += 5_000
    nodes.reported('n', ledgerTable)
  }
  assert.equal(state(), 'idle')
  nowMs += 14_000
  assert.equal(state(), 'idle')
  nowMs += 2_000
  assert.equal(state(), 'late')
  nowMs += 60_000
  assert.equal(state(), 'gone')
})

test('the interval is the one that the agent says, and silence is measured by it', () => {
  let nowMs = 1_000_000
  const nodes = createNodes(() => nowMs)
  nodes.connected({ ...agent, intervalMs: 30_000 })
  for (let beat = 0; beat < 3; beat++) {
    nowMs += 30_000
    nodes.reported('n', ledgerTable)
  }
  assert.equal(nodes.list()[0]?.intervalMs, 30_000)
  nowMs += 80_000
  assert.equal(nodes.list()[0]?.state, 'idle')
  nowMs += 20_000
  assert.equal(nodes.list()[0]?.state, 'late')
})

test('a node that the store knows is gone, not absent', async () => {
  const nodes = createNodes(() => 10_000_000)
  const rows: readonly StoredRow[] = [{ node: 'old', seen_ms: 1_000, interval_ms: 5_000 }]
  await nodes.load({ read: async () => rows })
  assert.deepEqual(
    nodes.list().map(({ node, state }) => [node, state]),
    [['old', 'gone']],
  )
})
