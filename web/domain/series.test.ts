/// <reference types="node" />
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SeriesAnswer, Values } from '../data/contract.ts'
import * as series from './series.ts'

const start = Date.UTC(2026, 7, 21, 14)
const time = (step: number) => new Date(start + step * 10_000).toISOString().replace('Z', '000000Z')

const metrics: Values = {
  bytes: 1000,
  reverse_bytes: 250,
  packets: 30,
  reverse_packets: 20,
  retransmits: 1,
  reverse_retransmits: null,
  opened: 4,
  failed: 1,
  rtt_p50_ns: 1000,
  rtt_p95_ns: null,
}

/** Shares per step; rows at the steps named. */
function answerOf(shares: readonly (number | null)[], rows: readonly number[]): SeriesAnswer {
  return {
    rows: rows.map((step) => ({ ...metrics, time: time(step) })),
    next: null,
    source: 'rows',
    totals: {},
    step_seconds: 10,
    coverage: {
      share: 1,
      watched: 1,
      lost: {},
      gaps: [],
      steps: shares.map((share, step) => ({ time: time(step), share })),
    },
  }
}

const whole = { fromMs: start, toMs: start + 60_000 }
const later = start + 3_600_000

test('a watched step without rows is 0, an unwatched one is a hole', () => {
  const grid = series.gridOf(answerOf([1, 1, null, 0.9, 1, 1], [0, 3]), whole, later)
  assert.deepEqual(series.valuesOf(grid, series.traffic), [1000, 0, null, 1000, 0, 0])
  assert.deepEqual(series.valuesOf(grid, series.packets), [5, 0, null, 5, 0, 0])
  assert.deepEqual(series.valuesOf(grid, series.opened), [0.4, 0, null, 0.4, 0, 0])
})

test('ratios and times are not measured where nothing happened', () => {
  const grid = series.gridOf(answerOf([1, 1], [0]), whole, later)
  assert.deepEqual(series.valuesOf(grid, series.failed), [0.25, null])
  assert.deepEqual(series.valuesOf(grid, series.retransmits), [0.02, null])
  assert.deepEqual(series.valuesOf(grid, series.rttMedian), [1000, null])
  assert.deepEqual(series.valuesOf(grid, series.rttHigh), [null, null])
})

test('retransmits that neither end could count are not zero', () => {
  assert.equal(series.retransmits.of({ ...metrics, retransmits: null }, 10), null)
})

test('an attempt that failed later than it began never makes more than 100 %', () => {
  assert.equal(series.failed.of({ ...metrics, opened: 0, failed: 3 }, 10), 1)
})

test('steps that the range cuts or that are too young are left out', () => {
  const answer = answerOf([1, 1, 1, 1, 1, 1], [])
  const cut = { fromMs: start + 1, toMs: start + 59_999 }
  assert.equal(series.gridOf(answer, cut, later).timesMs.length, 4)
  assert.equal(series.gridOf(answer, whole, start + 60_000).timesMs.length, 5)
  assert.equal(series.gridOf(answer, whole, start + 63_000).timesMs.length, 6)
})

test('the waterline has three kinds', () => {
  const grid = series.gridOf(answerOf([1, 1, 0.99, null, null, 1], []), whole, later)
  assert.deepEqual(series.waterline(grid), [
    { kind: 'ok', from: 0, to: 2 },
    { kind: 'ok', from: 5, to: 6 },
    { kind: 'part', from: 2, to: 3 },
  ])
  assert.deepEqual(series.unwatched(grid), [[3, 5]])
})

test('before the start nothing was missed; after a gap nobody knows', () => {
  const young = answerOf([null, null, 1, null, 1, 1], [])
  const grid = series.gridOf(young, whole, later)
  assert.equal(grid.beforeStart, 2)
  assert.deepEqual(series.unwatched(grid), [[3, 4]])
  assert.deepEqual(series.watchedRange(grid, whole), { ...whole, fromMs: start + 20_000 })
  const newborn = series.gridOf(answerOf([null, null], []), whole, later)
  assert.deepEqual(series.unwatched(newborn), [])
  assert.deepEqual(series.watchedRange(newborn, whole), whole)
  const gaps = [{ node: 'a', from: time(0), to: time(2) }]
  const killed = { ...young, coverage: { ...young.coverage, gaps } }
  assert.deepEqual(series.unwatched(series.gridOf(killed, whole, later)), [
    [0, 2],
    [3, 4],
  ])
})

test('a step in which an agent fell silent is not 0, and its line is amber', () => {
  const answer = answerOf([1, 1, null, 1], [0])
  answer.coverage.gaps.push({ node: 'a', from: time(1.5), to: time(3) })
  const grid = series.gridOf(answer, whole, later)
  assert.deepEqual(series.valuesOf(grid, series.opened), [0.4, null, null, 0])
  assert.deepEqual(series.waterline(grid), [
    { kind: 'ok', from: 0, to: 1 },
    { kind: 'ok', from: 3, to: 4 },
    { kind: 'part', from: 1, to: 2 },
  ])
})

test('the newest value is not a hole', () => {
  assert.equal(series.newest([1, 0, null]), 1)
  assert.equal(series.newest([null]), -1)
  assert.equal(series.newest([]), -1)
})

test('steps are round, about a hundred, and hold two reports', () => {
  const range = (seconds: number) => ({ fromMs: 0, toMs: seconds * 1000 })
  const seconds = [60, 900, 3600, 21_600, 86_400, 604_800].map((s) =>
    series.stepSeconds(range(s), 5000),
  )
  assert.deepEqual(seconds, [10, 10, 60, 300, 900, 7200])
  assert.equal(series.stepSeconds(range(60), 1000), 2)
})

test('a Weir younger than the range began at the first watched step, but not after a gap', () => {
  assert.equal(series.firstWatchedMs(answerOf([null, null, 1, 1], [])), start + 20_000)
  assert.equal(series.firstWatchedMs(answerOf([1, null, 1], [])), undefined)
  assert.equal(series.firstWatchedMs(answerOf([null, null], [])), undefined)
  const young = answerOf([null, 1], [])
  const gaps = [{ node: 'a', from: time(0), to: time(1) }]
  const silent = { ...young, coverage: { ...young.coverage, gaps } }
  assert.equal(series.firstWatchedMs(silent), undefined, 'an agent had watched before and was gone')
})
