// An agent's clock as readings of it; time is a number here.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createAgentClock } from './clock.ts'

const hour = 3_600_000
const second = 1_000_000_000n

test('a clock an hour ahead is corrected from the first frame on; one that NTP keeps is left alone', () => {
  const ahead = createAgentClock({ agentMs: hour + 30, nowMs: 0 })
  assert.equal(ahead.offsetMs(), hour + 30)
  assert.equal(ahead.shiftNs(), -3600n * second)
  assert.equal(createAgentClock({ agentMs: -hour, nowMs: 0 }).shiftNs(), 3600n * second)
  assert.equal(createAgentClock({ agentMs: 4_900, nowMs: 0 }).shiftNs(), 0n)
})

test('the correction does not follow the jitter of the way', () => {
  const clock = createAgentClock({ agentMs: hour, nowMs: 0 })
  for (let at = 10_000, jitter = 0; at < 600_000; at += 10_000, jitter = (jitter + 97) % 400) {
    clock.read(at + hour - jitter, at, false)
    assert.equal(clock.shiftNs(), -3600n * second)
  }
})

test('a clock that is set is believed when two readings agree, back to right as well', () => {
  const clock = createAgentClock({ agentMs: 0, nowMs: 0 })
  clock.read(10_000 + hour, 10_000, false)
  assert.equal(clock.shiftNs(), 0n)
  clock.read(20_000 + hour, 20_000, false)
  assert.equal(clock.shiftNs(), -3600n * second)
  clock.read(30_000, 30_000, false)
  clock.read(40_000, 40_000, false)
  assert.equal(clock.shiftNs(), 0n)
})

test('a reading that waited while central did not read says nothing', () => {
  const clock = createAgentClock({ agentMs: 0, nowMs: 0 })
  clock.read(10_000, 70_000, true)
  clock.read(20_000, 80_000, true)
  assert.equal(clock.offsetMs(), 0)
  assert.equal(clock.shiftNs(), 0n)
})
