// Intervals for ratios of interleaved pairs, so that a figure never stands without its noise.

/** A mean with the interval that holds it in 95 of 100 repetitions. */
export interface Interval {
  readonly mean: number
  readonly low: number
  readonly high: number
}

/**
 * The geometric mean of `after[i] / before[i]` with its bootstrap interval (4,000 resamples, seeded: the same
 * pairs always give the same interval).
 */
export function ratioInterval(before: readonly number[], after: readonly number[]): Interval {
  const logs = before.map((value, i) => Math.log(after[i]! / value))
  const { mean, low, high } = meanInterval(logs)
  return { mean: Math.exp(mean), low: Math.exp(low), high: Math.exp(high) }
}

/** The mean of some values with its bootstrap interval. */
export function meanInterval(values: readonly number[]): Interval {
  const random = seeded(values.length)
  const means = Float64Array.from({ length: 4_000 }, () => {
    let sum = 0
    for (let i = 0; i < values.length; i++) sum += values[Math.floor(random() * values.length)]!
    return sum / values.length
  }).sort()
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  return { mean, low: means[100]!, high: means[3_899]! }
}

/** The middle value. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const half = sorted.length / 2
  return Number.isInteger(half)
    ? (sorted[half - 1]! + sorted[half]!) / 2
    : sorted[Math.floor(half)]!
}

/** The value at a rank (0.95 = p95), the nearest above. */
export function rank(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]!
}

/** mulberry32: small, good enough for resampling. */
function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}
