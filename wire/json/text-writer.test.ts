import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { rfc3339 } from '../../common/mod.ts'
import { createTextWriter, type TextWriter } from './text-writer.ts'

function written(write: (writer: TextWriter) => void): string {
  const writer = createTextWriter(8)
  write(writer)
  return writer.take().toString()
}

const u32 = fc.oneof(
  fc.constantFrom(0, 1, 65_535, 65_536, 999_999_999, 1_000_000_000, 2 ** 32 - 1),
  fc.integer({ min: 0, max: 2 ** 32 - 1 }),
)

test('ids and times of 64 bits are what whole numbers of any size say', () => {
  fc.assert(
    fc.property(u32, u32, (low, high) => {
      const whole = (BigInt(high) << 32n) | BigInt(low)
      assert.equal(
        written((writer) => writer.id(low, high)),
        String(whole),
      )
      assert.equal(
        written((writer) => writer.time(low, high)),
        rfc3339(whole),
      )
    }),
  )
})

test('numbers around each power of ten, and those that are none of ours', () => {
  const powers = Array.from({ length: 16 }, (_, power) => 10 ** power)
  const around = powers.flatMap((power) => [power - 1, power, power + 1])
  for (const value of [...around, 2 ** 53 - 1, 2 ** 53, -1, 0.5, -0, 1e300]) {
    assert.equal(
      written((writer) => writer.number(value)),
      String(value),
    )
  }
})
