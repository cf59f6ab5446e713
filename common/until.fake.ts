// Waiting in a test: on a condition, never for a time.

/**
 * Waits until `look` gives something else than undefined or false; the limit is an error naming what was awaited (asked for
 * then, if it is a function). It looks ever more rarely, at last every `pauseMaxMs`.
 */
export async function until<T>(
  what: string | (() => string),
  look: () => Promise<T | undefined | false> | T | undefined | false,
  limitMs = 60_000,
  pauseMaxMs = 200,
): Promise<T> {
  const deadline = performance.now() + limitMs
  for (let pauseMs = 2; ; pauseMs = Math.min(pauseMs * 2, pauseMaxMs)) {
    const found = await look()
    if (found !== undefined && found !== false) return found
    if (performance.now() > deadline) {
      const awaited = typeof what === 'string' ? what : what()
      throw new Error(`waiting for ${awaited}: not within ${limitMs} ms`)
    }
    await new Promise((resolve) => setTimeout(resolve, pauseMs))
  }
}
