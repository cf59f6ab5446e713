// What octets by chance are given to: each takes one case and throws if anything is wrong with what came of it.

import type { Chance } from './random.ts'

export interface Target {
  readonly name: string
  /** Whole and right, to begin from. */
  readonly seeds: readonly Uint8Array[]
  readonly octetsMax: number
  /** Crashes, other errors than the ones that are made for it, and what is not counted, throw. */
  run(octets: Uint8Array, chance: Chance): void
  /** After the last case: that the counts of all of them are right. */
  end(cases: number): void
  close?(): void
}
