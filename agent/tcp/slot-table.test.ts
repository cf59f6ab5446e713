// One line in the list of columns is all that a column needs: it is allocated, grows, and begins anew.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { column, slotsOf, view } from './slot-table.ts'

const columns = {
  record: column(Uint32Array, { width: 3, kept: true }),
  octets: view(Uint8Array, 'record'),
  peer: column(Int32Array, { empty: -1 }),
  totals: column(Float64Array, { width: 2, empty: -1 }),
  seen: column(Uint8Array),
}

function fill(
  slot: number,
  table: ReturnType<ReturnType<typeof slotsOf<typeof columns>>['create']>,
) {
  table.record.fill(slot + 1, slot * 3, slot * 3 + 3)
  table.peer[slot] = slot
  table.totals.set([slot, -slot], slot * 2)
  table.seen[slot] = 200
}

test('all columns of a list grow together, values stay, and fresh slots are empty', () => {
  const slots = slotsOf(columns)
  const table = slots.create(2)
  for (let index = 0; index < 5; index++) fill(slots.take(table), table)
  assert.deepEqual([table.capacity, table.high], [8, 5])
  assert.deepEqual([...table.peer], [0, 1, 2, 3, 4, -1, -1, -1])
  assert.deepEqual([...table.totals.subarray(6)], [3, -3, 4, -4, -1, -1, -1, -1, -1, -1])
  assert.deepEqual([...table.record.subarray(12)], [5, 5, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0])
  assert.equal(table.octets.buffer, table.record.buffer)
  assert.equal(table.octets[4 * 12], 5)
})

test('a slot that is taken again has nothing of before, but for the columns that are kept', () => {
  const slots = slotsOf(columns)
  const table = slots.create(2)
  fill(slots.take(table), table)
  fill(slots.take(table), table)
  slots.free(table, 1)
  const slot = slots.take(table)
  assert.equal(slot, 1)
  assert.deepEqual([table.peer[1], table.seen[1]], [-1, 0])
  assert.deepEqual([...table.totals], [0, -0, -1, -1])
  assert.deepEqual([...table.record], [1, 1, 1, 2, 2, 2])
})
