// Interleaved pairs: without, with, without again, …; what two runs without differ by is the noise.

import { type Interval, ratioInterval } from './statistics.ts'

export interface PairResult {
  /** With / without. */
  readonly ratio: Interval
  /** Without / without, from the same run. */
  readonly noise: Interval
  readonly without: readonly number[]
}

export interface PairPlan {
  readonly pairs: number
  /** One measurement; larger is better. */
  measure(): Promise<number>
  on(): Promise<unknown>
  off(): Promise<unknown>
}

/** Each round measures A, B, A' in an order that turns with the round, so that a drift favours nobody. */
export async function measurePairs({ pairs, measure, on, off }: PairPlan): Promise<PairResult> {
  const kinds = ['first', 'with', 'second'] as const
  const values = { first: [] as number[], with: [] as number[], second: [] as number[] }
  await measure()
  for (let round = 0; round < pairs; round++) {
    for (let turn = 0; turn < kinds.length; turn++) {
      const kind = kinds[(round + turn) % kinds.length]!
      if (kind === 'with') await on()
      values[kind].push(await measure())
      if (kind === 'with') await off()
    }
  }
  return {
    ratio: ratioInterval(values.first, values.with),
    noise: ratioInterval(values.first, values.second),
    without: values.first,
  }
}
