// Frames against golden octets (UPDATE_GOLDEN=1 rewrites them) and against damage of every kind.

import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { AppError } from '../../common/mod.ts'
import { createBatch } from '../model/columns.ts'
import { flowTable } from '../model/flow-fields.ts'
import { ledgerTable } from '../model/ledger-fields.ts'
import { createBlockEncoder } from './block-encode.ts'
import { fakeFlows, fakeFrame, fakeLedger } from './fake.ts'
import { encodeFrame, type FrameCodec, readFrameBlock, readFrameHeader } from './frame.ts'

const testdata = new URL('./testdata/', import.meta.url)

function flowsFrame(codec: FrameCodec): Buffer {
  const fields = {
    ...fakeFrame,
    table: flowTable,
    schema: 1,
    codec,
    sequence: 41,
    rows: 3,
  } as const
  return encodeFrame(fields, createBlockEncoder().encode(fakeFlows()))
}

function ledgerFrame(): Buffer {
  const fields = { ...fakeFrame, table: ledgerTable, schema: 1, codec: 'none' } as const
  const block = createBlockEncoder().encode(fakeLedger())
  return encodeFrame({ ...fields, sequence: 42, rows: 2 }, block)
}

function golden(name: string, octets: Uint8Array): Buffer {
  const file = new URL(name, testdata)
  if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(file, octets)
  return readFileSync(file)
}

test('frames without compression equal the golden ones octet by octet', () => {
  const flows = flowsFrame('none')
  assert.deepEqual(flows, golden('flows.frame', flows))
  const ledger = ledgerFrame()
  assert.deepEqual(ledger, golden('ledger.frame', ledger))
})

test('a golden zstd frame holds the same block', () => {
  const frame = golden('flows-zstd.frame', flowsFrame('zstd'))
  const header = readFrameHeader(frame)
  assert.equal(header.codec, 'zstd')
  assert.ok(frame.length < flowsFrame('none').length)
  assert.deepEqual(
    Buffer.from(readFrameBlock(frame, header)),
    Buffer.from(createBlockEncoder().encode(fakeFlows())),
  )
})

test('a header reads back as it was written', () => {
  const { rawLength, storedLength, ...header } = readFrameHeader(flowsFrame('none'))
  assert.equal(rawLength, storedLength)
  assert.deepEqual(header, {
    ...fakeFrame,
    table: flowTable,
    schema: 1,
    codec: 'none',
    sequence: 41,
    rows: 3,
  })
})

test('every flipped bit after the codec and every truncation is refused', () => {
  const frame = flowsFrame('zstd')
  for (let at = 0; at < frame.length; at++) {
    if (at >= 5 && at < 9) continue // table, schema and codec are not under the CRC
    const damaged = Buffer.from(frame)
    damaged[at] = (damaged[at] as number) ^ 0x10
    assert.throws(() => readFrameHeader(damaged), isDamage, `octet ${at}`)
    assert.throws(() => readFrameHeader(frame.subarray(0, at)), isDamage, `cut at ${at}`)
  }
  assert.throws(() => readFrameHeader(Buffer.concat([frame, Buffer.of(0)])), isDamage)
})

test('a block that grows beyond its announced length is not inflated', () => {
  const fields = { ...fakeFrame, table: flowTable, schema: 1, codec: 'zstd' } as const
  const frame = encodeFrame({ ...fields, sequence: 1, rows: 1 }, Buffer.alloc(10_000_000))
  const header = { ...readFrameHeader(frame), rawLength: 100 }
  assert.throws(() => readFrameBlock(frame, header), isDamage)
})

test('a counter that is no whole number below 2^53 is an assertion', () => {
  for (const value of [-1, 0.5, 2 ** 53, Number.NaN]) {
    const batch = createBatch(flowTable, 1)
    batch.length = 1
    ;(batch.columns['bytes']?.values as Float64Array)[0] = value
    assert.throws(() => createBlockEncoder().encode(batch), /is no counter/)
  }
})

function isDamage(error: unknown): boolean {
  return error instanceof AppError && error.code === 'bad_frame'
}
