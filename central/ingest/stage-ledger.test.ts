// Central's ledger rows against counts added up by hand.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createBlockCheck, ledgerTable, readBlock, rowOf } from '../../wire/mod.ts'
import { createStageLedger } from './stage-ledger.ts'

test('rows come once, with causes of their own, and waiting stays until it is over', () => {
  const ledger = createStageLedger(100n)
  const check = createBlockCheck(ledgerTable)
  assert.equal(ledger.take(200n), undefined)
  ledger.count('n', 'ingest', 'entered', 10)
  ledger.count('n', 'ingest', 'left', 7)
  ledger.leaveOut('n', 'ingest', 2, 'duplicate')
  ledger.lose('n', 'ingest', 1, 'bad_frame')
  ledger.wait('n', 'segment', 7)
  const first = ledger.take(300n)
  // ingest with its two causes, segment.
  assert.equal(first?.rows, 4)
  check(first?.view.octets ?? new Uint8Array(), { rows: 4, timeMin: 300n, timeMax: 300n })
  for (const text of ['duplicate', 'bad_frame', 'segment']) {
    assert.ok(Buffer.from(first?.view.octets ?? []).includes(text), text)
  }
  assert.equal(ledger.take(400n), undefined)
  ledger.wait('n', 'segment', -7)
  assert.equal(ledger.take(500n)?.rows, 1)
  assert.equal(ledger.take(600n), undefined)
})

test('a lost event was counted as a lost flow', () => {
  const ledger = createStageLedger(100n)
  ledger.count('n', 'ingest', 'entered', 5)
  ledger.of('events').count('n', 'ingest', 'entered', 7)
  ledger.of('events').lose('n', 'ingest', 7, 'bad_frame')
  ledger.of('flows').count('n', 'ingest', 'left', 5)
  const batch = readBlock(ledger.take(200n)?.view ?? assert.fail('there are no rows'))
  const rows = Array.from({ length: batch.length }, (_, row) => rowOf(batch, row))
  assert.deepEqual(
    rows.map(({ table, cause, entered, left, lost }) => [table, cause, entered, left, lost]),
    [
      ['', '', 5, 5, 0],
      ['events', '', 7, 0, 7],
      ['events', 'bad_frame', 0, 0, 7],
    ],
  )
})
