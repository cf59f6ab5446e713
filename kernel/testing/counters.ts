// Counters of probes are of the whole host and are not read at one instant: a program on another CPU may have counted
// that it saw something, and not yet what became of it.

const limitMs = 10_000

/** Reads until the sums hold, or the limit has come: what is missing then is counted nowhere. */
export function countersOfOneInstant<T>(read: () => T, addUp: (counters: T) => boolean): T {
  const end = performance.now() + limitMs
  for (;;) {
    const counters = read()
    if (addUp(counters) || performance.now() > end) return counters
  }
}
