import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { LoadedMap } from '../loader/maps.ts'
import { begins, type Condition, conditionEntries, writeConditions } from './conditions.ts'

/** What was written, looked up as the kernel does it: the longest prefix alone. */
function written(conditions: readonly Condition[]) {
  const entries: { bits: number; data: Uint8Array; met: number }[] = []
  const update = (key: Uint8Array, value: Uint8Array) => {
    const met = new DataView(value.buffer).getUint32(0, true)
    entries.push({ bits: new DataView(key.buffer).getUint32(0, true), data: key.slice(4), met })
  }
  writeConditions({ update } as unknown as LoadedMap, conditions)
  assert.equal(Math.max(entries.length, 1), conditionEntries(conditions))
  return (field: number, octets: Uint8Array): number => {
    const data = Uint8Array.from([field, 0, 0, 0, ...octets])
    const fitting = entries.filter((entry) =>
      begins(data, { octets: entry.data, bits: entry.bits }),
    )
    return fitting.sort((a, b) => b.bits - a.bits)[0]?.met ?? 0
  }
}

const fields = ['port', 'address'] as const
const octets = fc
  .array(fc.constantFrom(0, 1, 128, 255), { minLength: 2, maxLength: 2 })
  .map((first) => Uint8Array.from([...first, ...new Array<number>(14).fill(0)]))
const prefix = fc.record({ octets, bits: fc.integer({ min: 0, max: 16 }) })
const condition = fc.record({
  field: fc.constantFrom(...fields),
  prefixes: fc.array(prefix, { maxLength: 4 }),
})

test('the longest prefix of a value meets all that any prefix of it meets', () => {
  fc.assert(
    fc.property(fc.array(condition, { maxLength: 5 }), octets, (conditions, value) => {
      const met = written(conditions)
      for (const [number, field] of fields.entries()) {
        const expected = conditions.reduce(
          (bits, one, index) =>
            one.field === field && one.prefixes.some((each) => begins(value, each))
              ? bits | (1 << index)
              : bits,
          0,
        )
        assert.equal(met(number, value), expected)
      }
    }),
    { numRuns: 500 },
  )
})

test('the bit of the last condition is no sign', () => {
  const one: Condition = { field: 'port', prefixes: [{ octets: new Uint8Array(16), bits: 128 }] }
  const met = written(Array.from({ length: 32 }, () => one))
  assert.equal(met(0, new Uint8Array(16)), 0xffff_ffff)
})
