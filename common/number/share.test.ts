import assert from 'node:assert/strict'
import { test } from 'node:test'
import { terminalStyle } from './number.ts'
import { shareText, spanText, watchedText } from './share.ts'

const shares: readonly [number, 1 | 2, string][] = [
  [1, 2, '100 %'],
  [0.99996, 2, '99.99 %'],
  [0.999_999_999_9, 2, '99.99 %'],
  [1 - Number.EPSILON, 1, '99.9 %'],
  [0.9964, 2, '99.64 %'],
  [0.9964, 1, '99.6 %'],
  [0.97899, 1, '97.8 %'],
  [0, 2, '0.00 %'],
]

for (const [share, digits, expected] of shares) {
  test(`share ${share} reads ${expected}`, () => assert.equal(shareText(share, digits), expected))
}

test('what was watched of a range is never said to be all of it', () => {
  const said = (watched: number, rangeMs = 86_400_000) =>
    watchedText(watched, rangeMs, terminalStyle)
  assert.equal(said(1), undefined)
  assert.equal(said(6 / (24 * 60)), '6 min of 24 h')
  for (let minutes = 1; minutes < 60; minutes++) {
    assert.equal(said((minutes * 60_000) / 86_400_000), `${minutes} min of 24 h`)
  }
  assert.equal(said(1 - Number.EPSILON, 900_000), '14 min 59 s of 15 min')
  assert.equal(said(0), '0 s of 24 h')
  assert.equal(said(0.9999), '23 h 59 min of 24 h')
  assert.equal(said(0.999, 15 * 60_000), '14 min 59 s of 15 min')
  assert.equal(said(0.5, 60_000), '30 s of 1 min')
  assert.equal(said(0.5, 7 * 86_400_000), '3 d of 7 d')
  assert.equal(said(0.99, 3_600_000), '59 min 24 s of 1 h')
})

test('spans of time', () => {
  const said = (seconds: number) => spanText(seconds * 1000, terminalStyle)
  assert.deepEqual([0, 0.9, 42, 60, 90, 360].map(said), [
    '0 s',
    '0 s',
    '42 s',
    '1 min',
    '1 min 30 s',
    '6 min',
  ])
  assert.deepEqual([3600, 86_400, 130_200, 604_800].map(said), [
    '1 h',
    '24 h',
    '36 h 10 min',
    '7 d',
  ])
})
