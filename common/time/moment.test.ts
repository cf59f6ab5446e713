import assert from 'node:assert/strict'
import { test } from 'node:test'
import { momentMs } from './moment.ts'

const nowMs = Date.UTC(2026, 7, 21, 15, 0, 30)

for (const [text, expected] of [
  ['now', nowMs],
  ['-15m', nowMs - 900_000],
  ['14:00', Date.UTC(2026, 7, 21, 14)],
  ['9:05', Date.UTC(2026, 7, 21, 9, 5)],
  ['14:00:07', Date.UTC(2026, 7, 21, 14, 0, 7)],
  ['23:00', Date.UTC(2026, 7, 20, 23)],
  ['2026-08-20', Date.UTC(2026, 7, 20)],
  ['2026-08-20 14:32', Date.UTC(2026, 7, 20, 14, 32)],
  ['2026-08-20T14:32:10.5Z', Date.UTC(2026, 7, 20, 14, 32, 10, 500)],
  ['2026-08-20T14:32:10+02:00', Date.UTC(2026, 7, 20, 12, 32, 10)],
  [' -1d ', nowMs - 86_400_000],
  ['-1h30m', nowMs - 5_400_000],
  ['2026-08-20 14:32:10.25', Date.UTC(2026, 7, 20, 14, 32, 10, 250)],
  ['2026-13-01', undefined],
  ['-5', undefined],
  ['-', undefined],
  ['24:00', undefined],
  ['14:60', undefined],
  ['25:00', undefined],
  ['15m', undefined],
  ['yesterday', undefined],
  ['', undefined],
] as const) {
  test(`"${text}" as a moment`, () => assert.equal(momentMs(text, { nowMs, utc: true }), expected))
}

test('without --utc a time of day is of the clock on the wall', () => {
  const local = new Date(2026, 7, 21, 3, 10)
  const now = new Date(2026, 7, 21, 3, 11).getTime()
  assert.equal(momentMs('03:10', { nowMs: now, utc: false }), local.getTime())
})
