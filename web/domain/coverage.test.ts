/// <reference types="node" />
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gaugeFill, levelOf, shareText } from './coverage.ts'

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

test('amber below 99 %, red below 95 %', () => {
  assert.deepEqual([1, 0.99, 0.9899, 0.95, 0.9499].map(levelOf), [
    'ok',
    'ok',
    'warn',
    'warn',
    'bad',
  ])
})

test('the gauge is full only at 100 %', () => {
  assert.equal(gaugeFill(1), 1)
  assert.ok(gaugeFill(0.99999) < 0.9)
  assert.ok(gaugeFill(0) > 0)
})
