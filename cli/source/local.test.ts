import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FailedProbe } from '../../agent/mod.ts'
import type { RowValues } from '../../wire/mod.ts'
import { appendRow, type Batch, createBatch, flowTable, ledgerTable } from '../../wire/mod.ts'
import { type Interval, localIntervals, type OpenLocalAgent } from './local.ts'
import { createLocalTop } from './local-top.ts'

const flows = (...ports: readonly number[]): Batch => {
  const batch = createBatch(flowTable, ports.length)
  for (const port of ports)
    appendRow(batch, { view: 'socket', src_port: port, src_address: '192.0.2.1' })
  return batch
}

const ledger = (cause: string, lost: number): Batch => {
  const batch = createBatch(ledgerTable, 2)
  appendRow(batch, { stage: 'hook', entered: 10, left: 10 - lost, lost })
  appendRow(batch, { stage: 'hook', cause, lost })
  return batch
}

const unopened = createBatch(ledgerTable, 2)
for (const cause of ['', 'not_open'])
  appendRow(unopened, { stage: 'agent', unit: 'intervals', probe: 'flow', cause, lost: 1 })

/** An agent that hands out these batches as soon as it starts, and `last` when it is stopped. */
function fakeAgent(
  batches: readonly Batch[],
  last: readonly Batch[] = [],
  failed: readonly FailedProbe[] = [],
) {
  const calls: string[] = []
  const open: OpenLocalAgent = (_config, _reporter, onBatch) => ({
    name: 'fake',
    failedProbes: () => failed,
    start: () => {
      calls.push('start')
      for (const batch of batches) onBatch(batch, 0n, 1_000_000_000n)
    },
    stop: () => {
      calls.push('stop')
      for (const batch of last) onBatch(batch, 0n, 1_000_000_000n)
    },
  })
  return { open, calls }
}

async function collect(
  agent: ReturnType<typeof fakeAgent>,
  filters: readonly [string, string][] = [],
) {
  const found: Interval[] = []
  const ended = AbortSignal.abort()
  for await (const interval of localIntervals({ filters, waitingRowsMax: 7 }, ended, agent.open))
    found.push(interval)
  assert.deepEqual(agent.calls, ['start', 'stop'])
  return found
}

const portsOf = (found: readonly Interval[]) =>
  found.map(({ rows }) => rows.map((row) => row['src_port']))

test('what lives at the start is one interval, the rows of the end another', async () => {
  const found = await collect(fakeAgent([flows(1, 2), flows(2, 3)], [flows(2, 4)]), [['port', '2']])
  assert.deepEqual(portsOf(found), [[2, 2], [2]])
})

test('an empty host is an empty interval', async () => {
  assert.deepEqual(portsOf(await collect(fakeAgent([]))), [[]])
})

test('the coverage is the share of what the agent knows of', async () => {
  assert.deepEqual((await collect(fakeAgent([flows(1)])))[0]?.coverage, coverage)
  const [lossy] = await collect(fakeAgent([flows(1), ledger('ring_full', 3)]))
  assert.deepEqual(lossy?.coverage, { share: 0.25, watched: 1, lost: { ring_full: 3 }, gaps: [] })
})

test('without the probe of the rows that are asked for there is an error, else its intervals are no lost rows', async () => {
  const ring = { code: 'ring_size', message: 'no room', status: 500, exitCode: 64, remedy: 'more' }
  const agent = () => fakeAgent([flows(1), unopened], [], [{ ...ring, probe: 'flow' }])
  assert.deepEqual((await collect(agent()))[0]?.coverage, coverage)
  const { message: _, ...same } = ring
  const said = { ...same, message: 'the flow probe is not open: no room' }
  await assert.rejects(collect(agent(), [['view', 'interface']]), said)
})

test('rows that a slow reader leaves behind are counted as lost', async () => {
  const batch = flows(1, 2)
  const [first] = await collect(fakeAgent([batch, batch, batch, batch]))
  assert.equal(first?.rows.length, 6)
  assert.equal(first?.coverage.share, 0.75)
  assert.deepEqual(first?.coverage.lost, { terminal_slow: 2 })
})

test('leaving the loop stops the agent', async () => {
  const agent = fakeAgent([flows(1)])
  const never = new AbortController().signal
  for await (const { rows } of localIntervals({ filters: [] }, never, agent.open)) {
    assert.equal(rows.length, 1)
    break
  }
  assert.deepEqual(agent.calls, ['start', 'stop'])
})

const startedMs = Date.parse('2026-08-21T12:00:00Z')
const startedNs = BigInt(startedMs) * 1_000_000n

/** Counted rows of sockets, as the agent makes them. */
function rows(...given: readonly RowValues[]): readonly Batch[] {
  const batch = createBatch(flowTable, given.length)
  for (const row of given)
    appendRow(batch, { time: startedNs, counted: true, view: 'socket', ...row })
  return [batch]
}

const coverage = { share: 1, watched: 1, lost: {}, gaps: [] }

test('the local ranking has the metrics of the API', () => {
  const question = { by: ['process'], order: '-failed', limit: 2, filters: [], fold: true }
  const top = createLocalTop(question, startedMs)
  const busy = { src_process: 'a', dst_process: 'b', connection_id: 1n }
  top.add({
    coverage,
    watchedMs: 2000,
    batches: rows(
      { ...busy, rtt_ns: 10, bytes: 5, reverse_bytes: 6 },
      { ...busy, rtt_ns: 30, bytes: 1, connection_id: 2n },
    ),
  })
  const attempt = { ...busy, src_process: 'c', connection_id: 3n, rtt_ns: null, opened: 1 }
  top.add({
    coverage,
    watchedMs: 2000,
    batches: rows(
      { ...busy, rtt_ns: 20, bytes: 2, reverse_bytes: 2, time: startedNs + 1_500_000_000n },
      { ...attempt, end_reason: 'refused', src_port: 1 },
      { ...attempt, connection_id: 4n, end_reason: 'timeout', src_port: 2 },
      { ...busy, rtt_ns: 5, end_reason: 'timeout', src_process: 'd' },
      { ...busy, bytes: 1_000_000, counted: false },
    ),
  })
  const { rows: groups, totals, steps, by } = top.result()
  assert.deepEqual(by, ['src_process', 'dst_process'])
  assert.equal(totals['groups'], 3)
  assert.equal(totals['total'], 16)
  const [failing, other] = groups
  assert.deepEqual(
    [
      failing?.['src_process'],
      failing?.['failed'],
      failing?.['connections'],
      failing?.['rtt_p95_ns'],
    ],
    ['c', 2, 2, null],
  )
  assert.equal(groups.length, 2)
  assert.equal(other?.['failed'], 0)
  const full = createLocalTop({
    by: ['src_process'],
    order: '-total',
    limit: 1,
    filters: [],
    fold: true,
  })
  assert.throws(() =>
    createLocalTop({ by: ['src_process'], order: '-totl', limit: 1, filters: [], fold: true }),
  )
  assert.deepEqual(full.result().rows, [])
  const row = { src_process: 'a', dst_process: 'b' }
  assert.deepEqual(steps(row), [12, 4])
})

test('percentiles are those of the engine: 51 of 1 to 100, not 50', () => {
  const top = createLocalTop({
    by: ['src_process'],
    order: '-total',
    limit: 1,
    filters: [],
    fold: true,
  })
  const hundred = Array.from({ length: 100 }, (_, at) => ({
    rtt_ns: at + 1,
    bytes: 1,
    reverse_bytes: 2,
    reverse_retransmits: null,
  }))
  top.add({ coverage, watchedMs: 1000, batches: rows(...hundred) })
  const [group] = top.result().rows
  assert.equal(group?.['rtt_p50_ns'], 51)
  assert.equal(group?.['rtt_p95_ns'], 96)
  assert.equal(group?.['bytes'], 100)
  assert.equal(group?.['total'], 300)
  assert.equal(group?.['reverse_retransmits'], null)
  assert.equal(group?.['connections'], 1)
})
