// The engine and the predicate say the same of every row: random filters in the language's own words, hostile
// texts included. 400 filters × 40 rows.

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
  type Field,
  flowTable,
  parseFilter,
  rowOf,
  rowTest,
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

test('SQL and predicate agree on random filters and rows', () => {
  const batch = randomRows()
  load(batch)
  const filters = fc.sample(filterOf(batch), { numRuns: filterCount, seed: 7 })
  let held = 0
  for (const text of filters) {
    const filter = parseFilter(text, { table: flowTable, nowNs })
    const passes = rowTest(filter, batch)
    const expected = Array.from({ length: rowCount }, (_, row) => row).filter(passes)
    assert.deepEqual(byEngine(filterSql(inlineBinder, filter)), expected, text)
    held += expected.length
  }
  const all = filterCount * rowCount
  assert.ok(held > all * 0.1 && held < all * 0.9, `${held} of ${all} pairs held: too easy`)
})

/** Values as literals: how they are bound is the worker's test. */
const inlineBinder: Binder = {
  params: {},
  bind: (type, value) => `CAST(${literal(String(value))}, '${type}')`,
  bindTime: (ns) => `fromUnixTimestamp64Nano(toInt64(${ns}), 'UTC')`,
}

/** Numbers of the rows that pass; `packets` is each row's number. */
function byEngine(condition: string): number[] {
  const sql = `SELECT toUInt32(f.packets) AS row FROM flows AS f WHERE ${condition} ORDER BY row`
  const text = session.query(sql, 'TabSeparated').trim()
  return text === '' ? [] : text.split('\n').map(Number)
}

function randomRows(): Batch {
  const batch = createBatch(flowTable, rowCount)
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
    }),
    { numRuns: rowCount, seed: 1 },
  )
  for (const [packets, row] of rows.entries()) appendRow(batch, { ...row, time: nowNs, packets })
  return batch
}

function load(batch: Batch): void {
  const file = join(folder, 'rows.native')
  writeFileSync(file, createBlockEncoder().encode(batch))
  session.query(createTableSql(flowTable))
  session.query(`INSERT INTO flows SELECT * FROM file('${file}', 'Native')`)
}

/** Filters as text, over fields whose values the rows have. */
function filterOf(batch: Batch): fc.Arbitrary<string> {
  const compared = 'start node src_process dst_process src_address dst_address src_port dst_port'
  const more = 'bytes retransmits rtt_ns src_uid direction_known connection_id'
  const names = new Set(`${compared} ${more}`.split(' '))
  const fields = flowTable.fields.filter(({ name }) => names.has(name))
  const pairs = endPairsOf(flowTable).filter(
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
  const rows = Array.from({ length: batch.length }, (_, row) => rowOf(batch, row)[field.name])
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
  if (field.kind === 'name') return fc.oneof(...equal, match)
  if (field.kind === 'address') return fc.oneof(...equal, cidr)
  if (field.kind === 'flag' || field.kind === 'id') return fc.oneof(...equal)
  return fc.oneof(...equal, order)
}

/** A string of the language. */
function quote(text: string): string {
  const escaped = text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\0', '\\0')
  return `"${escaped}"`
}
