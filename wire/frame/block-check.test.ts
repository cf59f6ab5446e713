// Whatever octets come: the check takes them or throws its one error, and never reads outside.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { AppError } from '../../common/mod.ts'
import { appendRow, type RowValues } from '../model/append.ts'
import { createBatch } from '../model/columns.ts'
import type { Table } from '../model/field.ts'
import { flowTable } from '../model/flow-fields.ts'
import { ledgerTable } from '../model/ledger-fields.ts'
import { type BlockClaim, createBlockCheck, nameLengthMax } from './block-check.ts'
import { createBlockEncoder } from './block-encode.ts'

const time = 1_795_219_200_123_456_789n
const claim: BlockClaim = { rows: 3, timeMin: time, timeMax: time + 2n }

function encoded(table: Table, rows: readonly RowValues[]): Buffer {
  const batch = createBatch(table, Math.max(rows.length, 1))
  for (const row of rows) appendRow(batch, row)
  return Buffer.from(createBlockEncoder().encode(batch))
}

const flows = encoded(flowTable, [
  { time, node: 'a', src_address: '10.0.0.1', bytes: 2 ** 53 - 1, direction_known: true },
  { time: time + 1n, start: time, node: 'b', dst_address: '2001:db8::1', rtt_ns: 5 },
  { time: time + 2n, node: 'a', src_uid: 0, connection_id: 2n ** 64n - 1n },
])
const check = createBlockCheck(flowTable)

/** Dictionaries of 3, 300 and 70,000 names have indexes of one, two and four octets. */
const wide = [3, 300, 70_000].map((length) => {
  const rows = Array.from({ length }, (_, at) => ({ time, dst_container: `p${at}` }))
  const octets = encoded(flowTable, rows)
  return { octets, claim: { rows: length, timeMin: time, timeMax: time } }
})

test('whole blocks of the encoder pass', () => {
  check(flows, claim)
  const rows = Array.from({ length: 3 }, (_, at) => ({ time: time + BigInt(at), start: 0n }))
  createBlockCheck(ledgerTable)(encoded(ledgerTable, rows), claim)
  for (const block of wide) check(block.octets, block.claim)
})

test('what the header does not say is refused', () => {
  const refused = (other: Partial<BlockClaim>) =>
    assert.throws(() => check(flows, { ...claim, ...other }), { code: 'bad_frame' })
  refused({ rows: 2 })
  refused({ rows: 4 })
  refused({ timeMin: time + 1n })
  refused({ timeMax: time + 1n })
  assert.throws(() => createBlockCheck(ledgerTable)(flows, claim), { code: 'bad_frame' })
})

test('every cut and every octet more is refused', () => {
  for (let length = 0; length < flows.length; length++) {
    assert.throws(() => check(flows.subarray(0, length), claim), { code: 'bad_frame' })
  }
  assert.throws(() => check(Buffer.concat([flows, Buffer.of(0)]), claim), { code: 'bad_frame' })
})

test('values that only look right are refused', () => {
  const at = (text: string) => flows.indexOf(text) + text.length
  const patched = (offset: number, octets: readonly number[]) => {
    const copy = Buffer.from(flows)
    copy.set(octets, offset)
    return () => check(copy, claim)
  }
  const bad: readonly (readonly [string, number, readonly number[]])[] = [
    ['an unknown dictionary version', at('\x04node\x16LowCardinality(String)'), [2]],
    ['an index width of u64', at('\x04node\x16LowCardinality(String)') + 8, [3]],
    ['a huge number of keys', at('\x04node\x16LowCardinality(String)') + 20, [1]],
    ['a counter of 2^53', at('\x05bytes\x06UInt64') + 6, [0x20]],
    ['a flag of 2', at('\x0fdirection_known\x05UInt8'), [2]],
    ['a null of 2', at("\x05start\x1fNullable(DateTime64(9, 'UTC'))"), [2]],
  ]
  for (const [what, offset, octets] of bad) {
    assert.throws(patched(offset, octets), { code: 'bad_frame' }, what)
  }
  const long = encoded(flowTable, [{ time, node: 'x'.repeat(nameLengthMax + 1) }])
  assert.throws(() => check(long, { rows: 1, timeMin: time, timeMax: time }), { code: 'bad_frame' })
})

test('an index outside the dictionary is refused in every width', () => {
  for (const { octets, claim } of wide) {
    // dst_container is the last column: its last index is the block's end.
    const block = Buffer.from(octets)
    block[block.length - 1] = 255
    assert.throws(() => check(block, claim), { code: 'bad_frame' })
  }
})

test('property: a changed block passes or throws bad_frame, nothing else', () => {
  const change = fc.record({
    at: fc.nat(flows.length - 1),
    octets: fc.uint8Array({ maxLength: 9 }),
    cut: fc.nat(9),
  })
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
      let block = flows
      for (const { at, octets, cut } of changes) {
        block = Buffer.concat([block.subarray(0, at), octets, block.subarray(at + cut)])
      }
      try {
        check(block, claim)
      } catch (error) {
        assert.ok(error instanceof AppError && error.code === 'bad_frame', String(error))
      }
    }),
    { numRuns: 2000 },
  )
})
