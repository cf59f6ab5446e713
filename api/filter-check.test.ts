// GET /api/filter: the one parser of filters answers whoever types one, with places and without asking a row.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createReporter } from '../common/reporter/mod.ts'
import { tables } from '../wire/mod.ts'
import { createApp } from './app.ts'
import type { FilterAnswer } from './contract/mod.ts'

async function check(query: Readonly<Record<string, string>>, more = '') {
  const reporter = createReporter('test', { level: 'silent' })
  const read = async () => assert.fail('the store was asked')
  const health = () => assert.fail('health was asked')
  const app = await createApp({}, { reader: { read }, health, metrics: reporter.metrics }, reporter)
  try {
    const url = `/api/filter?${new URLSearchParams(query)}${more}`
    const answer = await app.inject({ url, headers: { host: '127.0.0.1:8080' } })
    return { status: answer.statusCode, body: answer.json<FilterAnswer>() }
  } finally {
    await app.close()
  }
}

test('a right filter has no fault, and no completion unless the caret is said', async () => {
  const { status, body } = await check({ filter: 'dst_port = 443 and rtt > 5ms' })
  assert.equal(status, 200)
  assert.deepEqual(body, { tables: [{ table: 'flows', fault: null }], completion: null })
})

test('a fault says its place, and what was probably meant', async () => {
  const { body } = await check({ filter: 'node = a and dst_prt = 443' })
  assert.deepEqual(body.tables[0]?.fault, {
    position: 13,
    message: '"dst_prt" is no field; did you mean dst_port?',
    suggestion: 'dst_port',
  })
})

test('a filter may fit one table and not another', async () => {
  const { body } = await check({ filter: 'stage = hook', table: 'ledger' }, '&table=flows')
  assert.deepEqual(
    body.tables.map(({ table, fault }) => [table, fault === null]),
    [
      ['ledger', true],
      ['flows', false],
    ],
  )
})

test('every table can be completed for, at any place of any text', async () => {
  for (const { name, fields } of tables) {
    const { body } = await check({ filter: '', table: name, caret: '0' })
    const offered = body.completion?.options.map(({ text }) => text) ?? []
    assert.ok(offered.length > 0, name)
    assert.ok(fields.length === 0 || body.completion?.expected === 'field', name)
  }
  const beyond = await check({ filter: 'node = a', caret: '60000' })
  assert.equal(beyond.body.completion?.expected, 'value')
})

test('a table that is not there and a caret that is none are refused by name', async () => {
  const table = await check({ filter: '', table: 'flaws' })
  assert.equal(table.status, 400)
  const caret = await check({ filter: '', caret: '-1' })
  assert.equal(caret.status, 400)
})
