// Rows from columns are the texts that JSON.stringify makes of the row as an object, octet by octet, in every table.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { appendRow, type RowValue, type RowValues } from '../model/append.ts'
import { type Batch, createBatch } from '../model/columns.ts'
import type { Field, FieldKind, Table } from '../model/field.ts'
import { flowTable } from '../model/flow-fields.ts'
import { createInterner } from '../model/interner.ts'
import { rowOf } from '../model/row.ts'
import { tables } from '../model/tables.ts'
import { type BatchRows, type JsonChunk, jsonChunks, rowsIn } from './json-rows.ts'

const u64 = fc.oneof(
  fc.constantFrom(0n, 1n, 999_999_999n, 1_000_000_000n, 2n ** 32n, 2n ** 53n, 2n ** 64n - 1n),
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
)
const hostile = ['', '"', '\\', '\n\r\t\0', '\u001b[2J', '\u2028', '\ud800', '😀ü', 'a'.repeat(70)]
const text = fc.oneof(fc.constantFrom(...hostile), fc.string({ unit: 'binary' }))
const counter = fc.oneof(
  fc.constantFrom(0, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1),
  fc.maxSafeNat(),
  fc.nat(99),
)

const values: Readonly<Record<FieldKind, fc.Arbitrary<RowValue>>> = {
  time: u64,
  id: u64,
  name: text,
  text,
  octets: fc.uint8Array({ maxLength: 9 }),
  list: fc.array(text, { maxLength: 3 }),
  address: fc.oneof(fc.ipV4(), fc.ipV6()),
  counter,
  u8: fc.nat(255),
  u16: fc.nat(65_535),
  u32: fc.nat(2 ** 32 - 1),
  flag: fc.boolean(),
}

/** Of most columns the value is the same in all rows, as in life. */
function rowsOf({ fields }: Table): fc.Arbitrary<readonly RowValues[]> {
  const anyOf = ({ kind, nullable }: Field) => (nullable ? fc.option(values[kind]) : values[kind])
  const whole = fc.record(Object.fromEntries(fields.map((field) => [field.name, anyOf(field)])))
  const names = fc.subarray(
    fields.map(({ name }) => name),
    { maxLength: Math.min(12, fields.length) },
  )
  return fc
    .tuple(fc.array(whole, { minLength: 1, maxLength: 4 }), names)
    .map(([rows, changing]) => {
      const [first = {}] = rows
      const own = (row: RowValues) =>
        Object.fromEntries(changing.map((name) => [name, row[name] ?? null]))
      return rows.map((row) => ({ ...first, ...own(row) }))
    })
}

function batchOf(table: Table, rows: readonly RowValues[], names = createInterner()): Batch {
  const batch = createBatch(table, rows.length, names)
  for (const row of rows) appendRow(batch, row)
  return batch
}

function textOf(parts: readonly BatchRows[], fields: readonly Field[]): string {
  return parts
    .flatMap(({ batch, rows }) =>
      rows.map((row) => {
        const object = rowOf(batch, row)
        const chosen = Object.fromEntries(fields.map(({ name }) => [name, object[name]]))
        return `${JSON.stringify(chosen)}\n`
      }),
    )
    .join('')
}

const joined = (chunks: Iterable<JsonChunk>) =>
  Buffer.concat(Array.from(chunks, ({ octets }) => octets)).toString()

for (const table of tables) {
  test(`rows of ${table.name} are the JSON of their objects`, () => {
    const options = fc.record({ octetsMax: fc.constantFrom(1, 700, 2 ** 18), picks: fc.nat() })
    const chosen = fc.subarray([...table.fields])
    fc.assert(
      fc.property(rowsOf(table), rowsOf(table), chosen, options, (first, second, fields, how) => {
        const names = createInterner()
        const parts = [first, second].map((rows) => ({
          batch: batchOf(table, rows, names),
          rows: Array.from(rows, (_, row) => row).filter((row) => (how.picks >> row) % 2 === 0),
        }))
        for (const some of [table.fields, fields]) {
          const { octetsMax } = how
          assert.equal(joined(jsonChunks(parts, some, { octetsMax })), textOf(parts, some))
        }
      }),
      { numRuns: 40 },
    )
  })
}

test('a chunk ends with the row that fills it, and its rows are apart', () => {
  const batch = batchOf(
    flowTable,
    [1, 2, 3, 4, 5].map((bytes) => ({ bytes })),
  )
  const fields = flowTable.fields.filter(({ name }) => name === 'bytes')
  const chunks = [...jsonChunks([{ batch, rows: [0, 1, 3, 4] }], fields, { octetsMax: 13 })]
  const rows = chunks.map((chunk) => Array.from(rowsIn(chunk), String))
  assert.deepEqual(rows, [
    ['{"bytes":1}', '{"bytes":2}'],
    ['{"bytes":4}', '{"bytes":5}'],
  ])
})

test('a chunk that is not reused stays as it was when the next is made', () => {
  const batch = batchOf(
    flowTable,
    [1, 2, 3].map((bytes) => ({ bytes })),
  )
  const parts = [{ batch, rows: [0, 1, 2] }]
  const kept = [...jsonChunks(parts, flowTable.fields, { octetsMax: 1 })]
  assert.equal(kept.length, 3)
  assert.equal(joined(kept), textOf(parts, flowTable.fields))
  const seen: string[] = []
  for (const { octets } of jsonChunks(parts, flowTable.fields, { octetsMax: 1, reuse: true })) {
    seen.push(octets.toString())
  }
  assert.equal(seen.join(''), textOf(parts, flowTable.fields))
})

test('a reader that wants more escaped says how texts and lists are quoted', () => {
  const batch = batchOf(flowTable, [{ node: 'ü' }, { node: 'a' }])
  const fields = flowTable.fields.filter(({ name }) => name === 'node')
  const quote = (value: unknown) => JSON.stringify(value).replace('ü', '\\u00fc')
  const lines = joined(jsonChunks([{ batch, rows: [0, 1] }], fields, { quote }))
  assert.equal(lines, '{"node":"\\u00fc"}\n{"node":"a"}\n')
})

test('no rows are no chunk', () => {
  const batch = createBatch(flowTable, 1)
  assert.deepEqual([...jsonChunks([{ batch, rows: [] }], flowTable.fields)], [])
})
