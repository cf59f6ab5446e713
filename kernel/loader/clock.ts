// The kernel's records carry CLOCK_BOOTTIME; people want the time of day.

import { openLibc } from './library.ts'

const clockRealtime = 0
const clockMonotonic = 1
const clockMonotonicCoarse = 6
const clockBoottime = 7
const attempts = 8

/** A step of the time of day below this is taken for the noise of a reading. */
const noiseNs = 100_000n
let known: bigint | undefined

/**
 * Nanoseconds to add to CLOCK_BOOTTIME to get nanoseconds since 1970, right to a tenth of a millisecond. The same each time
 * until the time of day is set: both clocks are slewed together, so what changes between two readings is noise, and a
 * connection keeps its start to the nanosecond.
 */
export function bootToWallNs(): bigint {
  const { offset, spread } = measured()
  const bound = spread > noiseNs ? spread : noiseNs
  if (known === undefined || offset - known > bound || known - offset > bound) known = offset
  return known
}

/** The tightest of several readings. */
function measured(): { readonly offset: bigint; readonly spread: bigint } {
  const boot = Buffer.alloc(16)
  const wall = Buffer.alloc(16)
  let best = { spread: 2n ** 63n, offset: 0n }
  for (let i = 0; i < attempts; i++) {
    const before = read(clockBoottime, boot)
    const now = read(clockRealtime, wall)
    const after = read(clockBoottime, boot)
    const spread = after - before
    if (spread < best.spread) best = { spread, offset: now - before - spread / 2n }
  }
  return best
}

/**
 * How long the machine slept since it booted, nanoseconds: what CLOCK_BOOTTIME is ahead of CLOCK_MONOTONIC. Never
 * more than the truth; less by the time between two readings, mostly below a microsecond.
 */
export function suspendedNs(): bigint {
  const clock = Buffer.alloc(16)
  const boot = read(clockBoottime, clock)
  const slept = boot - read(clockMonotonic, clock)
  return slept > 0n ? slept : 0n
}

/** CLOCK_BOOTTIME in nanoseconds: what `bpf_ktime_get_boot_ns` gives to programs. */
export function bootNs(): bigint {
  return read(clockBoottime, Buffer.alloc(16))
}

/** Nanoseconds between two ticks of the kernel's timer (1 s / CONFIG_HZ). */
export function tickNs(): bigint {
  const time = Buffer.alloc(16)
  openLibc().clockGetres(clockMonotonicCoarse, time)
  return timeIn(time)
}

function read(clock: number, into: Buffer): bigint {
  openLibc().clockGettime(clock, into)
  return timeIn(into)
}

/** struct timespec: s64 seconds, s64 nanoseconds. */
function timeIn(time: Buffer): bigint {
  return time.readBigInt64LE(0) * 1_000_000_000n + time.readBigInt64LE(8)
}
