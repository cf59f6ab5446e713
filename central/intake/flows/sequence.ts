// The sequence numbers of one stream of an exporter: what is missing between two datagrams was sent and is lost, unless
// it comes late. Counts wrap at 2^32.
//
//   expected            ──► goes on
//   ahead of it         ──► the numbers between are missing; lost when they have not come within some seconds
//   behind, missing     ──► it was late: not missing any more
//   behind, known       ──► an exporter that began anew, once the next number follows this one
//
// The number is that of the first record. softflowd 1.1 writes the number behind the last one, and leaves its option
// records out: a stream whose numbers fit that, and not the standard, is read so.

export interface Sequence {
  /** A datagram with that number. `restarted`: the exporter says that it began anew. */
  see(number: number, count: SequenceCount, moment: SequenceMoment): void
  /** The datagram's own count could not be known: the next one is believed. */
  unknown(): void
  /** How many numbers are lost for good since the last call. */
  takeLost(nowMs: number): number
  /** How often it began anew. */
  restarts(): number
}

/** Of one datagram. */
export interface SequenceCount {
  readonly all: number
  /** Without records about the exporter. */
  readonly flows: number
}

export interface SequenceMoment {
  readonly nowMs: number
  readonly restarted: boolean
}

interface Missing {
  from: number
  count: number
  readonly atMs: number
}

const lateMs = 5_000
/** More gaps do not wait: the oldest is lost. */
const gapsMax = 64
/** A jump so far ahead is no loss: the counter was set anew. */
const jumpMax = 0x100_0000

export function createSequence(): Sequence {
  let expected: number | undefined
  /** Where an exporter would go on that began anew with the last datagram. */
  let candidate: number | undefined
  let missing: Missing[] = []
  let lost = 0
  let restarts = 0
  /** The number of the datagram before, and which of the two it is; undefined until that is known. */
  let before: number | undefined
  let isBehind: boolean | undefined

  function see(number: number, count: SequenceCount, moment: SequenceMoment): void {
    if (isBehind === undefined && expected !== undefined && before !== undefined) {
      const fitsStandard = number === expected || number === candidate
      const fitsBehind = number === (before + count.flows) >>> 0
      if (fitsStandard !== fitsBehind) isBehind = fitsBehind
      if (isBehind) expected = before
    }
    before = number
    if (isBehind) take((number - count.flows) >>> 0, count.flows, moment)
    else take(number, count.all, moment)
  }

  function take(first: number, count: number, { nowMs, restarted }: SequenceMoment): void {
    const next = (first + count) >>> 0
    const ahead = expected === undefined ? 0 : (first - expected) | 0
    if (restarted || (candidate === first && ahead !== 0) || ahead >= jumpMax) {
      restarts++
      settle()
      expected = next
      candidate = undefined
      return
    }
    if (ahead < 0) {
      candidate = fill(first, count) ? undefined : next
      return
    }
    if (ahead > 0) note({ from: expected as number, count: ahead, atMs: nowMs })
    expected = next
    candidate = undefined
  }

  function note(gap: Missing): void {
    missing.push(gap)
    if (missing.length > gapsMax) lost += (missing.shift() as Missing).count
  }

  /** Whether the numbers were missing; they are not any more. */
  function fill(first: number, count: number): boolean {
    const gap = missing.find(({ from, count: length }) => {
      const offset = (first - from) >>> 0
      return offset + count <= length
    })
    if (!gap) return false
    const before = (first - gap.from) >>> 0
    const behind = gap.count - before - count
    const rest = { from: (first + count) >>> 0, count: behind, atMs: gap.atMs }
    gap.count = before
    missing = missing.filter((one) => one.count > 0)
    if (behind > 0) note(rest)
    return true
  }

  /** What is missing of a stream that began anew does not come any more. */
  function settle(): void {
    for (const { count } of missing) lost += count
    missing = []
  }

  function takeLost(nowMs: number): number {
    const waiting = missing.filter(({ atMs }) => nowMs - atMs < lateMs)
    for (const gap of missing) if (!waiting.includes(gap)) lost += gap.count
    missing = waiting
    const taken = lost
    lost = 0
    return taken
  }

  function unknown(): void {
    expected = undefined
    candidate = undefined
    before = undefined
  }

  return { see, unknown, takeLost, restarts: () => restarts }
}
