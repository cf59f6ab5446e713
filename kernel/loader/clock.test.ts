// The time of day of what the kernel's records say.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bootNs, bootToWallNs } from './clock.ts'

test('the time of day of a moment is right, and the same whenever it is asked for', () => {
  const offsets = Array.from({ length: 1000 }, bootToWallNs)
  assert.deepEqual([...new Set(offsets)], offsets.slice(0, 1))
  const before = Date.now()
  const wallMs = Number((bootNs() + (offsets[0] as bigint)) / 1_000_000n)
  assert.ok(before - 1 <= wallMs && wallMs <= Date.now() + 1)
})
