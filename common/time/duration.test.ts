import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseDurationMs, rfc3339 } from './duration.ts'

test('durations as people type them', () => {
  const table: readonly [string, number | undefined][] = [
    ['5s', 5000],
    ['250ms', 250],
    ['1.5h', 5_400_000],
    ['1h30m', 5_400_000],
    ['2d', 172_800_000],
    ['500us', 0.5],
    ['1.1s', 1100],
    ['5', undefined],
    ['', undefined],
    ['-5s', undefined],
    ['5s ', undefined],
    ['5sec', undefined],
  ]
  for (const [text, ms] of table) assert.equal(parseDurationMs(text), ms, text)
})

test('nanoseconds keep every digit', () => {
  assert.equal(rfc3339(1_795_271_530_000_000_001n), '2026-11-21T14:32:10.000000001Z')
  assert.equal(rfc3339(0n), '1970-01-01T00:00:00.000000000Z')
})
