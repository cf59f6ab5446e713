/// <reference types="node" />
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  axisLabel,
  clock,
  dateTime,
  msOf,
  parseTime,
  rangeLabel,
  refreshMs,
  relativeLabel,
  settleMs,
  untilNextMs,
  zoneLabel,
} from './time.ts'

const now = Date.UTC(2026, 7, 21, 15, 0, 30)

const typed: readonly [string, number | undefined][] = [
  ['now', now],
  ['-90m', now - 5_400_000],
  ['-1h30m', now - 5_400_000],
  [' -1d ', now - 86_400_000],
  ['14:00', Date.UTC(2026, 7, 21, 14)],
  ['14:00:07', Date.UTC(2026, 7, 21, 14, 0, 7)],
  ['16:00', Date.UTC(2026, 7, 20, 16)],
  ['2026-08-21', Date.UTC(2026, 7, 21)],
  ['2026-08-21 14:32', Date.UTC(2026, 7, 21, 14, 32)],
  ['2026-08-21T14:32:10.5Z', Date.UTC(2026, 7, 21, 14, 32, 10, 500)],
  ['2026-08-21T16:32:10+02:00', Date.UTC(2026, 7, 21, 14, 32, 10)],
  ['25:00', undefined],
  ['14:60', undefined],
  ['2026-13-01', undefined],
  ['-5', undefined],
  ['-', undefined],
  ['5m', undefined],
  ['', undefined],
  ['yesterday', undefined],
]

for (const [text, expected] of typed) {
  test(`"${text}" typed as a time`, () => assert.equal(parseTime(text, now, 'utc'), expected))
}

test('nanoseconds of the API become milliseconds', () => {
  assert.equal(msOf('2026-08-21T14:41:28.906112734Z'), Date.UTC(2026, 7, 21, 14, 41, 28, 906))
})

test('clock and date are ISO and 24 h', () => {
  assert.equal(clock(now, 'utc'), '15:00:30')
  assert.equal(clock(now + 7, 'utc', 3), '15:00:30.007')
  assert.equal(dateTime(now, 'utc'), '2026-08-21 15:00:30')
})

test('an axis shows only the part that changes', () => {
  const midnight = Date.UTC(2026, 7, 21)
  assert.equal(axisLabel(now, 3_600_000, 'utc'), '15:00')
  assert.equal(axisLabel(now, 60_000, 'utc'), '15:00:30')
  assert.equal(axisLabel(midnight, 86_400_000, 'utc'), '08-21')
})

test('a range names its days only when it must', () => {
  const hour = { fromMs: Date.UTC(2026, 7, 21, 14), toMs: Date.UTC(2026, 7, 21, 15) }
  assert.equal(rangeLabel(hour, now, 'utc'), '14:00 – 15:00')
  assert.equal(rangeLabel(hour, now + 86_400_000, 'utc'), '08-21 14:00 – 15:00')
  const night = { fromMs: Date.UTC(2026, 7, 20, 23), toMs: Date.UTC(2026, 7, 21, 1) }
  assert.equal(rangeLabel(night, now, 'utc'), '08-20 23:00 – 08-21 01:00')
})

test('relative ranges keep their name', () => {
  assert.equal(relativeLabel('-15m', 'now'), 'last 15 min')
  assert.equal(relativeLabel('-15m', '-5m'), undefined)
  assert.equal(relativeLabel('2026-08-21', 'now'), undefined)
})

test('UTC is called UTC', () => assert.equal(zoneLabel(now, 'utc'), 'UTC'))

test('long ranges are asked for again less often than short ones, and none more often than rows come', () => {
  assert.deepEqual([1000, 10_000, 900_000].map(refreshMs), [5000, 10_000, 60_000])
})

test('questions of one pace come at the same moments, when the rows of a step are there, and none comes twice', () => {
  for (const [everyMs, passedMs, expected] of [
    [10_000, settleMs, 10_000],
    [10_000, settleMs + 1, 9_999],
    [10_000, settleMs + 7_500, 2_500],
    [10_000, settleMs + 7_501, 12_499],
    [10_000, settleMs - 1, 10_001],
    [30_000, settleMs + 10_000, 20_000],
  ] as const) {
    const at = Date.UTC(2026, 7, 21) + passedMs
    assert.equal(untilNextMs(everyMs, at), expected)
    assert.equal((at + untilNextMs(everyMs, at) - settleMs) % everyMs, 0)
  }
})
