// Does a stage add up, and what is said when it does not: faults are put between the stages.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CounterName } from '../../kernel/mod.ts'
import { isCauseOf, type Row, rowOf } from '../../wire/mod.ts'
import type { SnapshotReport } from '../drain/messages.ts'
import { recordSource } from '../drain/record.ts'
import { client, fakeAgent, server } from '../tcp/fake.ts'
import { createBalance } from './balance.ts'
import { type AgentStage, createLedger, type LedgerInterval } from './ledger.ts'

interface Interval {
  readonly counters?: Partial<Record<CounterName, number>>
  readonly drained?: number
  readonly dumped?: number
  readonly lost?: number
}

/** Two connections end and one lives on; the kernel, the drain and the spool say that they counted it so. */
const ended = [client, server, { ...client, cookie: 3, pair: [5, 6] as const }]
const live = [{ ...client, cookie: 4, pair: [7, 8] as const, remote: ['192.0.2.1', 9] as const }]
const whole: Interval = {
  counters: { seen: 5, filtered: 1, closed: 3, lost_ring: 1, dumped: 1, dump_filtered: 2 },
  drained: 3,
  dumped: 1,
}

function snapshotOf({ counters, drained = 0, dumped = 0, lost = 0 }: Interval): SnapshotReport {
  const source = { source: recordSource, counters: { ...counters }, drained, dumped, lost }
  return { bootToWallNs: 0n, sources: [{ ...source, skippedNamespaces: 0 }], programs: [] }
}

/** A ledger over real enrich counts; `spooled` = rows that the spool says it was given. */
function play(intervals: readonly Interval[], spooled: (rows: number) => number = (rows) => rows) {
  const found: [AgentStage, number][] = []
  const { step, enrich } = fakeAgent()
  const ledger = createLedger({
    node: 'n',
    onUnaccounted: (stage, count) => found.push([stage, count]),
  })
  const rows: Row[] = []
  let before: SnapshotReport | undefined
  let waiting = 0
  for (const [index, interval] of intervals.entries()) {
    step(index === 0 ? { closed: ended, live } : {})
    const counts = enrich.takeCounts()
    const entered = spooled(counts.rows)
    waiting += entered
    const snapshot = snapshotOf(interval)
    const spool = { entered, acknowledged: 0, lost: new Map(), waiting }
    const report: LedgerInterval = { start: 0n, time: 0n, snapshot, before, enrich: counts, spool }
    const batch = ledger.batch(report)
    for (let row = 0; row < batch.length; row++) rows.push(rowOf(batch, row))
    before = snapshot
  }
  return { rows, found }
}

function assertSums(rows: readonly Row[]): void {
  for (const stage of ['hook', 'drain', 'enrich', 'spool'] as const) {
    const own = rows.filter((row) => row['stage'] === stage && row['cause'] === '')
    const sum = (name: string) => own.reduce((all, row) => all + Number(row[name]), 0)
    const out = sum('left') + sum('filtered') + sum('lost') + Number(own.at(-1)?.['waiting'])
    assert.equal(sum('entered'), out, stage)
    assert.ok(sum('entered') > 0, stage)
  }
  for (const row of rows.filter(({ cause }) => cause !== '')) {
    assert.ok(isCauseOf(row['stage'] as AgentStage, String(row['cause'])), String(row['cause']))
  }
}

test('every stage adds up: entered = left + filtered + lost + what waiting rose by', () => {
  const { rows, found } = play([whole, whole, whole])
  assert.deepEqual(found, [])
  assertSums(rows)
  const causes = rows.filter(({ lost, cause }) => cause !== '' && Number(lost) > 0)
  assert.deepEqual(
    causes.map(({ cause, lost }) => [cause, Number(lost)]),
    [['ring_full', 1]],
  )
})

/** Three packets of one tuple in the table, five that found it full: two records. */
function dropsOf(drained: number) {
  const counters = { seen: 8, recorded: 3, taken: 3, map_full: 5 }
  const source = { source: 'drop', counters, drained: 0, dumped: drained, lost: 0 }
  return { bootToWallNs: 0n, sources: [{ ...source, skippedNamespaces: 0 }], programs: [] }
}

function playDrops(drained: number, arrived: number) {
  const found: [AgentStage, number][] = []
  const ledger = createLedger({
    node: 'n',
    onUnaccounted: (stage, count) => found.push([stage, count]),
  })
  const { enrich } = fakeAgent()
  const events = { due: 2, rows: 2, filtered: 0, dropPackets: arrived }
  const snapshot = dropsOf(drained)
  const interval = { start: 0n, time: 0n, snapshot, enrich: enrich.takeCounts(), events }
  const calm = { ...events, due: 0, rows: 0, dropPackets: 0 }
  const batch = ledger.batch({ ...interval, before: undefined })
  ledger.batch({ ...interval, before: snapshot, enrich: enrich.takeCounts(), events: calm })
  const rows = Array.from({ length: batch.length }, (_, row) => rowOf(batch, row))
  return { found, rows: rows.filter(({ probe }) => probe === 'drop') }
}

test('drops are packets at the hook and in the drain: what leaves the one enters the other', () => {
  const { found, rows } = playDrops(3, 3)
  assert.deepEqual(found, [])
  const lines = rows.map(({ stage, unit, cause, entered, left, lost }) =>
    [stage, unit, cause, entered, left, lost].map(String).join(' '),
  )
  assert.deepEqual(lines, [
    'hook packets  8 3 5',
    'hook packets map_full 0 0 5',
    'drain packets  3 3 0',
  ])
})

test('drops that are gone between the table, the drain and the main thread are unaccounted', () => {
  assert.deepEqual(playDrops(3, 2).found, [['drain', 1]])
  assert.deepEqual(playDrops(2, 3).found, [['drain', -1]])
})

test('a probe that is not open loses the interval, in a line of its own that adds up', () => {
  const { enrich } = fakeAgent()
  const ledger = createLedger({ node: 'n', onUnaccounted: assert.fail })
  const interval = { start: 1n, time: 2n, before: undefined, enrich: enrich.takeCounts() }
  const snapshot = { bootToWallNs: 0n, sources: [], programs: [] }
  const batch = ledger.batch({ ...interval, snapshot, failed: ['socket'] })
  const rows = Array.from({ length: batch.length }, (_, row) => rowOf(batch, row))
  assert.deepEqual(
    rows
      .filter(({ stage }) => stage === 'agent')
      .map(({ probe, unit, cause, entered, left, lost }) =>
        [probe, unit, cause, entered, left, lost].map(String).join(' '),
      ),
    [' intervals  1 1 0', 'socket intervals  1 0 1', 'socket intervals not_open 0 0 1'],
  )
})

test('records are of their probe, rows of their table, and the heartbeat of neither', () => {
  const { rows } = play([whole, {}])
  const kinds = rows.map(({ stage, unit, probe, table }) => [stage, unit, probe, table].join(' '))
  assert.deepEqual(
    [...new Set(kinds)],
    [
      'agent intervals  ',
      'hook records socket ',
      'drain records socket ',
      'enrich rows  flows',
      'spool rows  flows',
    ],
  )
  const beats = rows.filter(({ stage }) => stage === 'agent')
  assert.deepEqual(
    beats.map(({ entered, left, lost }) => [Number(entered), Number(left), Number(lost)]),
    [
      [1, 1, 0],
      [1, 1, 0],
    ],
  )
})

test('a record that is gone between the kernel and the drain is said', () => {
  const short = { ...whole, dumped: 0 }
  const { rows, found } = play([{ ...short, lost: 0 }, short, short])
  assert.deepEqual(found, [
    ['hook', 1],
    ['drain', -1],
  ])
  const [row] = rows.filter(({ cause }) => cause === 'unaccounted')
  assert.deepEqual([row?.['stage'], Number(row?.['lost'])], ['hook', 1])
})

test('a record that is gone between the drain and the main thread is said', () => {
  const more = { ...whole, counters: { ...whole.counters, dumped: 3 }, dumped: 3 }
  const { rows, found } = play([more, more, more])
  assert.deepEqual(found, [['drain', 2]])
  assertSums(rows)
})

test('a row that enrich gave away and the spool was not given is said', () => {
  const { rows, found } = play([whole, whole, whole], (count) => Math.max(0, count - 1))
  assert.deepEqual(
    found.map(([stage]) => stage),
    ['spool', 'spool'].slice(0, found.length),
  )
  assert.ok(found.length > 0)
  assertSums(rows)
})

test('an end that the kernel is just counting is no fault', () => {
  const early = { ...whole, counters: { ...whole.counters, seen: 6 } }
  const late = { ...whole, counters: { ...whole.counters, seen: 6, closed: 4 }, drained: 3 }
  assert.deepEqual(play([early, late, late]).found, [])
})

test('a difference is said once, and again only when it grows', () => {
  const balance = createBalance(5)
  const flow = { entered: 3, left: 1, filtered: 1, lost: 0, waiting: 5 }
  const calm = { entered: 0, left: 0, filtered: 0, lost: 0, waiting: 5 }
  const said = [flow, calm, calm, flow, calm, calm].map((one) => balance.add(one))
  assert.deepEqual(said, [0, 1, 0, 0, 1, 0])
})

test('of packets of interfaces it says what rules dropped before, and what was dropped behind', () => {
  const found: [AgentStage, number][] = []
  const ledger = createLedger({
    node: 'n',
    onUnaccounted: (stage, count) => found.push([stage, count]),
  })
  const { enrich } = fakeAgent()
  const counters = { seen: 10, counted: 10, taken: 10, xdp_dropped: 7, unseen: 2, excess: 4 }
  const flow = { source: 'flow', counters, drained: 0, dumped: 3, lost: 0, skippedNamespaces: 0 }
  const batch = ledger.batch({
    start: 0n,
    time: 0n,
    snapshot: { bootToWallNs: 0n, sources: [flow], programs: [] },
    before: undefined,
    enrich: enrich.takeCounts(),
    interfaces: { records: 3, due: 0, rows: 0 },
  })
  const rows = Array.from({ length: batch.length }, (_, row) => rowOf(batch, row))
  assert.deepEqual(
    rows
      .filter(({ stage, probe }) => stage === 'hook' && probe === 'flow')
      .map(({ cause, entered, left, filtered, lost }) =>
        [cause, entered, left, filtered, lost].map(String).join(' '),
      ),
    [' 19 10 7 2', 'interface_unseen 0 0 0 2', 'xdp_dropped 0 0 7 0', 'dropped_behind 0 4 0 0'],
  )
  assert.deepEqual(found, [])
})
