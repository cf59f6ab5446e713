// Gives so many cases to a target; what goes wrong is said with the octets that did it.

import { createChance, mutate } from './random.ts'
import type { Target } from './target.ts'

/** Throws at the first case that goes wrong. */
export function fuzz(target: Target, cases: number, seed: number): void {
  const chance = createChance(seed)
  for (let nth = 0; nth < cases; nth++) {
    const octets = mutate(chance.of(target.seeds), chance, target.octetsMax)
    try {
      target.run(octets, chance)
    } catch (cause) {
      const what = `${target.name}, case ${nth} of seed ${seed}: ${octets.toString('hex')}`
      throw new Error(what, { cause })
    }
  }
  target.end(cases)
}
