// Memory that is used again must not show through: what a row leaves out is empty.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { appendRow, createBatch, flowTable, type Row, rowOf } from '../../wire/mod.ts'
import { endColumnsOf } from './columns.ts'
import { createWriter } from './writer.ts'

type Flows = ReturnType<typeof flows>

const flows = () => createWriter(flowTable)

/** A row whose every octet is set. */
function fillRow(writer: Flows): void {
  const row = writer.next()
  const { names, columns } = writer.batch()
  const name = names.index('somebody')
  for (const { values, nulls, field } of Object.values(columns)) {
    const width = values.length / writer.batch().capacity
    const isName = field.kind === 'name' || field.kind === 'text'
    const value = isName ? name : field.kind === 'flag' ? 1 : 7
    values.fill(value, row * width, (row + 1) * width)
    if (nulls) nulls[row] = 0
  }
}

function emptyRow(): Row {
  const batch = createBatch(flowTable, 1)
  appendRow(batch, {})
  return rowOf(batch, 0)
}

test('a field that a row does not set is empty, not what the memory held before', () => {
  const writer = flows()
  fillRow(writer)
  fillRow(writer)
  writer.begin()
  fillRow(writer)
  const bare = writer.next()
  const empty = emptyRow()
  for (const [name, value] of Object.entries(rowOf(writer.batch(), 0))) {
    assert.notEqual(value, empty[name], `${name} was filled`)
  }
  assert.deepEqual(rowOf(writer.batch(), bare), emptyRow())
})

test('rows after growing and after shrinking begin empty too, and what was written stays', () => {
  const writer = flows()
  const { capacity } = writer.batch()
  for (let row = 0; row < capacity; row++) fillRow(writer)
  const before = rowOf(writer.batch(), capacity - 1)
  const bare = writer.next()
  assert.equal(writer.batch().capacity, 2 * capacity)
  assert.deepEqual(rowOf(writer.batch(), bare), emptyRow())
  assert.deepEqual(rowOf(writer.batch(), capacity - 1), before)
  for (let reports = 0; reports < 24; reports++) writer.begin()
  assert.equal(writer.batch().capacity, capacity)
  assert.deepEqual(rowOf(writer.batch(), writer.next()), emptyRow())
})

test('columns have the names and types of the table, those of an end without its prefix', () => {
  const writer = flows()
  const row = writer.next()
  const columns = writer.columns()
  const end = endColumnsOf(columns, 'dst')
  columns.src_address.values.set([0, 0, 0xffff_0000, 0x0100_007f], row * 4)
  columns.rtt_ns.values[row] = 9
  columns.rtt_ns.nulls[row] = 0
  end.pid.values[row] = 12
  // @ts-expect-error: there is no such field
  assert.equal(columns.byte, undefined)
  // @ts-expect-error: the field is never null
  assert.equal(columns.bytes.nulls, undefined)
  const written = rowOf(writer.batch(), row)
  const { src_address, rtt_ns, dst_pid } = written
  assert.deepEqual([src_address, rtt_ns, dst_pid], ['127.0.0.1', 9, 12])
  assert.deepEqual({ ...written, src_address: '::', rtt_ns: null, dst_pid: 0 }, emptyRow())
})
