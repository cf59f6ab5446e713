// What was encoded is read back, by columns; what an older schema lacks is filled; what is replaced is replaced.
// That the encoder itself is right is the engine's word (block.native.test.ts), not ours.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { appendRow } from '../model/append.ts'
import { type Batch, clearBatch, createBatch } from '../model/columns.ts'
import { type Field, fieldsOf, type Table } from '../model/field.ts'
import { rowOf } from '../model/row.ts'
import { type BlockView, createBlockCheck } from './block-check.ts'
import { createBlockEncoder } from './block-encode.ts'
import { readBlock } from './block-read.ts'
import { rewriteBlock } from './block-rewrite.ts'
import { fakeFlows, fakeKinds, fakeLedger, fakePrograms, kindsTable } from './fake.ts'

const encoder = createBlockEncoder()

function viewOf(batch: Batch, schema = batch.table.schema): BlockView {
  const block = Uint8Array.from(encoder.encode(batch))
  const time = { timeMin: 0n, timeMax: 2n ** 62n }
  return createBlockCheck(batch.table, schema)(block, { rows: batch.length, ...time })
}

function rowsOf(batch: Batch) {
  return Array.from({ length: batch.length }, (_, index) => rowOf(batch, index))
}

test('every kind of value is read back', () => {
  for (const batch of [fakeFlows(), fakeLedger(), fakePrograms(), fakeKinds()]) {
    assert.deepEqual(rowsOf(readBlock(viewOf(batch))), rowsOf(batch))
  }
})

test('of the columns that are not asked for nothing is read', () => {
  const { columns, names } = readBlock(viewOf(fakeFlows()), ['src_process', 'bytes'])
  assert.deepEqual(Object.keys(columns).toSorted(), ['bytes', 'src_process'])
  assert.equal(names.text(columns['src_process']?.values[0] as number), 'curl')
  assert.equal(columns['bytes']?.values[0], 1_000_000)
})

/** The table as it will be: a field between, one at the end, of which older rows have a 1, and a nullable one. */
const younger: readonly Field[] = [
  { name: 'weight', kind: 'counter', codec: 'ZSTD(1)', since: 2, label: 'Weight', help: 'Toy.' },
  { name: 'seen', kind: 'flag', codec: 'ZSTD(1)', since: 2, older: 1, label: 'Seen', help: 'Toy.' },
  {
    name: 'late',
    kind: 'u8',
    nullable: true,
    codec: 'ZSTD(1)',
    since: 3,
    label: 'L',
    help: 'Toy.',
  },
]
const [head, ...rest] = kindsTable.fields as [Field, ...Field[]]
const grownTable: Table = {
  ...kindsTable,
  schema: 3,
  fields: [head, younger[0] as Field, ...rest, ...younger.slice(1)],
}

test('a block of an older schema becomes one of today, its own columns octet by octet', () => {
  const old = fakeKinds()
  const block = Uint8Array.from(encoder.encode(old))
  const claim = { rows: old.length, timeMin: 0n, timeMax: 2n ** 62n }
  const view = createBlockCheck(grownTable, 1)(block, claim)
  const today = rewriteBlock(view, encoder)
  assert.deepEqual(today, createBlockCheck(grownTable)(today.octets, claim))
  const filled = { weight: 0, seen: true, late: null }
  assert.deepEqual(
    rowsOf(readBlock(today)),
    rowsOf(old).map((row) => ({ ...row, ...filled })),
  )
  assert.deepEqual(rowsOf(readBlock(view)), rowsOf(readBlock(today)))
  assert.throws(() => createBlockCheck(grownTable)(block, claim), { code: 'bad_frame' })
  assert.equal(fieldsOf(grownTable, 2).length, kindsTable.fields.length + 2)
})

test('a resolved column takes the place of the sent one, the others stay', () => {
  const batch = fakeFlows()
  const view = viewOf(batch)
  assert.equal(rewriteBlock(view, encoder), view, 'nothing to do costs nothing')
  const resolved = createBatch(batch.table, batch.length)
  resolved.length = batch.length
  const column = resolved.columns['dst_process']?.values as Uint32Array
  column.fill(resolved.names.index('nginx'))
  const replaced = { batch: resolved, names: new Set(['dst_process']) }
  const claim = { rows: batch.length, timeMin: 0n, timeMax: 2n ** 62n }
  const after = rewriteBlock(view, encoder, replaced)
  assert.deepEqual(after, createBlockCheck(batch.table)(after.octets, claim))
  assert.deepEqual(
    rowsOf(readBlock(after)),
    rowsOf(batch).map((row) => ({ ...row, dst_process: 'nginx' })),
  )
})

test('a cleared batch keeps nothing of its rows', () => {
  const batch = fakeKinds()
  clearBatch(batch)
  appendRow(batch, { time: 1n })
  const { tags, sample } = rowOf(batch, 0)
  assert.deepEqual([tags, sample], [[], ''])
})
