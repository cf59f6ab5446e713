// Steps of a series: readable, few enough, no shorter than reports come.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { automaticStepNs, stepsOf } from './steps.ts'

const second = 1_000_000_000n

/** Range and interval of the agents in seconds, the step that is chosen. */
const chosen: readonly (readonly [number, number, number])[] = [
  [60, 0, 1],
  [60, 5, 5],
  [300, 1, 1],
  [301, 1, 2],
  [900, 5, 5],
  [900, 60, 60],
  [3600, 5, 15],
  [86_400, 5, 300],
  [7 * 86_400, 5, 3600],
  [90 * 86_400, 5, 86_400],
  [365 * 86_400, 5, 2 * 86_400],
]

test('the automatic step gives at most 300 steps and is no shorter than the interval', () => {
  for (const [span, interval, step] of chosen) {
    const range = { fromNs: 7n, toNs: 7n + BigInt(span) * second }
    const found = automaticStepNs(range, BigInt(interval) * second)
    assert.equal(Number(found / second), step, `${span} s`)
    assert.ok(stepsOf(range, found).length <= 302)
  }
})

test('steps are whole multiples that touch the range', () => {
  assert.deepEqual(stepsOf({ fromNs: 7n, toNs: 20n }, 5n), [5n, 10n, 15n])
  assert.deepEqual(stepsOf({ fromNs: 5n, toNs: 10n }, 5n), [5n])
})
