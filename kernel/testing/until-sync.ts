// Waiting on a condition between steps that do not wait, such as commands that run to their end.

/** Looks until it is so; the limit is an error naming what was awaited. */
export function untilSync(what: string, look: () => boolean, limitMs = 60_000): void {
  const deadline = performance.now() + limitMs
  while (!look()) {
    if (performance.now() > deadline)
      throw new Error(`waiting for ${what}: not within ${limitMs} ms`)
  }
}
