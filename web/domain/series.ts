// From the rows of /api/series to what a chart draws: one value or a hole for every step of the range.
// Three zeros are told apart: 0 = counted, none; null = not measured or nobody watched; a gap = nobody knows.

import { bitRate, duration, type Figure, percent, rate } from '../../common/number/mod.ts'
import type { Coverage, SeriesAnswer, Values } from '../data/contract.ts'
import { type Range, settleMs } from './time.ts'

/** The steps of a range: `timesMs` are their begins. */
export interface Grid {
  readonly timesMs: Float64Array
  readonly stepMs: number
  /** Of each step: rows / (rows + lost), or null when no agent watched. */
  readonly shares: readonly (number | null)[]
  /** Of each step: its row, or undefined. */
  readonly rows: readonly (Values | undefined)[]
  /** Of each step: whether an agent was silent in a part of it, so that what is counted is a lower bound. */
  readonly partial: readonly boolean[]
  /** Steps at the begin in which Weir had not been started yet: nothing was missed there. */
  readonly beforeStart: number
}

/** One line of a chart: how it is computed from a row, and what an answer without a row means. */
export interface Measure {
  /** The metric whose label and help it has. */
  readonly metric: string
  readonly format: (value: number) => Figure
  /** The value of a step of `seconds`; null when the row cannot say. */
  readonly of: (row: Values, seconds: number) => number | null
  /** Where the scale ends for good. */
  readonly most?: number
  /** The value of a watched step without rows. */
  readonly silence: 0 | null
}

export const traffic: Measure = {
  metric: 'total',
  format: bitRate,
  of: (row, seconds) => (8 * sum(row, 'bytes', 'reverse_bytes')) / seconds,
  silence: 0,
}

export const packets: Measure = {
  metric: 'packets',
  format: rate,
  of: (row, seconds) => sum(row, 'packets', 'reverse_packets') / seconds,
  silence: 0,
}

export const opened: Measure = {
  metric: 'opened',
  format: rate,
  of: (row, seconds) => sum(row, 'opened') / seconds,
  silence: 0,
}

/** Share of the attempts of a step; an attempt that began in an earlier step is counted where it failed. */
export const failed: Measure = {
  metric: 'failed',
  format: percent,
  most: 1,
  of: (row) => ratio(sum(row, 'failed'), Math.max(sum(row, 'opened'), sum(row, 'failed'))),
  silence: null,
}

export const retransmits: Measure = {
  metric: 'retransmits',
  format: percent,
  most: 1,
  of: (row) =>
    row['retransmits'] === null && row['reverse_retransmits'] === null
      ? null
      : ratio(
          sum(row, 'retransmits', 'reverse_retransmits'),
          sum(row, 'packets', 'reverse_packets'),
        ),
  silence: null,
}

export const rttMedian: Measure = {
  metric: 'rtt_p50_ns',
  format: duration,
  of: (row) => numberOrNull(row['rtt_p50_ns']),
  silence: null,
}

export const rttHigh: Measure = {
  metric: 'rtt_p95_ns',
  format: duration,
  of: (row) => numberOrNull(row['rtt_p95_ns']),
  silence: null,
}

export const sent: Measure = {
  metric: 'bytes',
  format: bitRate,
  of: (row, seconds) => (8 * sum(row, 'bytes')) / seconds,
  silence: 0,
}

export const received: Measure = {
  metric: 'reverse_bytes',
  format: bitRate,
  of: (row, seconds) => (8 * sum(row, 'reverse_bytes')) / seconds,
  silence: 0,
}

/** Packets that the kernel dropped, of the rows of one kind of events. */
export const drops: Measure = {
  metric: 'drops',
  format: rate,
  of: (row, seconds) => sum(row, 'count') / seconds,
  silence: 0,
}

/** Resets, sent and received, of the rows of that kind. */
export const resets: Measure = { ...drops, metric: 'resets' }

const niceSteps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21_600, 86_400]

/** Seconds of a step: about 100 in the range, and at least two reports of the slowest agent. */
export function stepSeconds({ fromMs, toMs }: Range, intervalMs: number): number {
  const least = Math.max((toMs - fromMs) / 100_000, (2 * intervalMs) / 1000)
  return niceSteps.find((step) => step >= least * 0.9) ?? Math.ceil(least / 86_400) * 86_400
}

/** Complete steps only: a step cut by the range, or too young to be complete, would be drawn as a fall. */
export function gridOf(answer: SeriesAnswer, { fromMs, toMs }: Range, nowMs: number): Grid {
  const stepMs = answer.step_seconds * 1000
  const byTime = new Map(answer.rows.map((row) => [Date.parse(String(row['time'])), row]))
  const complete = answer.coverage.steps
    .map(({ time, share }) => ({ time: Date.parse(time), share }))
    .filter(({ time }) => time >= fromMs && time + stepMs <= Math.min(toMs, nowMs - settleMs))
  const found = complete.findIndex(({ share }) => share !== null)
  const watched = found < 0 ? complete.length : found
  const firstMs = complete[watched]?.time ?? Number.POSITIVE_INFINITY
  // A gap says that an agent had watched before; without one, nobody had.
  const gone = answer.coverage.gaps.some((gap) => Date.parse(gap.from) < firstMs)
  return {
    timesMs: Float64Array.from(complete, ({ time }) => time),
    stepMs,
    partial: complete.map(({ time }) => overlaps(answer.coverage.gaps, time, time + stepMs)),
    beforeStart: gone ? 0 : watched,
    shares: complete.map(({ share }) => share),
    rows: complete.map(({ time }) => byTime.get(time)),
  }
}

/** When an agent first watched in the range, if nobody had before: a Weir younger than the range. */
export function firstWatchedMs({ coverage }: SeriesAnswer): number | undefined {
  const { steps, gaps } = coverage
  const first = steps.findIndex(({ share }) => share !== null)
  if (first <= 0) return undefined
  const ms = Date.parse((steps[first] as (typeof steps)[number]).time)
  return gaps.some(({ from }) => Date.parse(from) < ms) ? undefined : ms
}

/** The part of a range that a chart shows: a Weir that is younger than the range has nothing before. */
export function watchedRange(grid: Grid, range: Range): Range {
  const first = grid.beforeStart > 0 ? grid.timesMs[grid.beforeStart] : undefined
  return first === undefined ? range : { fromMs: first, toMs: range.toMs }
}

/** The values of one measure over the grid; null breaks the line. */
export function valuesOf(grid: Grid, measure: Measure): (number | null)[] {
  return grid.rows.map((row, at) => {
    if (row) return measure.of(row, grid.stepMs / 1000)
    return grid.shares[at] === null || grid.partial[at] ? null : measure.silence
  })
}

/** Index of the newest step with a value, which the big figure shows; -1 without any. */
export function newest(values: readonly (number | null)[]): number {
  return values.findLastIndex((value) => value !== null)
}

/** Stretches of neighbouring steps that an agent should have watched, as [begin, end) indexes. */
export function unwatched(grid: Grid): [number, number][] {
  return stretches(grid, (share) => share === null).filter(([, end]) => end > grid.beforeStart)
}

/** Stretches of the waterline: complete; counted loss or a silent agent; nothing where nobody watched. */
export function waterline(grid: Grid): { kind: 'ok' | 'part'; from: number; to: number }[] {
  const isWhole = (share: number | null, at: number) => share === 1 && !grid.partial[at]
  const whole = stretches(grid, isWhole)
  const part = stretches(grid, (share, at) => share !== null && !isWhole(share, at))
  return [
    ...whole.map(([from, to]) => ({ kind: 'ok' as const, from, to })),
    ...part.map(([from, to]) => ({ kind: 'part' as const, from, to })),
  ]
}

function overlaps(gaps: Coverage['gaps'], fromMs: number, toMs: number): boolean {
  return gaps.some(({ from, to }) => Date.parse(from) < toMs && Date.parse(to) > fromMs)
}

function stretches(
  grid: Grid,
  belongs: (share: number | null, at: number) => boolean,
): [number, number][] {
  const found: [number, number][] = []
  grid.shares.forEach((share, at) => {
    if (!belongs(share, at)) return
    const last = found.at(-1)
    if (last && last[1] === at) last[1] = at + 1
    else found.push([at, at + 1])
  })
  return found
}

function sum(row: Values, ...names: readonly string[]): number {
  return names.reduce((total, name) => total + Number(row[name] ?? 0), 0)
}

function ratio(part: number, whole: number): number | null {
  return whole > 0 ? part / whole : null
}

function numberOrNull(value: Values[string] | undefined): number | null {
  return typeof value === 'number' ? value : null
}
