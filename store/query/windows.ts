// Growing windows over a time range, from the end (or the begin) on: 5 min, 15 min, 1 h, 6 h, 1 d, then
// 7 d each. Most pages are full after the first; measured on 100M rows an unbounded search takes 1 to 2 s.

import type { Range } from './question.ts'

const minuteNs = 60_000_000_000n
const sizesNs = [5n, 15n, 60n, 360n, 1440n].map((minutes) => minutes * minuteNs)
const lastNs = 7n * 1440n * minuteNs

/** Disjoint windows that cover the range exactly, the newest first when `descending`. */
export function* windowsOf(range: Range, descending: boolean): Generator<Range> {
  let { fromNs, toNs } = range
  for (let i = 0; fromNs < toNs; i++) {
    const size = sizesNs[i] ?? lastNs
    if (size >= toNs - fromNs) {
      yield { fromNs, toNs }
      return
    }
    yield descending ? { fromNs: toNs - size, toNs } : { fromNs, toNs: fromNs + size }
    if (descending) toNs -= size
    else fromNs += size
  }
}
