// The engine and the predicate say the same of every row: random filters in the language's own words, hostile
// texts included. 400 filters × 40 rows of each table of what is measured.

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { Session } from 'chdb'
import fc from 'fast-check'
import {
  appendRow,
  type Batch,
  createBatch,
  createBlockEncoder,
  endPairsOf,
  eventTable,
  type Field,
  flowTable,
  parseFilter,
  rowOf,
  rowTest,
  type Table,
} from '../../wire/mod.ts'
import { createTableSql } from '../schema/table-sql.ts'
import { literal } from '../worker/set-statement.ts'
import type { Binder } from './binder.ts'
import { filterSql } from './filter-sql.ts'

const folder = mkdtempSync(join(tmpdir(), 'weir-filter-'))
const session = new Session()
after(() => {
  session.close()
  rmSync(folder, { recursive: true })
})

const rowCount = 40
const filterCount = 400
const nowNs = 1_795_271_530_000_000_000n
const hostile = [
  '',
  'curl',
  "it's",
  '"',
  '\\',
  "\\'",
  "' OR 1=1 --",
  'a\tb\nc',
  '\0',
  'é√🦆',
  '%',
  '{p0:String}',
  '(',
  '.*',
]
const addresses = ['10.1.2.3', '10.1.255.255', '2001:db8::1', '::', '::1', 'ffff::', '0.0.0.0']

/** A field that numbers the rows, and the fields that are compared. */
const cases: readonly [Table, string, string][] = [
  [
    flowTable,
    'packets',
    'start node src_process dst_process src_address dst_address src_port dst_port bytes retransmits rtt_ns src_uid direction_known connection_id',
  ],
  [
    eventTable,
    'bytes',
    'start node src_process dst_process src_address dst_address src_port dst_port count dns_latency_ns src_uid dns_truncated connection_id dns_name dns_answers icmp_type vlan packet_size_bytes reason',
  ],
]

for (const [table, number, compared] of cases) {
  test(`${table.name}: SQL and predicate agree on random filters and rows`, () => {
    agree(table, number, new Set(compared.split(' ')))
  })
}

function agree(table: Table, number: string, compared: ReadonlySet<string>): void {
  const batch = randomRows(table, number)
  load(batch)
  const filters = fc.sample(filterOf(batch, compared), { numRuns: filterCount, seed: 7 })
  let held = 0
  for (const text of filters) {
    const filter = parseFilter(text, { table, nowNs })
    const passes = rowTest(filter, batch)
    const expected = Array.from({ length: rowCount }, (_, row) => row).filter(passes)
    assert.deepEqual(byEngine(filterSql(inlineBinder, filter), table, number), expected, text)
    held += expected.length
  }
  const all = filterCount * rowCount
  assert.ok(held > all * 0.1 && held < all * 0.9, `${held} of ${all} pairs held: too easy`)
}

/** Values as literals: how they are bound is the worker's test. */
const inlineBinder: Binder = {
  params: {},
  bind: (type, value) => `CAST(${literal(String(value))}, '${type}')`,
  bindTime: (ns) => `fromUnixTimestamp64Nano(toInt64(${ns}), 'UTC')`,
}

/** Numbers of the rows that pass. */
function byEngine(condition: string, table: Table, number: string): number[] {
  const sql = `SELECT toUInt32(f.${number}) AS row FROM ${table.name} AS f WHERE ${condition} ORDER BY row`
  const text = session.query(sql, 'TabSeparated').trim()
  return text === '' ? [] : text.split('\n').map(Number)
}

function randomRows(table: Table, number: string): Batch {
  const batch = createBatch(table, rowCount)
  const known = new Set(table.fields.map(({ name }) => name))
  const names = fc.constantFrom(...hostile)
  const rows = fc.sample(
    fc.record({
      start: fc.option(fc.constantFrom(nowNs - 5n, nowNs)),
      node: names,
      src_process: names,
      dst_process: names,
      src_address: fc.constantFrom(...addresses),
      dst_address: fc.constantFrom(...addresses),
      src_port: fc.constantFrom(0, 443, 65_535),
      dst_port: fc.constantFrom(0, 443, 5432),
      bytes: fc.constantFrom(0, 1000, 1024, Number.MAX_SAFE_INTEGER),
      retransmits: fc.option(fc.constantFrom(0, 3)),
      rtt_ns: fc.option(fc.constantFrom(0, 5_000_000)),
      src_uid: fc.option(fc.constantFrom(0, 1000)),
      direction_known: fc.boolean(),
      connection_id: fc.constantFrom(0n, 7n, 2n ** 64n - 1n),
      count: fc.constantFrom(0, 1000, 1024, Number.MAX_SAFE_INTEGER),
      dns_latency_ns: fc.option(fc.constantFrom(0, 5_000_000)),
      dns_truncated: fc.boolean(),
      dns_name: names,
      dns_answers: fc.array(names, { maxLength: 3 }),
      icmp_type: fc.option(fc.constantFrom(0, 8, 255)),
      vlan: fc.option(fc.constantFrom(0, 7, 4094)),
      packet_size_bytes: fc.option(fc.constantFrom(60, 1500)),
      reason: names,
    }),
    { numRuns: rowCount, seed: 1 },
  )
  for (const [index, row] of rows.entries()) {
    const own = Object.entries(row).filter(([name]) => known.has(name))
    appendRow(batch, { ...Object.fromEntries(own), time: nowNs, [number]: index })
  }
  return batch
}

function load(batch: Batch): void {
  const file = join(folder, 'rows.native')
  writeFileSync(file, createBlockEncoder().encode(batch))
  session.query(createTableSql(batch.table))
  session.query(`INSERT INTO ${batch.table.name} SELECT * FROM file('${file}', 'Native')`)
}

/** Filters as text, over fields whose values the rows have. */
function filterOf(batch: Batch, names: ReadonlySet<string>): fc.Arbitrary<string> {
  const fields = batch.table.fields.filter(({ name }) => names.has(name))
  const pairs = endPairsOf(batch.table).filter(
    ({ src, dst }) => names.has(src.name) && names.has(dst.name),
  )
  const leaf = fc.oneof(
    ...fields.map((field) => comparisonOf(batch, field, field.name)),
    ...pairs.map(({ name, src }) => comparisonOf(batch, src, name)),
  )
  return fc.letrec<{ filter: string; all: string; any: string; not: string }>((tie) => ({
    filter: fc.oneof({ maxDepth: 3 }, leaf, tie('all'), tie('any'), tie('not')),
    all: fc.tuple(tie('filter'), tie('filter')).map(([a, b]) => `(${a}) and (${b})`),
    any: fc.tuple(tie('filter'), tie('filter')).map(([a, b]) => `(${a}) or (${b})`),
    not: tie('filter').map((part) => `not (${part})`),
  })).filter
}

function comparisonOf(batch: Batch, field: Field, name: string): fc.Arbitrary<string> {
  const rows = Array.from(
    { length: batch.length },
    (_, row) => rowOf(batch, row)[field.name],
  ).flat()
  const known = rows.filter((value) => value !== null).map((value) => quote(String(value)))
  const value = fc.constantFrom(...known)
  const list = fc.array(value, { minLength: 1, maxLength: 3 }).map((all) => `(${all.join(', ')})`)
  const equal = [
    fc.tuple(fc.constantFrom('=', '!='), value).map(([sign, text]) => `${name} ${sign} ${text}`),
    fc.tuple(fc.constantFrom('in', 'not in'), list).map(([word, all]) => `${name} ${word} ${all}`),
  ]
  const order = fc
    .tuple(fc.constantFrom('<', '<=', '>', '>='), value)
    .map(([sign, text]) => `${name} ${sign} ${text}`)
  const cidr = fc
    .tuple(fc.constantFrom('10.0.0.0/8', '2001:db8::/32', '::/0', '0.0.0.0/0', '::ffff:0:0/96'))
    .map(([range]) => `${name} = ${range}`)
  const patterns = ['^cu', '', '.', '^$', '[^a]', 'it.s', '\\\\', 'a.*c', '🦆|é', '(?i)CURL', '\\0']
  const match = fc
    .tuple(fc.constantFrom('~', '!~'), fc.constantFrom(...patterns))
    .map(([sign, pattern]) => `${name} ${sign} ${quote(pattern)}`)
  if (['name', 'text', 'list'].includes(field.kind)) return fc.oneof(...equal, match)
  if (field.kind === 'address') return fc.oneof(...equal, cidr)
  if (field.kind === 'flag' || field.kind === 'id') return fc.oneof(...equal)
  return fc.oneof(...equal, order)
}

/** A string of the language. */
function quote(text: string): string {
  const escaped = text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\0', '\\0')
  return `"${escaped}"`
}
