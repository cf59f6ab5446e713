// PostgreSQL 15 itself as the receiver: every value as psql shows it, the views that Grafana reads, and a server
// that is killed again and again (WEIR_EXPORT_ROUNDS=50 for long). Its own sums are the oracle.

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { until } from '../../../common/until.fake.ts'
import { type RowValues, tableNamed } from '../../../wire/mod.ts'
import type { ExportConfig } from '../config.ts'
import { createExportsFake, flowRows } from '../rows.fake.ts'
import { type Cluster, createCluster, noPostgres } from './cluster.fake.ts'

const rounds = Number(process.env['WEIR_EXPORT_ROUNDS'] ?? 4)
const skip = noPostgres
const folder = mkdtempSync(join(tmpdir(), 'weir-export-pg-'))
let cluster: Cluster

before(async () => {
  if (skip) return
  cluster = await createCluster()
  await cluster.start()
})
after(async () => {
  await cluster?.remove()
  rmSync(folder, { recursive: true, force: true })
})

const configOf = (name: string, change: Partial<ExportConfig> = {}): ExportConfig => ({
  name,
  kind: 'postgresql',
  endpoint: cluster.dsn,
  retryMaxMs: 200,
  ...change,
})

test('every value is there as it was, hostile text included', { skip }, async () => {
  const hostile = 'a\tb\nc\\d\'e"f\r\\N\\.'
  const time = 1_764_374_400_000_000_000n
  const row = {
    ...flowRows(0, 1)[0],
    time: time - 1n,
    start: null,
    node: hostile,
    src_process: 'x\0y',
    src_address: '2001:db8::1',
    connection_id: 2n ** 64n - 1n,
    total_bytes: 2 ** 53 - 1,
    rtt_ns: null,
  }
  const fake = createExportsFake(join(folder, 'values'), [
    configOf('values', { options: { retention: '3650d' } }),
  ])
  await fake.start()
  await fake.append([row, { ...row, time, node: 'next' }])
  await until('the rows', () => fake.exports.list()[0]?.rows === 2)
  await fake.stop()
  const json = cluster.sql(
    `SELECT json_build_array(node, src_process, host(src_address), connection_id::text, total_bytes, rtt_ns, start,
       counted, to_char(time, 'YYYY-MM-DD HH24:MI:SS.US')) FROM flows WHERE src_process <> '' ORDER BY time LIMIT 1`,
  )
  assert.deepEqual(JSON.parse(json), [
    hostile,
    'x\ufffdy',
    '2001:db8::1',
    '18446744073709551615',
    2 ** 53 - 1,
    null,
    null,
    true,
    '2025-11-28 23:59:59.999999',
  ])
  const partitions = cluster.sql(
    "SELECT string_agg(relname, ',' ORDER BY relname) FROM pg_class WHERE relname ~ '^flows_2025....$'",
  )
  assert.equal(partitions, 'flows_20251128,flows_20251129')
  cluster.sql('TRUNCATE flows')
})

test('nodes, edges and net_traces have the columns of the older collector, and weight grows with bytes', {
  skip,
}, async () => {
  const init = join(folder, 'init.sql')
  writeFileSync(init, 'CREATE TABLE IF NOT EXISTS made_by_init (x int);')
  const config = configOf('views', { options: { db_init_sql_path: init } })
  const fake = createExportsFake(join(folder, 'views'), [config])
  await fake.start()
  const ends = { src_workload: 'productpage', dst_workload: 'details', src_address: '10.0.0.1' }
  const large = { ...ends, dst_workload: 'reviews', dst_address: '10.9.0.2', bytes: 5_000_000 }
  await fake.append([...flowRows(0, 5, ends), ...flowRows(5, 5, large)])
  await until('the rows', () => fake.exports.list()[0]?.rows === 10)
  await fake.stop()
  assert.equal(cluster.sql('SELECT count(*) FROM made_by_init'), '0')
  assert.equal(
    cluster.sql('SELECT id, source, target FROM edges ORDER BY id LIMIT 1'),
    'productpage@10.0.0.1>details@10.9.0.1|productpage@10.0.0.1|details@10.9.0.1',
  )
  assert.equal(
    cluster.sql(
      "SELECT string_agg(title, ',' ORDER BY title) FROM (SELECT id, mainstat, secondarystat, title, subtitle FROM nodes LIMIT 50) n",
    ),
    'details,productpage,reviews',
  )
  const [thin, thick] = cluster
    .sql('SELECT thickness FROM edges ORDER BY target')
    .split('\n')
    .map(Number) as [number, number]
  assert.ok(thick > thin, `${thin} ${thick}`)
  assert.equal(
    cluster.sql(
      "SELECT id IS NOT NULL, src_ip, src_port, dest_ip, dest_port, protocol, payload->>'bytes' FROM net_traces ORDER BY src_port LIMIT 1",
    ),
    't|10.0.0.1|1024|10.9.0.1|443|TCP|1',
  )
  cluster.sql('TRUNCATE flows')
})

test('tables of a version that knew no pods: their rows stay, new ones name a pod, and it is the node of the graph', {
  skip,
}, async () => {
  const run = async (rows: readonly RowValues[]) => {
    const fake = createExportsFake(mkdtempSync(join(folder, 'pods-')), [configOf('pods')])
    await fake.start()
    await fake.append(rows)
    await until('the rows', () => fake.exports.list()[0]?.rows === rows.length)
    await fake.stop()
  }
  await run(flowRows(0, 1))
  cluster.sql('ALTER TABLE flows DROP COLUMN src_pod CASCADE, DROP COLUMN dst_pod CASCADE')
  const namespace = { src_namespace: 'store', src_pod: 'cart-0' }
  await run([...flowRows(1, 1, namespace), ...flowRows(2, 1, { ...namespace, dst_pod: 'db-0' })])
  assert.equal(
    cluster.sql('SELECT src_pod, dst_pod FROM flows ORDER BY src_port'),
    '|\ncart-0|\ncart-0|db-0',
  )
  assert.equal(
    cluster.sql('SELECT source, target FROM edges ORDER BY source, target COLLATE "C"'),
    'shop-0@10.0.0.0|db@10.9.0.1\nstore/cart-0|db-0\nstore/cart-0|db@10.9.0.1',
  )
  assert.equal(
    cluster.sql('SELECT title FROM nodes ORDER BY id COLLATE "C"'),
    'db-0\ndb\nshop-0\ncart-0',
  )
  cluster.sql('TRUNCATE flows')
})

/** What the older collector runs when it starts. */
const olderTables = `CREATE TABLE IF NOT EXISTS nodes (id varchar(30) PRIMARY KEY, title varchar(100));
CREATE TABLE IF NOT EXISTS edges (id varchar(30) PRIMARY KEY, thickness float);
CREATE TABLE IF NOT EXISTS net_traces (id bigint PRIMARY KEY, payload json);
CREATE TABLE IF NOT EXISTS made_by_init (x int);`

/** The DSN as the older collector's configuration has it. */
const olderDsn = (database: string) =>
  cluster.dsn
    .replace('postgresql:', 'postgres:')
    .replace(/postgres$/, `${database}?sslmode=disable`)

test("the older collector's own init file runs, and the views are there", { skip }, async () => {
  cluster.sql('CREATE DATABASE fresh')
  const file = join(folder, 'older.sql')
  writeFileSync(file, olderTables)
  const options = { db_init_sql_path: file }
  const config = configOf('older', { endpoint: olderDsn('fresh'), options })
  const fake = createExportsFake(join(folder, 'older'), [config])
  await fake.start()
  await fake.append(flowRows(0, 3))
  await until('the rows', () => fake.exports.list()[0]?.rows === 3)
  await fake.stop()
  assert.equal(cluster.sql('SELECT count(*) FROM edges', 'fresh'), '3')
  assert.equal(cluster.sql('SELECT count(*) FROM made_by_init', 'fresh'), '0')
})

test("the older collector's tables are left alone and named; renamed, the rows come", {
  skip,
}, async () => {
  cluster.sql('CREATE DATABASE taken')
  cluster.sql(`${olderTables} INSERT INTO nodes VALUES ('10.0.0.1', 'pod')`, 'taken')
  const config = configOf('taken', { endpoint: olderDsn('taken') })
  const fake = createExportsFake(join(folder, 'taken'), [config])
  await fake.start()
  await fake.append(flowRows(0, 3))
  const error = await until('the reason', () => fake.exports.list()[0]?.last_error || undefined)
  assert.match(String(error), /edges, net_traces, nodes/)
  assert.equal(cluster.sql('SELECT count(*) FROM nodes', 'taken'), '1')
  for (const name of ['nodes', 'edges', 'net_traces']) {
    cluster.sql(`ALTER TABLE ${name} RENAME TO ${name}_before`, 'taken')
  }
  await until('the rows', () => fake.exports.list()[0]?.rows === 3)
  await fake.stop()
  assert.equal(cluster.sql('SELECT count(*) FROM net_traces', 'taken'), '3')
})

/** Bookinfo as its documentation draws it, and the bytes of each edge. */
const bookinfo: readonly (readonly [source: string, target: string, bytes: number])[] = [
  ['ingress', 'productpage', 9_000],
  ['productpage', 'details', 5_000],
  ['productpage', 'reviews-v1', 4_000],
  ['productpage', 'reviews-v2', 3_000],
  ['productpage', 'reviews-v3', 2_000],
  ['reviews-v2', 'ratings', 1_000],
  ['reviews-v3', 'ratings', 500],
]

test("the two queries of the older collector's dashboard draw the graph of Bookinfo", {
  skip,
}, async () => {
  const ends = [...bookinfo.map(([source]) => source), ...bookinfo.map(([, target]) => target)]
  const names = [...new Set(ends)]
  const addressOf = (name: string) => `10.1.0.${1 + names.indexOf(name)}`
  const fake = createExportsFake(join(folder, 'bookinfo'), [configOf('bookinfo')])
  await fake.start()
  const rows = bookinfo.flatMap(([source, target, bytes], index) =>
    flowRows(index, 1, {
      ...{ src_workload: source, src_address: addressOf(source), src_namespace: 'default' },
      ...{ dst_workload: target, dst_address: addressOf(target), dst_namespace: 'default' },
      ...{ dst_port: 9080, bytes, reverse_bytes: 0, src_node: 'one', dst_node: 'one' },
    }),
  )
  await fake.append(rows)
  await until('the rows', () => fake.exports.list()[0]?.rows === bookinfo.length)
  await fake.stop()
  const shown = (query: string): Record<string, unknown>[] =>
    JSON.parse(cluster.sql(`SELECT coalesce(json_agg(r), '[]') FROM (${query}) r`))
  const nodes = shown('SELECT * FROM nodes LIMIT 50 ')
  const idOf = (name: string) => `${name}@${addressOf(name)}`
  assert.deepEqual(nodes.map(({ id }) => id).toSorted(), names.map(idOf).toSorted())
  const details = nodes.find(({ title }) => title === 'details')
  assert.deepEqual(
    [details?.['mainstat'], details?.['secondarystat'], details?.['subtitle']],
    [addressOf('details'), 'details.default', 'one'],
  )
  const edges = shown('SELECT * FROM edges LIMIT 50 ')
  assert.deepEqual(
    edges.map(({ source, target }) => [source, target]),
    bookinfo.map(([source, target]) => [idOf(source), idOf(target)]),
    'the largest first',
  )
  cluster.sql('TRUNCATE flows')
})

test(`totals equal what was stored when the server is killed ${rounds} times`, {
  skip,
  timeout: 60_000 * rounds,
}, async () => {
  const data = join(folder, 'killed')
  let fake = createExportsFake(data, [configOf('killed', { batchRows: 700 })])
  await fake.start()
  let rows = 0
  for (let round = 0; round < rounds; round++) {
    for (let part = 0; part < 5; part++) {
      await fake.append(flowRows(rows, 1_000))
      rows += 1_000
      // In the middle of the batches, and in every other round also of the export itself.
      if (part === 2) await cluster.kill()
      if (part === 3 && round % 2 === 1) {
        await fake.stop()
        fake = createExportsFake(data, [configOf('killed', { batchRows: 700 })])
        await fake.start()
      }
    }
    await cluster.start()
  }
  await until('no lag', () => fake.exports.list()[0]?.lag_rows === 0, 60_000)
  await fake.stop()
  const bytes = rows * (rows - 1) + rows
  assert.equal(
    cluster.sql('SELECT count(*), sum(bytes), count(DISTINCT connection_id) FROM flows'),
    `${rows}|${bytes}|${rows}`,
  )
})

test('days that are older than the retention are dropped whole', { skip }, async () => {
  cluster.sql(
    "CREATE TABLE flows_20200101 PARTITION OF flows FOR VALUES FROM ('2020-01-01Z') TO ('2020-01-02Z')",
  )
  const fake = createExportsFake(join(folder, 'old'), [
    configOf('old', { options: { retention: '7d' } }),
  ])
  await fake.start()
  await fake.append(flowRows(0, 1))
  await until('the row', () => fake.exports.list()[0]?.rows === 1)
  await fake.stop()
  assert.equal(cluster.sql("SELECT count(*) FROM pg_class WHERE relname = 'flows_20200101'"), '0')
})

test('events have a table of their own, in the order of one cursor', { skip }, async () => {
  const table = tableNamed('events')
  assert.ok(table)
  const config = configOf('events', { tables: ['events'] })
  const fake = createExportsFake(join(folder, 'events'), [config], { table })
  await fake.start()
  const time = BigInt(Date.now()) * 1_000_000n
  const event = { time, node: 'node-a', kind: 'drop', count: 7, reason: 'NO_SOCKET' }
  await fake.append([event, { ...event, count: 2, payload: Uint8Array.of(0, 255) }])
  await until('the rows', () => fake.exports.list()[0]?.rows === 2)
  await fake.stop()
  assert.equal(
    cluster.sql("SELECT sum(count), max(reason), max(encode(payload, 'hex')) FROM events"),
    '9|NO_SOCKET|00ff',
  )
})

test('a password is never shown', { skip }, () => {
  const fake = createExportsFake(join(folder, 'secret'), [configOf('secret')])
  assert.doesNotMatch(JSON.stringify(fake.exports.list()), /secret@/)
})
