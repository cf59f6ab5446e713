// Central's ledger rows against counts added up by hand.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createBlockCheck, ledgerTable } from '../../wire/mod.ts'
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
