import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rfc3339 } from '../../common/mod.ts'
import { parseAddress } from './address.ts'
import { type Batch, createBatch, grown } from './columns.ts'
import { flowTable } from './flow-fields.ts'
import { ledgerTable } from './ledger-fields.ts'
import { rowOf } from './row.ts'

function column(batch: Batch, name: string) {
  const found = batch.columns[name]
  assert.ok(found, name)
  return found
}

test('a row becomes JSON without losing a digit', () => {
  const batch = createBatch(flowTable, 2)
  column(batch, 'time').values.set([0x2d_b1_00_01, 0x18_ea_00_00], 2)
  column(batch, 'connection_id').values.set([0xffff_ffff, 0xffff_ffff], 2)
  column(batch, 'src_address').values.set(parseAddress('192.0.2.7') as Uint8Array, 16)
  column(batch, 'src_process').values[1] = batch.names.index('curl')
  column(batch, 'bytes').values[1] = Number.MAX_SAFE_INTEGER
  column(batch, 'direction_known').values[1] = 1
  const end = column(batch, 'end')
  assert.ok(end.nulls)
  end.nulls[1] = 1
  batch.length = 2
  const row = rowOf(grown(batch), 1)
  assert.equal(row['time'], rfc3339((0x18ea_0000n << 32n) | 0x2db1_0001n))
  assert.equal(row['connection_id'], '18446744073709551615')
  assert.equal(row['src_address'], '192.0.2.7')
  assert.equal(row['src_process'], 'curl')
  assert.equal(row['bytes'], Number.MAX_SAFE_INTEGER)
  assert.equal(row['direction_known'], true)
  assert.equal(row['end'], null)
  assert.equal(row['end_reason'], '')
})

test('a batch with some of the columns makes rows of these', () => {
  const fields = flowTable.fields.filter(({ name }) => ['node', 'bytes'].includes(name))
  const batch = createBatch(flowTable, 1, undefined, fields)
  column(batch, 'bytes').values[0] = 5
  batch.length = 1
  assert.deepEqual(rowOf(batch, 0), { node: '', bytes: 5 })
})

test('field names are unique, and every field can be explained', () => {
  for (const table of [flowTable, ledgerTable]) {
    const names = [...table.fields, ...table.derived].map((field) => field.name)
    assert.equal(new Set(names).size, names.length)
    for (const field of table.fields) assert.ok(field.help.endsWith('.'), field.name)
  }
})
