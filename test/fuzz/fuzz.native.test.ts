// The short mode: a few thousand cases per target. `npm run fuzz` is the long one.

import { test } from 'node:test'
import { decoders } from './decoders.ts'
import { fuzz } from './fuzz.ts'
import { programs } from './programs.ts'

const seed = Number(process.env['WEIR_FUZZ_SEED'] ?? 1)

for (const target of decoders()) {
  test(`random and damaged octets: ${target.name}`, () => fuzz(target, 3000, seed))
}

test('random and damaged packets: every program counts each of them once', () => {
  for (const target of programs()) {
    try {
      fuzz(target, 3000, seed)
    } finally {
      target.close?.()
    }
  }
})
