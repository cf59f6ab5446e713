// Query strings as people type them: times.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseTime } from './time.ts'

const nowNs = 1_795_240_800_123_456_789n // 2026-11-21T06:00:00.123456789Z

const times: readonly (readonly [string, bigint])[] = [
  ['now', nowNs],
  ['-15m', nowNs - 900_000_000_000n],
  ['-1h30m', nowNs - 5_400_000_000_000n],
  ['-0s', nowNs],
  ['2026-11-21T06:00:00Z', 1_795_240_800_000_000_000n],
  ['2026-11-21t06:00:00z', 1_795_240_800_000_000_000n],
  ['2026-11-21 06:00:00Z', 1_795_240_800_000_000_000n],
  ['2026-11-21T06:00:00.123456789Z', nowNs],
  ['2026-11-21T06:00:00.1Z', 1_795_240_800_100_000_000n],
  ['2026-11-21T07:30:00+01:30', 1_795_240_800_000_000_000n],
  ['2026-11-20T22:00:00.000000001-08:00', 1_795_240_800_000_000_001n],
  ['1970-01-01T00:00:00Z', 0n],
]

test('times to the nanosecond', () => {
  for (const [text, ns] of times) assert.equal(parseTime('from', text, nowNs), ns, text)
})

const noTimes = [
  '',
  'NOW',
  '15m',
  '- 15m',
  '2026-11-21',
  '2026-13-01T00:00:00Z',
  '2026-11-21T24:00:00Z',
  '2026-11-21T06:00:00.1234567890Z',
  '2026-11-21T06:00:00',
  '1969-12-31T23:59:59Z',
  '2263-01-01T00:00:00Z',
]

test('what is no time is refused', () => {
  for (const text of noTimes) {
    assert.throws(() => parseTime('from', text, nowNs), { code: 'bad_parameter' }, text)
  }
})
