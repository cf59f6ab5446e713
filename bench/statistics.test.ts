import assert from 'node:assert/strict'
import { test } from 'node:test'
import { meanInterval, median, ratioInterval } from './statistics.ts'

test('equal pairs have ratio 1 and no width', () => {
  assert.deepEqual(ratioInterval([2, 3, 5], [2, 3, 5]), { mean: 1, low: 1, high: 1 })
})

test('the interval holds the mean, and is as wide as the t interval of the same values', () => {
  const values = [9, 10, 11, 10, 9, 11, 10, 10, 12, 8, 10, 9, 11, 10, 9, 11, 10, 10, 12, 8]
  const { mean, low, high } = meanInterval(values)
  assert.equal(mean, 10)
  // Standard deviation 1.124, 20 values, t(19) = 2.093: half width 0.526; a bootstrap is a little narrower.
  assert.ok(low > 9.4 && low < 9.65, `low ${low}`)
  assert.ok(high < 10.6 && high > 10.35, `high ${high}`)
})

test('a ratio does not depend on which pairs were fast', () => {
  const { mean } = ratioInterval([100, 1], [50, 0.5])
  assert.ok(Math.abs(mean - 0.5) < 1e-12)
})

test('median of odd and even counts', () => {
  assert.equal(median([3, 1, 2]), 2)
  assert.equal(median([4, 1, 2, 3]), 2.5)
})
