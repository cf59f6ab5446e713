// The store as central uses it: the real engine in its own process, on a folder of its own.

import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { createReporter } from '../common/reporter/mod.ts'
import { until } from '../common/until.fake.ts'
import {
  appendRow,
  createBatch,
  createBlockEncoder,
  flowTable,
  type RowValues,
} from '../wire/mod.ts'
import { createStore, type Store } from './mod.ts'

const folder = mkdtempSync(join(tmpdir(), 'weir-store-'))
const dataDir = join(folder, 'data')
const reporter = createReporter('test', { level: 'silent' })
const midnight = 1_795_219_200_000_000_000n // 2026-11-21T00:00:00Z
let store: Store

before(async () => {
  store = createStore({ dataDir }, reporter)
  await store.start()
})

after(async () => {
  await store.stop()
  rmSync(folder, { recursive: true })
})

function block(rows: readonly RowValues[]): Buffer {
  const batch = createBatch(flowTable, rows.length)
  for (const row of rows) appendRow(batch, row)
  return Buffer.from(createBlockEncoder().encode(batch))
}

function segment(name: string, blocks: readonly Buffer[]): string {
  const file = join(folder, name)
  writeFileSync(file, Buffer.concat(blocks))
  return file
}

async function count(where: string): Promise<unknown> {
  const rows = await store.read(`SELECT count() AS n FROM flows WHERE ${where}`)
  return rows[0]?.['n']
}

test('a segment whose file is gone is an error of its insert, and central lives', async () => {
  const gone = join(folder, 'gone')
  await assert.rejects(store.insertSegment(gone, 'flows', 'gone'), { code: 'ENOENT' })
  await assert.rejects(store.insertSegment(folder, 'flows', 'folder'), /EISDIR/)
  assert.equal(await count("node = 'gone'"), 0)
})

test('a segment of many blocks becomes one part, and once', async () => {
  const blocks = Array.from({ length: 50 }, (_, at) =>
    block(
      Array.from({ length: 40 }, (_, row) => ({
        time: midnight + BigInt(at * 40 + row),
        node: 'one-part',
        src_process: `p${at}-${row}`,
        bytes: 7,
      })),
    ),
  )
  const file = segment('one-part', blocks)
  const parts = () =>
    store.read("SELECT name FROM system.parts WHERE table = 'flows' AND active AND rows = 2000")
  await store.insertSegment(file, 'flows', 'token-one')
  assert.equal((await parts()).length, 1)
  await store.insertSegment(file, 'flows', 'token-one')
  assert.equal(await count("node = 'one-part'"), 2000)
  const sums = await store.read(
    "SELECT sum(bytes) AS b, uniqExact(src_process) AS p FROM flows WHERE node = 'one-part'",
  )
  assert.deepEqual(sums, [{ b: 14_000, p: 2000 }])
})

test('a segment over midnight makes a part per day, and a repeat adds what is missing, once', async () => {
  const rows = [-2n, -1n, 0n, 1n].map((n) => ({ time: midnight + n, node: 'midnight' }))
  const file = segment('midnight', [block(rows)])
  await store.insertSegment(file, 'flows', 'midnight')
  await store.insertSegment(file, 'flows', 'midnight')
  assert.equal(await count("node = 'midnight'"), 4)
  const days = "SELECT uniqExact(_partition_id) AS n FROM flows WHERE node = 'midnight'"
  assert.deepEqual(await store.read(days), [{ n: 2 }])
  // As if the engine had died between the two parts: one of them was committed under the token.
  const half = segment('half', [block(rows.slice(0, 2).map((row) => ({ ...row, node: 'half' })))])
  const all = segment('all', [block(rows.map((row) => ({ ...row, node: 'half' })))])
  await store.insertSegment(half, 'flows', 'half')
  await store.insertSegment(all, 'flows', 'half')
  assert.equal(await count("node = 'half'"), 4)
})

test('hostile strings come back as they went in, alone and in lists', async () => {
  const hostile = [
    "it's",
    '"double"',
    'back\\slash',
    'tab\tnew\nline\rreturn',
    'nul\0nul',
    '漢字 é 😀 \u202e',
    '{x:String} {y:UInt8}',
    '\\N',
    "'); DROP TABLE flows; --",
    "\\'",
    '',
    '%s $$',
  ]
  for (const text of hostile) {
    assert.deepEqual(await store.read('SELECT {x:String} AS x', { x: text }), [{ x: text }])
  }
  // The client leaves NUL as it is inside lists too.
  assert.deepEqual(await store.read('SELECT {x:Array(String)} AS x', { x: hostile }), [
    { x: hostile },
  ])
  const mixed = { n: null, i: 2n ** 63n, f: 1.5, b: true }
  const sql =
    'SELECT {n:Nullable(String)} AS n, toString({i:UInt64}) AS i, {f:Float64} AS f, {b:Bool} AS b'
  assert.deepEqual(await store.read(sql, mixed), [
    { n: null, i: '9223372036854775808', f: 1.5, b: true },
  ])
})

test('a parameter of one query is unknown to the next', async () => {
  await store.read('SELECT {leak:String}', { leak: 'x' })
  await assert.rejects(store.read('SELECT {leak:String}'), { code: 'query_wrong' })
})

test('queries with different parameters at once get their own', async () => {
  const answers = await Promise.all(
    Array.from({ length: 24 }, (_, at) =>
      store.read('SELECT {v:UInt32} AS v, sleep(0.01) AS s', { v: at }),
    ),
  )
  assert.deepEqual(
    answers.map((rows) => rows[0]?.['v']),
    Array.from({ length: 24 }, (_, at) => at),
  )
})

test('a query that is too large, too slow or wrong fails alone', async () => {
  await assert.rejects(
    store.read(
      'SELECT groupArray(number) AS a FROM numbers(100000000)',
      {},
      { memoryBytes: 50_000_000 },
    ),
    { code: 'query_too_large', status: 413 },
  )
  await assert.rejects(store.read('SELECT number FROM numbers(100)', {}, { resultRowsMax: 10 }), {
    code: 'query_too_large',
  })
  const endless = 'SELECT count() FROM numbers(1000000000000) WHERE sipHash64(number) = 1'
  await assert.rejects(store.read(endless, {}, { timeoutSeconds: 1 }), { code: 'query_too_slow' })
  await assert.rejects(store.read('SELECT nonsense FROM flows'), { code: 'query_wrong' })
  assert.deepEqual(await store.read('SELECT 1 AS one'), [{ one: 1 }])
})

test('an abort ends the query in the engine', async () => {
  const abort = new AbortController()
  const endless = 'SELECT count() FROM numbers(1000000000000) WHERE sipHash64(number) = 4242'
  const rejected = assert.rejects(store.read(endless, {}, { signal: abort.signal }), {
    code: 'query_cancelled',
  })
  // Written in two halves, so that the asking query does not match itself.
  const sql =
    "SELECT 1 FROM system.processes WHERE position(query, concat('number) = 42', '42')) > 0"
  const running = async () => (await store.read(sql)).length
  await until('the question to run', async () => (await running()) === 1)
  abort.abort()
  await rejected
  await until('the question to end', async () => (await running()) === 0)
})

test('a question that is given up before it is sent ends no other one', async () => {
  await store.read('SELECT 1')
  const gone = new AbortController()
  const given = store.read('SELECT 2', {}, { signal: gone.signal })
  // The client has it by then, and sends nothing before the next turn of the event loop.
  for (let step = 0; step < 10; step++) await undefined
  gone.abort()
  await assert.rejects(given, { code: 'query_cancelled' })
  // It goes by the connection that was idle, and is under way when that would have been idle for 2.5 s.
  assert.deepEqual(await store.read('SELECT sleep(3) AS slept'), [{ slept: 0 }])
})

test('broken rows are refused for good and nothing of them is stored', async () => {
  const good = block([{ time: midnight, node: 'torn' }])
  const torn = segment('torn', [good, good.subarray(0, good.length - 3)])
  await assert.rejects(store.insertSegment(torn, 'flows', 'torn'), { code: 'insert_refused' })
  assert.equal(await count("node = 'torn'"), 0)
})

test('the data folder is for its owner alone', () => {
  assert.equal(statSync(join(dataDir, 'store.sock')).mode & 0o777, 0o600)
  for (const folder of ['store', 'store-inserts']) {
    assert.equal(statSync(join(dataDir, folder)).mode & 0o777, 0o700, folder)
  }
})

test('kill -9 of the worker loses nothing and it comes back', async () => {
  await store.insertSegment(
    segment('kept', [block([{ time: midnight, node: 'kept' }])]),
    'flows',
    'kept',
  )
  const pid = store.workerPid() as number
  process.kill(pid, 'SIGKILL')
  await until('the next worker', async () => store.isReady() && store.workerPid() !== pid)
  assert.equal(await count("node = 'kept'"), 1)
  assert.match(readFileSync(`/proc/${store.workerPid()}/cmdline`, 'utf8'), /worker\/main/)
})

test('retention drops by age and by size, never the newest partition', async () => {
  const day = 86_400_000_000_000n
  const old = [0n, 1n, 2n].map((n) =>
    block([{ time: midnight - 10n * day + n * day, node: `old${n}` }]),
  )
  for (const [at, one] of old.entries()) {
    await store.insertSegment(segment(`old${at}`, [one]), 'flows', `old${at}`)
  }
  const { createRetention } = await import('./schema/retention.ts')
  const command = async (sql: string) => void (await store.read(sql))
  const deps = { read: store.read, command }
  const nowMs = Number(midnight / 1_000_000n)
  const byAge = createRetention({ ageMaxMs: 8.5 * 86_400_000 }, deps, reporter.child('age'))
  assert.deepEqual(await byAge.apply(nowMs), ['flows/20261111'])
  const other = { tables: { ledger: { ageMaxMs: 1, bytesMax: 1 } } }
  const ofOther = createRetention(other, deps, reporter.child('other'))
  assert.deepEqual(await ofOther.apply(nowMs), [], 'what a table may keep is its own')
  const own = { tables: { flows: { ageMaxMs: 7.5 * 86_400_000 } } }
  const byTable = createRetention(own, deps, reporter.child('table'))
  assert.deepEqual(await byTable.apply(nowMs), ['flows/20261112'])
  const bySize = createRetention({ bytesMax: 1 }, deps, reporter.child('size'))
  assert.deepEqual(await bySize.apply(nowMs), ['flows/20261113', 'flows/20261120'])
  assert.equal(await count("node LIKE 'old%'"), 0)
  assert.equal(await count("node = 'kept'"), 1)
})
