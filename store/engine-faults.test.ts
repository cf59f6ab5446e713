import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ClickHouseError } from '@clickhouse/client'
import { insertFault } from './engine-faults.ts'

const codes = [
  ['a constraint of the table', '469', 'VIOLATED_CONSTRAINT', 'insert_refused'],
  ['a value that cannot be converted', '70', 'CANNOT_CONVERT_TYPE', 'insert_refused'],
  ['a block that is cut off', '33', 'CANNOT_READ_ALL_DATA', 'insert_refused'],
  ['no memory now', '241', 'MEMORY_LIMIT_EXCEEDED', 'insert_later'],
  ['too many parts', '252', 'TOO_MANY_PARTS', 'insert_later'],
  ['a full disk', '243', 'NOT_ENOUGH_SPACE', 'disk_full'],
  ['too many statements', '202', 'TOO_MANY_SIMULTANEOUS_QUERIES', 'store_away'],
] as const

for (const [what, code, type, expected] of codes) {
  test(`an insert that ends with ${what} is ${expected}`, () => {
    const error = new ClickHouseError({ message: what, code, type })
    assert.equal(insertFault(error, 'S.native').code, expected)
  })
}

test('a broken connection is no verdict on the rows', () => {
  assert.equal(insertFault(new Error('socket hang up'), 'S.native').code, 'store_away')
})
