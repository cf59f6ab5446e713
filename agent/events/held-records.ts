// Records that wait for the report of their interval, copied one behind the other into memory that grows.

export interface HeldRecords {
  /** Those that are held begin at 0; other memory after `add`. */
  words(): Uint32Array<ArrayBuffer>
  count(): number
  /** The first `count` whole records of `from`. */
  add(from: Uint32Array, count: number): void
  /** Forgets them; memory for more than `keep` of them is given back. */
  clear(keep?: number): void
}

export function createHeldRecords(recordWords: number): HeldRecords {
  let words = new Uint32Array(0)
  let held = 0

  function add(from: Uint32Array, count: number): void {
    const needed = (held + count) * recordWords
    if (words.length < needed) {
      const larger = new Uint32Array(Math.max(needed, words.length * 2))
      larger.set(words)
      words = larger
    }
    words.set(from.subarray(0, count * recordWords), held * recordWords)
    held += count
  }

  function clear(keep = Number.POSITIVE_INFINITY): void {
    held = 0
    if (words.length > recordWords * keep) words = new Uint32Array(0)
  }

  return { words: () => words, count: () => held, add, clear }
}
