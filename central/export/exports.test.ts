// The shape that all exports have, with receivers that do what a test says: nothing is lost or left out, one that
// is broken keeps nobody, and the ledger adds up.

import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { until } from '../../common/until.fake.ts'
import { flowTable, ledgerTable, type Row, readBlock, rowOf } from '../../wire/mod.ts'
import type { ExportConfig } from './config.ts'
import { exportError } from './errors.ts'
import { type ExportBatch, forEachRow, type ReceiverKind } from './receiver.ts'
import { createExportsFake, type FakeOptions, flowRows } from './rows.fake.ts'

interface FakeReceiver {
  readonly kind: ReceiverKind
  readonly bytes: number[]
  readonly batches: ExportBatch[]
  /** Thrown by each send while it is set; `after` takes the rows and breaks then. */
  failure: Error | undefined
  after: boolean
  tries: number
}

function createFakeReceiver(): FakeReceiver {
  const fake: FakeReceiver = {
    bytes: [],
    batches: [],
    failure: undefined,
    after: false,
    tries: 0,
    kind: {
      needs: ({ fields }) => fields,
      create: () => ({
        target: 'fake',
        send: async (batch) => {
          fake.tries++
          if (fake.failure && !fake.after) throw fake.failure
          forEachRow(batch, ({ columns }, row) =>
            fake.bytes.push(columns['bytes']?.values[row] ?? 0),
          )
          fake.batches.push(batch)
          if (fake.failure) throw fake.failure
        },
        close: async () => {},
      }),
    },
  }
  return fake
}

const config = (change: Partial<ExportConfig> = {}): ExportConfig => ({
  name: 'one',
  kind: 'postgresql',
  endpoint: '',
  batchRows: 150,
  retryMaxMs: 20,
  ...change,
})

function folderOf(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'weir-exports-'))
  context.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

const withKind = (kind: ReceiverKind): FakeOptions => ({ kinds: { postgresql: kind } })
const expected = (from: number, count: number) =>
  Array.from({ length: count }, (_, index) => 2 * (from + index) + 1)

test('every row comes once and in order, in batches of the size', async (context) => {
  const receiver = createFakeReceiver()
  const fake = createExportsFake(folderOf(context), [config()], withKind(receiver.kind))
  await fake.start()
  await fake.append(flowRows(0, 250), 40)
  await fake.append(flowRows(250, 10), 40)
  await until('260 rows', () => receiver.bytes.length >= 260)
  await fake.append(flowRows(260, 300), 300)
  await until('560 rows', () => receiver.bytes.length >= 560)
  await fake.stop()
  assert.deepEqual(receiver.bytes, expected(0, 560))
  assert.ok(receiver.batches.every(({ count }) => count <= 150))
  assert.ok(receiver.batches.every(({ repeated }) => !repeated))
})

test('what comes while the receiver is away comes later, also after a restart', async (context) => {
  const folder = folderOf(context)
  const receiver = createFakeReceiver()
  receiver.failure = new Error('connection refused')
  const first = createExportsFake(folder, [config()], withKind(receiver.kind))
  await first.start()
  await first.append(flowRows(0, 200), 30)
  await until('some tries', () => receiver.tries > 2)
  assert.equal(first.exports.list()[0]?.state, 'retrying')
  assert.equal(first.exports.list()[0]?.last_error, 'connection refused')
  assert.equal(first.exports.list()[0]?.lag_rows, 200)
  await first.append(flowRows(200, 100), 30)
  await first.stop()
  const second = createExportsFake(folder, [config()], withKind(receiver.kind))
  await second.start()
  await until('the rows that wait', () => second.exports.list()[0]?.lag_rows === 300)
  receiver.failure = undefined
  await until('all rows', () => receiver.bytes.length >= 300)
  await until('no lag', () => second.exports.list()[0]?.lag_rows === 0)
  await second.stop()
  assert.deepEqual(receiver.bytes, expected(0, 300))
})

test('rows that may have come already are marked as repeated', async (context) => {
  const receiver = createFakeReceiver()
  receiver.failure = new Error('no answer')
  receiver.after = true
  const fake = createExportsFake(folderOf(context), [config()], withKind(receiver.kind))
  await fake.start()
  await fake.append(flowRows(0, 10))
  await until('two tries', () => receiver.tries >= 2)
  receiver.failure = undefined
  await until('it is taken', () => fake.exports.list()[0]?.rows === 10)
  await fake.stop()
  assert.equal(receiver.batches[0]?.repeated, false)
  assert.equal(receiver.batches.at(-1)?.repeated, true)
  assert.equal(receiver.batches.at(-1)?.id, receiver.batches[0]?.id)
  assert.equal(fake.exports.list()[0]?.repeated_rows, 10)
})

test('a receiver that never answers keeps neither ingest nor another export', async (context) => {
  const stuck: ReceiverKind = {
    needs: ({ fields }) => fields,
    create: () => ({
      target: 'stuck',
      send: (_, __, signal) =>
        new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
      close: async () => {},
    }),
  }
  const receiver = createFakeReceiver()
  const kind: ReceiverKind = {
    needs: receiver.kind.needs,
    create: (one, plans, deps) =>
      (one.name === 'stuck' ? stuck : receiver.kind).create(one, plans, deps),
  }
  const both = [config({ name: 'stuck', timeoutMs: 600_000 }), config({ name: 'good' })]
  const fake = createExportsFake(folderOf(context), both, withKind(kind))
  await fake.start()
  for (let from = 0; from < 1000; from += 100) await fake.append(flowRows(from, 100))
  await until('all rows at the other', () => receiver.bytes.length >= 1000)
  assert.equal(fake.exports.list()[0]?.lag_rows, 1000)
  await fake.stop()
})

test('rows of the second view and rows that do not pass the filter are counted as filtered', async (context) => {
  const receiver = createFakeReceiver()
  const only = config({ filter: 'src_workload = "shop-1"' })
  const fake = createExportsFake(folderOf(context), [only], withKind(receiver.kind))
  await fake.start()
  await fake.append([...flowRows(0, 70), ...flowRows(70, 70, { counted: false })])
  await until('every row is dealt with', () => fake.exports.list()[0]?.lag_rows === 0)
  await fake.stop()
  assert.deepEqual(
    receiver.bytes,
    expected(0, 70).filter((_, mark) => mark % 7 === 1),
  )
  assert.equal(fake.exports.list()[0]?.filtered_rows, 130)
})

test('a batch that is refused for good is lost and counted, and the next one comes', async (context) => {
  const receiver = createFakeReceiver()
  receiver.failure = exportError('export_refused', { details: { what: 'bad rows' } })
  const fake = createExportsFake(folderOf(context), [config()], withKind(receiver.kind))
  await fake.start()
  await fake.append(flowRows(0, 10))
  await until('the refusal', () => fake.exports.list()[0]?.lost_rows === 10)
  receiver.failure = undefined
  await fake.append(flowRows(10, 10))
  await until('the next', () => receiver.bytes.length === 10)
  await fake.stop()
  assert.deepEqual(receiver.bytes, expected(10, 10))
})

test('a journal that is full loses the oldest rows and counts them per node', async (context) => {
  const receiver = createFakeReceiver()
  receiver.failure = new Error('away')
  const options = { ...withKind(receiver.kind), journalBytesMax: 60_000 }
  const fake = createExportsFake(folderOf(context), [config()], options)
  await fake.start()
  await fake.append(flowRows(0, 50))
  await until('a try', () => receiver.tries > 0)
  for (let from = 50; from < 1500; from += 50) await fake.append(flowRows(from, 50))
  receiver.failure = undefined
  await until('no lag', () => fake.exports.list()[0]?.lag_rows === 0)
  await fake.stop()
  const [status] = fake.exports.list()
  assert.ok(status && status.lost_rows > 0, 'nothing was lost')
  assert.equal(receiver.bytes.length + status.lost_rows, 1500)
  const ledger = fake.ledger.take(2n)
  assert.ok(ledger)
  const batch = readBlock(ledger.view)
  const rows = Array.from({ length: batch.length }, (_, row): Row => rowOf(batch, row))
  assert.equal(ledger.table, ledgerTable)
  for (const row of rows.filter(({ cause }) => cause === '')) {
    const { entered, left, filtered, lost, waiting } = row as Record<string, number>
    assert.equal(entered, Number(left) + Number(filtered) + Number(lost) + Number(waiting))
    assert.equal(row['stage'], 'export')
    assert.equal(row['probe'], 'one')
  }
  const sum = (name: string) =>
    rows.filter(({ cause }) => cause === '').reduce((total, row) => total + Number(row[name]), 0)
  assert.equal(sum('entered'), 1500)
  assert.equal(sum('lost'), status.lost_rows)
})

test('a crash between the segment and its journal entry leaves no row out', async (context) => {
  const folder = folderOf(context)
  const receiver = createFakeReceiver()
  const first = createExportsFake(folder, [config()], withKind(receiver.kind))
  await first.start()
  await first.append(flowRows(0, 10))
  await until('the first rows', () => receiver.bytes.length === 10)
  await first.stop()
  const second = createExportsFake(folder, [config()], withKind(receiver.kind))
  await second.exports.open()
  const path = join(folder, 'late.native')
  const known = readdirSync(join(folder, 'segments')).toSorted().at(-1) as string
  writeFileSync(path, readFileSync(join(folder, 'segments', known)))
  const { schema } = flowTable
  const segment = { table: 'flows', schema, rows: 10, bytes: 1, writtenMs: 0, nodeRows: {} }
  const pending = [
    { id: known.replace('.native', ''), ...segment },
    { id: '999999999999999-late', ...segment },
  ]
  await second.exports.journal?.adopt(pending, () => path)
  await second.exports.start()
  await until('the late rows', () => receiver.bytes.length >= 20)
  await second.stop()
  assert.deepEqual(receiver.bytes, [...expected(0, 10), ...expected(0, 10)])
})

test('the first batch after a crash is marked as repeated, after a clean stop it is not', async (context) => {
  const folder = folderOf(context)
  const receiver = createFakeReceiver()
  const first = createExportsFake(folder, [config()], withKind(receiver.kind))
  await first.start()
  await first.append(flowRows(0, 10))
  await until('rows', () => first.exports.list()[0]?.rows === 10)
  const cursor = join(folder, 'exports', 'one.json')
  const crashed = readFileSync(cursor)
  await first.stop()
  for (const [isCrash, isRepeated] of [
    [false, false],
    [true, true],
  ] as const) {
    if (isCrash) {
      const { position } = JSON.parse(readFileSync(cursor, 'utf8'))
      writeFileSync(cursor, JSON.stringify({ position, isClean: JSON.parse(`${crashed}`).isClean }))
    }
    receiver.batches.length = 0
    const next = createExportsFake(folder, [config()], withKind(receiver.kind))
    await next.start()
    await next.append(flowRows(0, 10))
    await until('rows', () => next.exports.list()[0]?.rows === 10)
    await next.stop()
    assert.deepEqual(
      receiver.batches.map(({ repeated }) => repeated),
      [isRepeated],
    )
  }
})

test('entries that every export is past are removed, but the newest', async (context) => {
  const folder = folderOf(context)
  const receiver = createFakeReceiver()
  const fake = createExportsFake(folder, [config()], withKind(receiver.kind))
  await fake.start()
  for (let from = 0; from < 50; from += 10) await fake.append(flowRows(from, 10))
  await until('all rows', () => fake.exports.list()[0]?.rows === 50)
  const journal = join(folder, 'exports', 'journal')
  const natives = () => readdirSync(journal).filter((name) => name.endsWith('.native')).length
  await until('one entry', () => natives() === 1)
  await fake.stop()
})

test('without exports nothing is kept for nobody', async (context) => {
  const folder = folderOf(context)
  const fake = createExportsFake(folder, [])
  await fake.start()
  assert.equal(fake.exports.journal, undefined)
  assert.equal(existsSync(join(folder, 'exports')), false)
  await fake.stop()
})
