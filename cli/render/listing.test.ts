import assert from 'node:assert/strict'
import { test } from 'node:test'
import { appendRow, createBatch, flowTable, rowOf } from '../../wire/mod.ts'
import type { Values } from '../commands/command.ts'
import { fakeTerminal } from '../fake.ts'
import { createListing } from './listing.ts'

const ndjson = { text: () => 'ndjson' } as unknown as Values

test('rows from columns are the lines that objects give, with nothing that a terminal would act on', async () => {
  const batch = createBatch(flowTable, 5)
  for (const process of ['curl', '\u001b[2J', '\u202e', 'ü"\\', 'left out']) {
    appendRow(batch, { time: 1n, src_process: process, path: [process] })
  }
  const [fromColumns, fromObjects] = [fakeTerminal(), fakeTerminal()]
  const shape = { columns: [], fields: [] }
  await createListing(fromColumns, ndjson, shape).addBatch(batch, 4)
  const rows = [0, 1, 2, 3].map((row) => rowOf(batch, row))
  await createListing(fromObjects, ndjson, shape).add(rows)
  assert.equal(fromColumns.stdout(), fromObjects.stdout())
  assert.deepEqual(
    fromColumns
      .stdout()
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line).src_process),
    ['curl', '\u001b[2J', '\u202e', 'ü"\\'],
  )
  for (const sign of ['\u001b', '\u202e']) assert.ok(!fromColumns.stdout().includes(sign))
})
