// Central's ledger against what a test really sent, what really came into the store and what was really put aside,
// over a store that is away, frames sent again, refused frames and a quarantine.

import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { createReporter } from '../../common/reporter/mod.ts'
import { until } from '../../common/until.fake.ts'
import { storeError } from '../../store/errors.ts'
import { isCauseOf, type LedgerStage, type Row } from '../../wire/mod.ts'
import { createNodeOwners } from '../node-owners.ts'
import { createNodes } from '../nodes.ts'
import { connectFake, rowOfNow } from './agent.fake.ts'
import { createIngest } from './ingest.ts'
import { createFakeStore, type FakeStore } from './store.fake.ts'

const stages = ['wire', 'ingest', 'segment', 'store'] as const

async function start(context: TestContext) {
  const dataDir = mkdtempSync(join(tmpdir(), 'weir-balance-'))
  const reporter = createReporter('ingest', { level: 'silent' })
  const store = createFakeStore()
  const path = join(dataDir, 'ingest.sock')
  const owners = createNodeOwners(dataDir, reporter)
  const segments = { closeAfterMs: 10, closeRows: 1, holdMs: 0 }
  const ingest = createIngest(
    { dataDir, listen: [{ path }], version: '1', pids: () => [], ledgerIntervalMs: 15, segments },
    { store, nodes: createNodes(), owners },
    reporter,
  )
  await ingest.start()
  context.after(() => rmSync(dataDir, { recursive: true, force: true }))
  /** Rows of flows that were put aside, by the sidecars. */
  const aside = (): number => {
    const names = readdirSync(join(dataDir, 'quarantine')).filter((name) => name.endsWith('.json'))
    const sidecars = names.map((name) => readFileSync(join(dataDir, 'quarantine', name), 'utf8'))
    return sidecars
      .map((text) => JSON.parse(text) as { table: string; rows: number })
      .reduce((sum, { table, rows }) => sum + (table === 'flows' ? rows : 0), 0)
  }
  return { ingest, store, path, aside }
}

interface Sums {
  readonly entered: number
  readonly left: number
  readonly filtered: number
  readonly lost: number
  /** Of the last row. */
  readonly waiting: number
}

function sumsOf(ledger: readonly Row[], stage: string): Sums {
  const own = ledger.filter((row) => row['stage'] === stage && row['cause'] === '')
  const sum = (name: string) => own.reduce((total, row) => total + Number(row[name]), 0)
  const last = own.toSorted((a, b) => `${a['time']}`.localeCompare(`${b['time']}`)).at(-1)
  return {
    entered: sum('entered'),
    left: sum('left'),
    filtered: sum('filtered'),
    lost: sum('lost'),
    waiting: Number(last?.['waiting'] ?? 0),
  }
}

function assertBalance(store: FakeStore): Readonly<Record<string, Sums>> {
  const ledger = store.rows('ledger')
  const sums = stages.map((stage) => {
    const one = sumsOf(ledger, stage)
    assert.equal(one.entered, one.left + one.filtered + one.lost + one.waiting, stage)
    return [stage, one] as const
  })
  for (const row of ledger.filter((one) => one['cause'] !== '')) {
    assert.ok(isCauseOf(row['stage'] as LedgerStage, `${row['cause']}`), JSON.stringify(row))
  }
  return Object.fromEntries(sums)
}

const rowsOf = (count: number) => Array.from({ length: count }, (_, mark) => rowOfNow(mark))

test('what enters a stage is what leaves it, is left out, is lost or waits, and all of it is what really came', async (context) => {
  const { ingest, store, path, aside } = await start(context)
  store.failsForFlows = true
  store.failure = storeError('store_away', { details: { reason: 'test' } })
  const agent = connectFake({ path })
  agent.sendFrame(1, rowsOf(7))
  agent.sendFrame(2, rowsOf(5))
  await until('two ACKs', () => agent.acked.length === 2)

  agent.sendFrame(1, rowsOf(7))
  await until('the third ACK', () => agent.acked.length === 3)
  const eightDays = 8n * 86_400_000_000_000n
  const old = BigInt(Date.now()) * 1_000_000n - eightDays
  agent.sendFrame(3, [rowOfNow(1, { time: old }), rowOfNow(2, { time: old })])
  await until('the refusal', () => agent.refused.length === 1)

  store.failure = storeError('insert_refused', { details: { file: 'x', reason: 'test' } })
  await until('the quarantine', () => aside() === 12)
  store.failure = undefined
  agent.sendFrame(4, rowsOf(11))
  await until('the last ACK', () => agent.acked.length === 4)
  await until('the last insert in the ledger', () => sumsOf(store.rows('ledger'), 'store').left > 0)
  agent.close()
  await ingest.stop()

  const { wire, ingest: taken, segment, store: stored } = assertBalance(store)
  assert.equal(wire?.entered, 7 + 5 + 7 + 2 + 11)
  assert.deepEqual([taken?.filtered, taken?.lost, taken?.left], [7, 2, 7 + 5 + 11])
  assert.equal(segment?.left, 23)
  assert.equal(stored?.lost, aside())
  assert.equal(stored?.left, store.rows('flows').length)
  assert.equal(stored?.left, 11)
})
