// One family of series with a bound: the largest keep a series of their own, what is beyond goes to one series whose
// labels all say "other". Every amount is added to exactly one series, so the increase of all of them is exact, and no
// counter goes back.

import type { Family, HistogramCounts, Series } from '../../common/exposition/mod.ts'
import type { ExportedMetric } from '../model/exported-metrics.ts'

export interface BoundedSeries extends Series {
  value: number
  readonly createdMs: number
  readonly histogram?: HistogramCounts
  /** Time of the last amount. */
  lastMs: number
  /** What was added lately: halved at each `tick`. */
  recent: number
  /** A scrape has shown it. The first one shows 0, so that a rate has something to begin at. */
  shown: boolean
}

export interface FamilyLimits {
  readonly seriesMax: number
  /** A series to which nothing was added for so long goes. */
  readonly expiryMs: number
}

export interface BoundedFamily {
  readonly metric: ExportedMetric
  /** What adds a value to the series of these labels, or observes it there; good until the next `tick`. */
  adder(labels: string, nowMs: number): (value: number) => void
  /** The series itself, for gauges; that of `other` when there is no room. */
  seriesOf(labels: string, nowMs: number): BoundedSeries
  tick(nowMs: number): void
  family(): Family
  counts(): FamilyCounts
}

export interface FamilyCounts {
  readonly series: number
  /** Label sets that have no series of their own now, as far as they are remembered. */
  readonly folded: number
  /** Series that went, idle or to make room, and the sum of their values. */
  readonly retired: number
  readonly retiredSum: number
}

interface Candidate {
  recent: number
}

/** A label set takes the place of another when it is so many times as busy. */
const displacesFrom = 2

export function createBoundedFamily(
  metric: ExportedMetric,
  otherLabels: string,
  { seriesMax, expiryMs }: FamilyLimits,
): BoundedFamily {
  const isCounter = metric.op === 'sum' || metric.op === 'count' || metric.op === 'observe'
  const series = new Map<string, BoundedSeries>()
  const candidates = new Map<string, Candidate>()
  const candidatesMax = 2 * seriesMax + 100
  let other: BoundedSeries | undefined
  let retired = 0
  let retiredSum = 0

  function make(labels: string, nowMs: number): BoundedSeries {
    const { bounds } = metric
    const histogram = bounds && { bounds, counts: new Float64Array(bounds.length + 1) }
    const base = { labels, value: 0, createdMs: nowMs, lastMs: nowMs, recent: 0, shown: false }
    return histogram ? { ...base, histogram } : base
  }

  function seriesOf(labels: string, nowMs: number): BoundedSeries {
    const known = series.get(labels)
    if (known) return known
    if (series.size < seriesMax) {
      const made = make(labels, nowMs)
      series.set(labels, made)
      return made
    }
    other ??= make(otherLabels, nowMs)
    return other
  }

  function adder(labels: string, nowMs: number): (value: number) => void {
    const found = seriesOf(labels, nowMs)
    const { histogram } = found
    const isOther = found === other
    found.lastMs = nowMs
    return (value) => {
      const weight = histogram ? 1 : value
      if (isOther) remember(labels, weight)
      found.value += value
      found.recent += weight
      if (histogram) observe(histogram, value)
    }
  }

  /** Bounded: when it is full, new ones are not remembered until the next tick. */
  function remember(labels: string, weight: number): void {
    const known = candidates.get(labels)
    if (known) known.recent += weight
    else if (candidates.size < candidatesMax) candidates.set(labels, { recent: weight })
  }

  function tick(nowMs: number): void {
    for (const [labels, one] of series) {
      if (nowMs - one.lastMs >= expiryMs) retire(labels, one)
    }
    if (isCounter) displace(nowMs)
    for (const one of series.values()) one.recent /= 2
    for (const [labels, candidate] of candidates) {
      candidate.recent /= 2
      if (candidate.recent < 0.5) candidates.delete(labels)
    }
  }

  function displace(nowMs: number): void {
    if (candidates.size === 0) return
    const busy = [...candidates].sort(([, a], [, b]) => b.recent - a.recent)
    const quiet = [...series].sort(([, a], [, b]) => a.recent - b.recent)
    for (const [labels, { recent }] of busy) {
      if (series.size >= seriesMax) {
        const [least] = quiet
        if (!least || recent <= displacesFrom * least[1].recent) return
        quiet.shift()
        retire(...least)
      }
      candidates.delete(labels)
      seriesOf(labels, nowMs).recent = recent
    }
  }

  function retire(labels: string, one: BoundedSeries): void {
    series.delete(labels)
    retired++
    if (isCounter) retiredSum += one.value
  }

  function* shown(): Generator<Series> {
    for (const one of series.values()) yield shownAs(one, isCounter)
    if (other) yield shownAs(other, isCounter)
  }

  return {
    metric,
    adder,
    seriesOf,
    tick,
    family: () => familyOf(metric, shown),
    counts: () => ({ series: series.size, folded: candidates.size, retired, retiredSum }),
  }
}

function familyOf({ name, help, unit, op }: ExportedMetric, series: Family['series']): Family {
  const kind = op === 'observe' ? 'histogram' : op === 'sum' || op === 'count' ? 'counter' : 'gauge'
  const isSuffix = unit !== undefined && name.replace(/_total$/, '').endsWith(`_${unit}`)
  return { name, kind, help, series, ...(isSuffix ? { unit } : {}) }
}

function shownAs(one: BoundedSeries, isCounter: boolean): Series {
  if (one.shown || !isCounter) return one
  one.shown = true
  const { labels, createdMs, histogram } = one
  const zero = { labels, createdMs, value: 0 }
  if (!histogram) return zero
  const counts = new Float64Array(histogram.counts.length)
  return { ...zero, histogram: { bounds: histogram.bounds, counts } }
}

function observe({ bounds, counts }: HistogramCounts, value: number): void {
  let bucket = 0
  while (bucket < bounds.length && value > (bounds[bucket] as number)) bucket++
  counts[bucket] = (counts[bucket] as number) + 1
}
