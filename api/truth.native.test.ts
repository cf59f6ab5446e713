// GET /api/ledger and the coverage of every answer over the real engine: a known loss, a hole and a silent
// node must show exactly.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Ajv } from 'ajv'
import { rfc3339 } from '../common/mod.ts'
import { appendRow, createBatch, ledgerTable, type RowValues } from '../wire/mod.ts'
import {
  type LedgerAnswer,
  ledgerAnswer,
  type RowsAnswer,
  type SeriesAnswer,
} from './contract/mod.ts'
import { type Parameters, range, startKnownRiver } from './known-river.fake.ts'
import { beginNs, hole, knownFlows, lost, rowsOf, silence } from './known-rows.fake.ts'

const rows = rowsOf(knownFlows())
const ajv = new Ajv({ strict: false, formats: { 'date-time': true } })

let river: Awaited<ReturnType<typeof startKnownRiver>>
before(async () => {
  river = await startKnownRiver()
})
after(() => river?.stop())

test('ledger: sums per node, stage and cause', async () => {
  const answer = await river.get<LedgerAnswer>('/api/ledger', range)
  assert.ok(ajv.validate(ledgerAnswer, answer), ajv.errorsText())
  const short = answer.rows.map((row) =>
    ['node', 'stage', 'cause', 'entered', 'left', 'filtered', 'lost', 'waiting'].map(
      (name) => row[name],
    ),
  )
  assert.deepEqual(short, [
    ['node-a', 'hook', '', 2280, 2280, 0, 0, 0],
    ['node-a', 'spool', '', 45, 28, 0, 17, 0],
    ['node-a', 'spool', 'own_traffic', 0, 0, 9, 0, 0],
    ['node-a', 'spool', 'spool_full', 0, 0, 0, 12, 0],
    ['node-b', 'hook', '', 1810, 1810, 0, 0, 0],
    ['node-b', 'drain', '', 30, 0, 0, 30, 0],
    ['node-b', 'drain', 'ring_full', 0, 0, 0, 30, 0],
  ])
  const one = await river.get<LedgerAnswer>('/api/ledger', {
    ...range,
    node: 'node-b',
    stage: 'drain',
  })
  assert.equal(one.rows.length, 2)
})

test('ledger: a range that begins with rows waiting says how many, so that its line adds up', async () => {
  const from = rfc3339(beginNs + 100n * 1_000_000_000n)
  const question = { ...range, from, stage: 'spool' }
  const { rows: lines } = await river.get<LedgerAnswer>('/api/ledger', question)
  const [line] = lines
  assert.equal(lines.length, 1)
  assert.deepEqual([line?.['waiting_before'], line?.['waiting']], [3, 0])
  assert.equal(line?.['entered'], Number(line?.['left']) + 0 - 3)
})

test('coverage: the exact share of a known loss, its causes, the hole and the silence', async () => {
  const lostInAll = lost.ring_full + lost.spool_full + lost.unknown
  const gaps = [hole, silence].map(({ node, fromNs, toNs }) => ({
    node,
    from: rfc3339(fromNs),
    to: rfc3339(toNs),
  }))
  // Of 2 × 1200 s, node-a missed 60 and node-b 300.
  const watched = 2040 / 2400
  const whole = { share: rows.length / (rows.length + lostInAll), watched, lost, gaps }
  const paths: [string, Parameters][] = [
    ['/api/flows', { limit: 1, src_process: 'curl' }],
    ['/api/top', { by: 'node' }],
    ['/api/ledger', {}],
  ]
  for (const [path, parameters] of paths) {
    const { coverage } = await river.get<RowsAnswer>(path, { ...range, ...parameters })
    assert.deepEqual(coverage, whole, path)
  }
  const atB = rows.filter((row) => row['node'] === 'node-b').length
  const { coverage: b } = await river.get<RowsAnswer>('/api/flows', { ...range, node: 'node-b' })
  const share = atB / (atB + 30)
  assert.deepEqual(b, { share, watched: 0.75, lost: { ring_full: 30 }, gaps: [gaps[1]] })
  const quiet = { from: rfc3339(beginNs + 600_000_000_000n), to: range.to, node: 'node-a' }
  const { coverage: complete } = await river.get<RowsAnswer>('/api/flows', quiet)
  assert.deepEqual(complete, { share: 1, watched: 1, lost: {}, gaps: [] })
  const before = { from: '2026-11-20T00:00:00Z', to: '2026-11-20T01:00:00Z' }
  const { coverage: blind } = await river.get<RowsAnswer>('/api/flows', before)
  assert.deepEqual(blind, { share: null, watched: 0, lost: {}, gaps: [] })
})

test('watched: a day of which Weir saw twenty minutes says so', async () => {
  const day = { from: rfc3339(beginNs - 85_200_000_000_000n), to: range.to, node: 'node-a' }
  const { coverage } = await river.get<RowsAnswer>('/api/flows', day)
  // node-a reports from a minute before the known rows on, and has one hole of a minute.
  const seconds = coverage.watched * 86_400
  assert.ok(Math.abs(seconds - 1200) < 1e-6, `${seconds} s`)
  assert.deepEqual(coverage.gaps.length, 1, 'before the first report there is no gap')
})

test('coverage of every step: its loss, complete, or nobody watching', async () => {
  const from = rfc3339(beginNs - 120_000_000_000n)
  const one = { from, to: range.to, step: '1m', node: 'node-a' }
  const { coverage } = await river.get<SeriesAnswer>('/api/series', one)
  const atA = rows.filter((row) => row['node'] === 'node-a')
  const second = atA.filter((row) => `${row['time']}`.startsWith('2026-11-21T06:01:')).length
  const shares = coverage.steps.map(({ share }) => share)
  assert.equal(shares.length, 22)
  assert.deepEqual(shares.slice(0, 5), [null, 1, 1, second / (second + 17), 1])
  assert.equal(coverage.steps[7]?.time, rfc3339(hole.fromNs))
  assert.equal(shares[7], 1, 'rows of the hole are stored, so the share speaks of them')
  assert.deepEqual(
    coverage.gaps.map(({ node }) => node),
    ['node-a'],
  )
})

/** Rows of the ledger at `seconds` after the begin, five seconds long. */
async function insertLedger(node: string, more: readonly (RowValues & { at: number })[]) {
  const batch = createBatch(ledgerTable, more.length)
  for (const { at, ...row } of more) {
    const start = beginNs + BigInt(at) * 1_000_000_000n
    appendRow(batch, { node, start, time: start + 5_000_000_000n, ...row })
  }
  await river.insert(batch, 'ledger')
}

test('lost rows of another table, and lost records of another probe, do not spoil flows', async () => {
  const lostOf = (stage: string, of: RowValues, cause: string, count: number) => [
    { at: 60, stage, ...of, entered: count, lost: count },
    { at: 60, stage, ...of, cause, lost: count },
  ]
  const records = (probe: string) => ({ unit: 'records', probe })
  const rowsOfTable = (table: string) => ({ unit: 'rows', table })
  await insertLedger('node-c', [
    ...Array.from({ length: 240 }, (_, step) => ({
      at: step * 5,
      stage: 'agent',
      unit: 'intervals',
    })),
    ...lostOf('drain', { unit: 'packets', probe: 'drop' }, 'drain_full', 1000),
    ...lostOf('spool', rowsOfTable('events'), 'spool_full', 500),
    ...lostOf('drain', records('socket'), 'drain_full', 4),
    ...lostOf('spool', rowsOfTable('flows'), 'spool_age', 3),
  ])
  const one = { ...range, node: 'node-c' }
  const { coverage } = await river.get<RowsAnswer>('/api/flows', one)
  const itsLoss = { drain_full: 4, spool_age: 3 }
  assert.deepEqual(coverage, { share: 0, watched: 1, lost: itsLoss, gaps: [] })
  const { coverage: stepped } = await river.get<SeriesAnswer>('/api/series', { ...one, step: '1m' })
  assert.deepEqual(stepped.lost, itsLoss)
  const answer = await river.get<LedgerAnswer>('/api/ledger', { ...one, cause: 'drain_full' })
  const both = answer.rows.map(({ probe, lost: count }) => [probe, count])
  assert.deepEqual(both, [
    ['drop', 1000],
    ['socket', 4],
  ])
})

test('a hole in the heartbeat is a gap, even when a probe has counted in it', async () => {
  const steps = Array.from({ length: 240 }, (_, step) => step * 5)
  await insertLedger('node-d', [
    ...steps.map((at) => ({ at, stage: 'hook', unit: 'records', probe: 'socket' })),
    ...steps.filter((at) => at < 300 || at >= 360).map((at) => ({ at, stage: 'agent' })),
  ])
  const { coverage } = await river.get<RowsAnswer>('/api/flows', { ...range, node: 'node-d' })
  const { fromNs, toNs } = hole
  assert.deepEqual(coverage.gaps, [{ node: 'node-d', from: rfc3339(fromNs), to: rfc3339(toNs) }])
})

test('while a probe is not open its rows have a gap, those of other probes none', async () => {
  const steps = Array.from({ length: 240 }, (_, step) => step * 5)
  const isOpen = (at: number) => at >= 120 && (at < 300 || at >= 360) && at < 900
  const beat = { stage: 'agent', unit: 'intervals', entered: 1 }
  await insertLedger('node-f', [
    ...steps.map((at) => ({ at, ...beat, left: 1 })),
    ...steps
      .filter((at) => !isOpen(at))
      .flatMap((at) => [
        { at, ...beat, probe: 'socket', lost: 1 },
        { at, ...beat, entered: 0, probe: 'socket', cause: 'not_open', lost: 1 },
      ]),
  ])
  const one = { ...range, node: 'node-f' }
  const moment = (seconds: number) => rfc3339(beginNs + BigInt(seconds) * 1_000_000_000n)
  const gap = (from: number, to: number) => ({
    node: 'node-f',
    from: moment(from),
    to: moment(to),
  })
  const { coverage } = await river.get<RowsAnswer>('/api/flows', one)
  const gaps = [gap(0, 120), gap(300, 360), gap(900, 1200)]
  assert.deepEqual(coverage, { share: 1, watched: 720 / 1200, lost: {}, gaps })
  const { coverage: drops } = await river.get<RowsAnswer>('/api/events', { ...one, kind: 'drop' })
  assert.deepEqual(drops, { share: 1, watched: 1, lost: {}, gaps: [] })
  const late = { ...one, from: moment(950) }
  const { coverage: blind } = await river.get<RowsAnswer>('/api/flows', late)
  assert.deepEqual(blind, { share: null, watched: 0, lost: {}, gaps: [gap(950, 1200)] })
  const middle = { ...one, from: moment(330), to: moment(390) }
  const { coverage: begun } = await river.get<RowsAnswer>('/api/flows', middle)
  assert.deepEqual(begun, { share: 1, watched: 0.5, lost: {}, gaps: [gap(330, 360)] })
})

test('lines of the ledger go on unbroken when an agent of schema 1 is replaced', async () => {
  const spool = { stage: 'spool', unit: 'rows' }
  await insertLedger('node-e', [
    { at: 0, stage: 'hook', unit: 'records', entered: 20, left: 20 },
    { at: 0, ...spool, entered: 20, left: 10, waiting: 10 },
    { at: 5, stage: 'agent', unit: 'intervals', entered: 1, left: 1 },
    { at: 5, stage: 'hook', unit: 'records', probe: 'socket', entered: 2, left: 2 },
    { at: 5, ...spool, table: 'flows', entered: 2, left: 12, waiting: 0 },
  ])
  const one = { ...range, node: 'node-e' }
  const { rows: lines, coverage } = await river.get<LedgerAnswer>('/api/ledger', one)
  const names = ['stage', 'probe', 'table', 'entered', 'left', 'waiting'] as const
  assert.deepEqual(
    lines.map((line) => names.map((name) => line[name])),
    [
      ['agent', '', '', 1, 1, 0],
      ['hook', 'socket', '', 22, 22, 0],
      ['spool', '', 'flows', 22, 22, 0],
    ],
  )
  assert.equal(coverage.gaps.length, 1, 'watched from the first row on, silent after the last')
  assert.equal(coverage.gaps[0]?.from, rfc3339(beginNs + 10_000_000_000n))
})
