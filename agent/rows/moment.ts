// The instant of a report: everything that is the same for all its rows.

export interface Moment {
  /** End of the interval: milliseconds since 1970, and the same as nanoseconds in u32 halves. */
  readonly nowMs: number
  readonly time: bigint
  /** CLOCK_BOOTTIME at that instant, nanoseconds; rounded, for ages only. */
  readonly bootNs: number
  /** To add to boot nanoseconds for nanoseconds since 1970. */
  readonly bootToWallNs: bigint
  readonly intervalMs: number
  /** The last report: nothing is held back for a later one. */
  readonly last: boolean
}

export function momentOf(
  nowMs: number,
  options: { bootToWallNs: bigint; intervalMs: number; last?: boolean },
): Moment {
  const { bootToWallNs, intervalMs, last = false } = options
  const time = BigInt(nowMs) * 1_000_000n
  return { nowMs, time, bootNs: Number(time - bootToWallNs), bootToWallNs, intervalMs, last }
}
