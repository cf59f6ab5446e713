// Windows cover their range exactly, whatever it is.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { windowsOf } from './windows.ts'

const ns = fc.bigInt({ min: 0n, max: 10n ** 18n })

test('windows are disjoint, in order, and together the range', () => {
  fc.assert(
    fc.property(ns, ns, fc.boolean(), (fromNs, span, descending) => {
      const range = { fromNs, toNs: fromNs + span }
      const windows = [...windowsOf(range, descending)]
      if (descending) windows.reverse()
      let at = fromNs
      for (const window of windows) {
        assert.equal(window.fromNs, at)
        assert.ok(window.toNs > at)
        at = window.toNs
      }
      assert.equal(at, range.toNs)
    }),
    { numRuns: 200 },
  )
})

test('the first window is 5 minutes at the newest end', () => {
  const day = 86_400_000_000_000n
  const [first, second] = [...windowsOf({ fromNs: 0n, toNs: day }, true)]
  assert.deepEqual(first, { fromNs: day - 300_000_000_000n, toNs: day })
  assert.equal(second?.toNs, day - 300_000_000_000n)
  assert.deepEqual([...windowsOf({ fromNs: 5n, toNs: 5n }, true)], [])
})
