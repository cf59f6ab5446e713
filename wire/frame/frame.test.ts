// Frames against golden octets (UPDATE_GOLDEN=1 rewrites them) and against damage of every kind.

import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { AppError } from '../../common/mod.ts'
import { type Batch, createBatch } from '../model/columns.ts'
import { flowTable } from '../model/flow-fields.ts'
import { rowOf } from '../model/row.ts'
import { tables } from '../model/tables.ts'
import { createBlockCheck } from './block-check.ts'
import { createBlockEncoder } from './block-encode.ts'
import { readBlock } from './block-read.ts'
import { fakeFlows, fakeFrame, fakeOf } from './fake.ts'
import { encodeFrame, type FrameCodec, readFrameBlock, readFrameHeader } from './frame.ts'

const testdata = new URL('./testdata/', import.meta.url)

function frameOf(batch: Batch, codec: FrameCodec): Buffer {
  const { table, length } = batch
  const fields = { ...fakeFrame, table, schema: table.schema, codec, sequence: 41, rows: length }
  return encodeFrame(fields, createBlockEncoder().encode(batch))
}

function golden(name: string): Buffer {
  return readFileSync(new URL(name, testdata))
}

/** Writes the frames of today's schemas; those of older ones can't be made again. */
if (process.env['UPDATE_GOLDEN'] === '1') {
  for (const batch of tables.map(fakeOf)) {
    const { name, schema } = batch.table
    writeFileSync(new URL(`${name}-${schema}.frame`, testdata), frameOf(batch, 'none'))
  }
}

function blockOf(frame: Buffer): Buffer {
  return Buffer.from(readFrameBlock(frame, readFrameHeader(frame)))
}

for (const table of tables) {
  const fake = () => fakeOf(table)
  const { name, schema: today } = table

  test(`${name}: today's block equals the golden one octet by octet`, () => {
    assert.deepEqual(blockOf(frameOf(fake(), 'none')), blockOf(golden(`${name}-${today}.frame`)))
  })

  for (let schema = 1; schema <= today; schema++) {
    test(`${name}: the golden frame of schema ${schema} is read, its rows are those of today`, () => {
      const frame = golden(`${name}-${schema}.frame`)
      const header = readFrameHeader(frame)
      assert.deepEqual([header.table, header.schema], [table, schema])
      const view = createBlockCheck(table, schema)(readFrameBlock(frame, header), header)
      assert.deepEqual(rowsOf(readBlock(view)), rowsOf(asOf(fake(), schema)))
    })
  }
}

test('a golden zstd frame holds the same block', () => {
  const frame = golden('flows-1-zstd.frame')
  assert.equal(readFrameHeader(frame).codec, 'zstd')
  assert.deepEqual(blockOf(frame), blockOf(golden('flows-1.frame')))
  assert.ok(frame.length < golden('flows-1.frame').length)
})

/** The batch as a sender of an older schema would have left it: what is younger has its value of then. */
function asOf(batch: Batch, schema: number): Batch {
  for (const { field, values, nulls } of Object.values(batch.columns)) {
    if ((field.since ?? 1) <= schema) continue
    values.fill(field.older ?? 0)
    nulls?.fill(1)
  }
  return batch
}

function rowsOf(batch: Batch) {
  return Array.from({ length: batch.length }, (_, index) => rowOf(batch, index))
}

test('a header reads back as it was written', () => {
  const { rawLength, storedLength, ...header } = readFrameHeader(frameOf(fakeFlows(), 'none'))
  assert.equal(rawLength, storedLength)
  assert.deepEqual(header, {
    ...fakeFrame,
    table: flowTable,
    schema: flowTable.schema,
    codec: 'none',
    sequence: 41,
    rows: 3,
  })
})

test('every flipped bit after the codec and every truncation is refused', () => {
  const frame = frameOf(fakeFlows(), 'zstd')
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
