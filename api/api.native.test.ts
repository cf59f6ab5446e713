// The API over the real engine with rows known beforehand: every answer is compared with what plain
// TypeScript makes of the same rows.

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { Ajv } from 'ajv'
import type { FastifyInstance } from 'fastify'
import { createReporter, rfc3339 } from '../common/mod.ts'
import { createStore, type Store } from '../store/mod.ts'
import {
  appendRow,
  type Batch,
  createBatch,
  createBlockEncoder,
  flowTable,
  type JsonValue,
  type Row,
} from '../wire/mod.ts'
import { createApp } from './app.ts'
import {
  type LedgerAnswer,
  ledgerAnswer,
  type RowsAnswer,
  rowsAnswer,
  type SeriesAnswer,
  seriesAnswer,
  type TopAnswer,
  topAnswer,
} from './contract/mod.ts'
import {
  beginNs,
  endNs,
  hole,
  hostileNames,
  knownFlows,
  knownLedger,
  lost,
  nowNs,
  rowsOf,
  silence,
} from './known-rows.fake.ts'

const folder = mkdtempSync(join(tmpdir(), 'weir-api-'))
const reporter = createReporter('test', { level: 'silent' })
const batch = knownFlows()
const rows = rowsOf(batch)
const ajv = new Ajv({ strict: false, formats: { 'date-time': true } })
const range = { from: rfc3339(beginNs), to: rfc3339(endNs) }
let store: Store
let app: FastifyInstance

type Parameters = Record<string, string | number | readonly string[]>

before(async () => {
  store = createStore({ dataDir: join(folder, 'data') }, reporter)
  await store.start()
  await insert(batch, 'flows', 'known-flows')
  await insert(knownLedger(), 'ledger', 'known-ledger')
  const health = () => ({ status: 'ok' as const, version: '0', started: '', checks: [], nodes: [] })
  const deps = { reader: store, health, registry: reporter.registry, nowNs: () => nowNs }
  app = await createApp({}, deps, reporter)
})

after(async () => {
  await app?.close()
  await store?.stop()
  rmSync(folder, { recursive: true, force: true })
})

async function insert(filled: Batch, table: 'flows' | 'ledger', token: string): Promise<void> {
  const file = join(folder, token)
  writeFileSync(file, createBlockEncoder().encode(filled))
  await store.insertSegment(file, table, token)
}

async function get<T>(path: string, parameters: Parameters, status = 200): Promise<T> {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(parameters)) {
    for (const one of [value].flat()) query.append(name, String(one))
  }
  const url = `${path}?${query}`
  const answer = await app.inject({ url, headers: { host: 'localhost:8080' } })
  assert.equal(answer.statusCode, status, `${url}: ${answer.body.slice(0, 500)}`)
  return answer.json() as T
}

/** A page without the order of equal keys: rows as texts, sorted. */
function bag(some: readonly Row[]): string[] {
  return some
    .map((row) => JSON.stringify(Object.entries(withoutDerived(row)).toSorted()))
    .toSorted()
}

function withoutDerived(row: Row): Row {
  const { community_id: _, ...rest } = row
  return rest
}

function sum(some: readonly Row[], name: string): number {
  return some.reduce((total, row) => total + Number(row[name]), 0)
}

async function flows(parameters: Parameters): Promise<readonly Row[]> {
  const answer = await get<RowsAnswer>('/api/flows', { ...range, limit: 10_000, ...parameters })
  assert.equal(answer.next, null)
  return answer.rows
}

/** The API's rows are those of `keep`, all of them and no others. */
async function same(parameters: Parameters, keep: (row: Row) => boolean): Promise<void> {
  const wanted = rows.filter(keep)
  assert.ok(wanted.length > 0 && wanted.length < rows.length, 'the test must tell rows apart')
  assert.deepEqual(bag(await flows(parameters)), bag(wanted), JSON.stringify(parameters))
}

test('every field of every row comes back as it was sent', async () => {
  const answer = await get<RowsAnswer>('/api/flows', { ...range, limit: 10_000 })
  assert.deepEqual(bag(answer.rows), bag(rows))
  assert.ok(ajv.validate(rowsAnswer, answer), ajv.errorsText())
  assert.match(String(answer.rows[0]?.['community_id']), /^1:[A-Za-z0-9+/]{27}=$/)
})

test('equality, repeated values, either end, CIDR', async () => {
  await same({ dst_port: 443 }, (row) => row['dst_port'] === 443)
  await same({ dst_port: ['443', '80'] }, (row) => row['dst_port'] !== 5432)
  await same({ process: 'nginx' }, (row) =>
    [row['src_process'], row['dst_process']].includes('nginx'),
  )
  await same({ pid: '105' }, (row) => row['src_pid'] === 105 || row['dst_pid'] === 105)
  await same(
    { connection_id: '18446744073709000017' },
    (row) => row['connection_id'] === '18446744073709000017',
  )
  await same({ direction_known: 'true' }, (row) => row['direction_known'] === true)
  await same({ src_uid: 1000 }, (row) => row['src_uid'] === 1000)
  await same(
    { errno: '', node: 'node-b' },
    (row) => row['errno'] === '' && row['node'] === 'node-b',
  )
  await same({ src_address: '10.1.2.0/24' }, (row) => `${row['src_address']}`.startsWith('10.1.2.'))
  await same({ address: '0.0.0.0/0' }, (row) => !`${row['src_address']}`.includes(':'))
  await same({ address: '192.168.0.2' }, (row) => row['dst_address'] === '192.168.0.2')
  await same({ dst_address: '2001:db8::/32' }, (row) => `${row['dst_address']}`.includes(':'))
  await same({ src_address: ['2001:0db8::4:0:0:1', '10.1.1.79/31'] }, (row) =>
    ['2001:db8::4:0:0:1', '10.1.1.78', '10.1.1.79'].includes(`${row['src_address']}`),
  )
  await same({ time: `${rows[40]?.['time']}` }, (row) => row['time'] === rows[40]?.['time'])
})

test('hostile names are values, never SQL', async () => {
  for (const name of hostileNames) {
    await same({ src_process: name }, (row) => row['src_process'] === name)
    assert.deepEqual(await flows({ src_unit: `${name}x` }), [])
  }
  const [first] = await store.read('SELECT count() AS n FROM flows')
  assert.equal(first?.['n'], rows.length)
})

test('the range holds its begin and not its end', async () => {
  const [from, to] = [rows[70]?.['time'], rows[140]?.['time']].map(String) as [string, string]
  await same({ from, to }, (row) => `${row['time']}` >= from && `${row['time']}` < to)
})

for (const order of [
  '-time',
  'time',
  '-bytes',
  'rtt_ns',
  '-rtt_ns',
  'src_address',
  '-src_process',
  'start',
  'connection_id',
  '-community_id',
  'direction_known',
]) {
  test(`pages by ${order} hold every row once and in order`, async () => {
    const pages: Row[][] = []
    let next: string | null = null
    do {
      const cursor: Parameters = next === null ? {} : { cursor: next }
      const answer = await get<RowsAnswer>('/api/flows', { ...range, order, limit: 97, ...cursor })
      pages.push(answer.rows as Row[])
      next = answer.next
    } while (next !== null && pages.length < 20)
    assert.equal(pages.length, Math.ceil(rows.length / 97))
    assert.deepEqual(bag(pages.flat()), bag(rows))
    if (order.endsWith('address')) return // The engine orders octets, not texts.
    const values = pages.flat().map((row) => row[order.replace('-', '')] as JsonValue)
    assertOrdered(values, order.startsWith('-'))
  })
}

function assertOrdered(values: readonly JsonValue[], descending: boolean): void {
  const rank = (value: JsonValue) => (/^\d{5,}$/.test(`${value}`) ? BigInt(`${value}`) : value)
  for (let i = 1; i < values.length; i++) {
    const [a, b] = [rank(values[i - 1] as JsonValue), rank(values[i] as JsonValue)] as never[]
    if (b === null) continue
    assert.ok(
      (a !== null && (descending ? a! >= b! : a! <= b!)) || textOrder(a, b, descending),
      `${a} before ${b}`,
    )
  }
}

/** Names are ordered by their octets. */
function textOrder(a: unknown, b: unknown, descending: boolean): boolean {
  if (typeof a !== 'string' || typeof b !== 'string') return false
  const order = Buffer.compare(Buffer.from(a), Buffer.from(b))
  return descending ? order >= 0 : order <= 0
}

/** What the metrics are by definition, computed without SQL. */
function metricsOf(some: readonly Row[]): Record<string, number | null> {
  const known = (name: string) => some.filter((row) => row[name] !== null)
  const sumOrNull = (name: string) => (known(name).length === 0 ? null : sum(some, name))
  const never = (row: Row) =>
    row['rtt_ns'] === null && row['total_bytes'] === 0 && row['total_reverse_bytes'] === 0
  const failures = ['refused', 'unreachable', 'no_port', 'abandoned']
  const identity = (row: Row) =>
    row['connection_id'] === '0'
      ? JSON.stringify([
          row['node'],
          row['src_address'],
          row['src_port'],
          row['dst_address'],
          row['start'] ?? row['time'],
        ])
      : row['connection_id']
  return {
    bytes: sum(some, 'bytes'),
    packets: sum(some, 'packets'),
    reverse_bytes: sum(some, 'reverse_bytes'),
    reverse_packets: sum(some, 'reverse_packets'),
    retransmits: sumOrNull('retransmits'),
    reverse_retransmits: sumOrNull('reverse_retransmits'),
    opened: sum(some, 'opened'),
    total: sum(some, 'bytes') + sum(some, 'reverse_bytes'),
    connections: new Set(some.map(identity)).size,
    failed: some.filter(
      (row) =>
        failures.includes(`${row['end_reason']}`) ||
        (row['end_reason'] === 'timeout' && never(row)),
    ).length,
  }
}

/** Metrics are exactly so, percentiles within 1 % of a value at their rank. */
function assertMetrics(found: Row, some: readonly Row[], about: string): void {
  for (const [name, value] of Object.entries(metricsOf(some))) {
    assert.equal(found[name], value, `${name} of ${about}`)
  }
  const rtts = some.flatMap((row) => (row['rtt_ns'] === null ? [] : [Number(row['rtt_ns'])]))
  rtts.sort((a, b) => a - b)
  for (const rank of [50, 95]) {
    const value = found[`rtt_p${rank}_ns`] as number | null
    if (rtts.length === 0) {
      assert.equal(value, null)
      continue
    }
    const at = (rank / 100) * (rtts.length - 1)
    const [low, high] = [rtts[Math.floor(at)] as number, rtts[Math.ceil(at)] as number]
    assert.ok(
      value !== null && value >= low * 0.99 - 1 && value <= high * 1.01 + 1,
      `${about}: p${rank} ${value} of ${low}..${high}`,
    )
  }
}

function grouped(some: readonly Row[], by: readonly string[]): Map<string, Row[]> {
  return Map.groupBy(some, (row) => JSON.stringify(by.map((name) => row[name])))
}

test('top: every group with its metrics, the largest first, and the totals of all', async () => {
  const by = ['src_process', 'dst_process', 'dst_port']
  const truth = grouped(rows, by)
  const answer = await get<TopAnswer>('/api/top', { ...range, by, limit: 10_000 })
  assert.ok(ajv.validate(topAnswer, answer), ajv.errorsText())
  assert.equal(answer.rows.length, truth.size)
  for (const row of answer.rows) {
    const key = JSON.stringify(by.map((name) => row[name]))
    assertMetrics(row, truth.get(key) as Row[], key)
  }
  assertOrdered(
    answer.rows.map((row) => row['total'] as number),
    true,
  )
  assertMetrics(answer.totals as Row, rows, 'totals')
  assert.equal(answer.totals.groups, truth.size)
  const few = await get<TopAnswer>('/api/top', { ...range, by, limit: 3 })
  assert.deepEqual(few.rows, answer.rows.slice(0, 3))
  assert.deepEqual(few.totals, answer.totals)
})

test('top: both ends by one name, null groups, filters, other orders, nothing at all', async () => {
  const both = await get<TopAnswer>('/api/top', { ...range, by: 'process', limit: 100 })
  assert.equal(both.rows.length, grouped(rows, ['src_process', 'dst_process']).size)
  const uids = await get<TopAnswer>('/api/top', { ...range, by: 'src_uid', order: '-opened' })
  assert.deepEqual(
    uids.rows.map((row) => row['src_uid']),
    [1000, null],
  )
  const some = rows.filter((row) => row['dst_port'] === 443 && row['node'] === 'node-a')
  const filtered = await get<TopAnswer>('/api/top', {
    ...range,
    by: 'src_address',
    order: 'src_address',
    dst_port: 443,
    node: 'node-a',
  })
  assertMetrics(filtered.totals as Row, some, 'filtered')
  assert.equal(filtered.totals.groups, grouped(some, ['src_address']).size)
  const none = await get<TopAnswer>('/api/top', { ...range, by: 'node', src_unit: 'none' })
  assert.deepEqual([none.rows, none.totals.groups, none.totals['bytes']], [[], 0, 0])
  for (const by of [
    'connection_id',
    'src_address',
    'direction_known',
    'community_id',
    'src_cgroup_id',
  ]) {
    const answer = await get<TopAnswer>('/api/top', { ...range, by, limit: 10_000 })
    const found = by === 'community_id' ? answer.totals.groups : grouped(rows, [by]).size
    assert.equal(answer.rows.length, found, by)
  }
})

const stepOf = (row: Row, seconds: number) => {
  const time = Date.parse(`${row['time']}`)
  return `${new Date(time - (time % (seconds * 1000))).toISOString().slice(0, 19)}.000000000Z`
}

test('series: each step has the metrics of its rows, and steps without rows are absent', async () => {
  const answer = await get<SeriesAnswer>('/api/series', { ...range, step: '5s' })
  assert.ok(ajv.validate(seriesAnswer, answer), ajv.errorsText())
  const truth = Map.groupBy(rows, (row) => stepOf(row, 5))
  assert.deepEqual(
    answer.rows.map((row) => row['time']),
    [...truth.keys()].toSorted(),
  )
  for (const row of answer.rows)
    assertMetrics(row, truth.get(`${row['time']}`) as Row[], `${row['time']}`)
  const automatic = await get<SeriesAnswer>('/api/series', range)
  assert.equal(automatic.step_seconds, 5, 'no shorter than the interval of the agents')
})

test('series by group: the 8 largest apart, the rest as other, together the whole', async () => {
  const by = ['src_process', 'src_uid']
  const truth = [...grouped(rows, by)].toSorted(
    ([, a], [, b]) => (metricsOf(b)['total'] as number) - (metricsOf(a)['total'] as number),
  )
  assert.ok(truth.length > 8)
  const apart = new Set(truth.slice(0, 8).map(([key]) => key))
  const answer = await get<SeriesAnswer>('/api/series', { ...range, step: '1m', by })
  assert.ok(ajv.validate(seriesAnswer, answer), ajv.errorsText())
  const keyOf = (row: Row) => JSON.stringify(by.map((name) => row[name]))
  const parts = Map.groupBy(rows, (row) => {
    const key = keyOf(row)
    return `${stepOf(row, 60)} ${apart.has(key) ? key : 'other'}`
  })
  const found = answer.rows.map((row) => `${row['time']} ${row['other'] ? 'other' : keyOf(row)}`)
  assert.deepEqual(found.toSorted(), [...parts.keys()].toSorted())
  for (const [i, key] of found.entries()) {
    assertMetrics(answer.rows[i] as Row, parts.get(key) as Row[], key)
  }
  for (const row of answer.rows) if (row['other']) assert.equal(row['src_process'], null)
})

test('ledger: sums per node, stage and cause', async () => {
  const answer = await get<LedgerAnswer>('/api/ledger', range)
  assert.ok(ajv.validate(ledgerAnswer, answer), ajv.errorsText())
  const short = answer.rows.map((row) =>
    ['node', 'stage', 'cause', 'entered', 'left', 'filtered', 'lost', 'waiting'].map(
      (name) => row[name],
    ),
  )
  assert.deepEqual(short, [
    ['node-a', 'hook', '', 2280, 2280, 0, 0, 0],
    ['node-a', 'spool', '', 40, 20, 0, 17, 3],
    ['node-a', 'spool', 'own_traffic', 0, 0, 9, 0, 0],
    ['node-a', 'spool', 'spool_full', 0, 0, 0, 12, 0],
    ['node-b', 'hook', '', 1810, 1810, 0, 0, 0],
    ['node-b', 'drain', '', 30, 0, 0, 30, 0],
    ['node-b', 'drain', 'ring_full', 0, 0, 0, 30, 0],
  ])
  const one = await get<LedgerAnswer>('/api/ledger', { ...range, node: 'node-b', stage: 'drain' })
  assert.equal(one.rows.length, 2)
})

test('coverage: the exact share of a known loss, its causes, the hole and the silence', async () => {
  const lostInAll = lost.ring_full + lost.spool_full + lost.unknown
  const gaps = [hole, silence].map(({ node, fromNs, toNs }) => ({
    node,
    from: rfc3339(fromNs),
    to: rfc3339(toNs),
  }))
  const whole = { share: rows.length / (rows.length + lostInAll), lost, gaps }
  const paths: [string, Parameters][] = [
    ['/api/flows', { limit: 1, src_process: 'curl' }],
    ['/api/top', { by: 'node' }],
    ['/api/ledger', {}],
  ]
  for (const [path, parameters] of paths) {
    const { coverage } = await get<RowsAnswer>(path, { ...range, ...parameters })
    assert.deepEqual(coverage, whole, path)
  }
  const atB = rows.filter((row) => row['node'] === 'node-b').length
  const { coverage: b } = await get<RowsAnswer>('/api/flows', { ...range, node: 'node-b' })
  assert.deepEqual(b, { share: atB / (atB + 30), lost: { ring_full: 30 }, gaps: [gaps[1]] })
  const quiet = { from: rfc3339(beginNs + 600_000_000_000n), to: range.to, node: 'node-a' }
  const { coverage: complete } = await get<RowsAnswer>('/api/flows', quiet)
  assert.deepEqual(complete, { share: 1, lost: {}, gaps: [] })
  const before = { from: '2026-11-20T00:00:00Z', to: '2026-11-20T01:00:00Z' }
  const { coverage: blind } = await get<RowsAnswer>('/api/flows', before)
  assert.deepEqual(blind, { share: null, lost: {}, gaps: [] })
})

test('coverage of every step: its loss, complete, or nobody watching', async () => {
  const from = rfc3339(beginNs - 120_000_000_000n)
  const one = { from, to: range.to, step: '1m', node: 'node-a' }
  const { coverage } = await get<SeriesAnswer>('/api/series', one)
  const atA = rows.filter((row) => row['node'] === 'node-a')
  const second = atA.filter((row) => stepOf(row, 60) === '2026-11-21T06:01:00.000000000Z').length
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

test('rows that arrive between two pages neither repeat nor hide another', async () => {
  const first = await get<RowsAnswer>('/api/flows', { from: range.from, limit: 100 })
  const late = createBatch(flowTable, 2)
  for (const time of [endNs - 1n, nowNs + 5n]) appendRow(late, { time, node: 'late' })
  await insert(late, 'flows', 'late-flows')
  const cursor = first.next as string
  const rest = await get<RowsAnswer>('/api/flows', { from: range.from, limit: 10_000, cursor })
  assert.deepEqual(bag([...first.rows, ...rest.rows]), bag(rows))
})
