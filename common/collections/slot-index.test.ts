// The index against a Map, with few distinct keys so that runs collide and deletions shift.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createSlotIndex } from './slot-index.ts'

const u32 = fc.integer({ min: 0, max: 0xffff_ffff })
const key = fc.oneof(fc.tuple(fc.integer({ min: 0, max: 40 }), fc.constant(0)), fc.tuple(u32, u32))

test('the index answers as a Map does after any sets and deletions', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(key, fc.boolean()), { maxLength: 3000 }), (steps) => {
      const index = createSlotIndex()
      const truth = new Map<string, number>()
      for (const [slot, [[low, high], remove]] of steps.entries()) {
        if (remove) {
          index.delete(low, high)
          truth.delete(`${low} ${high}`)
        } else {
          index.set(low, high, slot)
          truth.set(`${low} ${high}`, slot)
        }
      }
      assert.equal(index.size(), truth.size)
      for (const [, [[low, high]]] of steps.entries()) {
        assert.equal(index.find(low, high), truth.get(`${low} ${high}`) ?? -1)
      }
    }),
    { numRuns: 30 },
  )
})

test('the index grows', () => {
  const index = createSlotIndex()
  for (let slot = 0; slot < 50_000; slot++) index.set(slot * 8, slot & 3, slot)
  for (let slot = 0; slot < 50_000; slot += 2) index.delete(slot * 8, slot & 3)
  for (let slot = 0; slot < 50_000; slot++) {
    assert.equal(index.find(slot * 8, slot & 3), slot % 2 === 0 ? -1 : slot)
  }
})
