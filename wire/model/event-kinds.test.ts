// The kinds and the table say the same.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventTable } from './event-fields.ts'
import { commonFields, eventKinds, kindsOfField } from './event-kinds.ts'

const names = new Set(eventTable.fields.map(({ name }) => name))

test('a kind named a field that the table of events does not have', () => {
  for (const { name, fields, columns } of eventKinds) {
    for (const field of [...commonFields, ...fields, ...columns]) {
      assert.ok(names.has(field), `${name}: ${field}`)
    }
    const own = new Set<string>([...commonFields, ...fields])
    assert.deepEqual(
      columns.filter((column) => !own.has(column)),
      [],
      `${name} shows what it never has`,
    )
  }
})

test('a field of events was filled by no kind', () => {
  const lonely = [...names].filter((name) => kindsOfField(name).length === 0)
  assert.deepEqual(lonely, [])
})
