import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createOctetWriter } from './octet-writer.ts'

test('the buffer of a large block is kept for the next ones, and given up after many small ones', () => {
  const writer = createOctetWriter()
  const memory = () => writer.octets().buffer.byteLength
  writer.copy(new Uint8Array(4_000_000).fill(7))
  const large = memory()
  assert.ok(large >= 4_000_000)
  for (let block = 0; block < 20; block++) {
    writer.reset()
    writer.copy(new Uint8Array(2_000_000))
  }
  assert.equal(memory(), large)
  for (let block = 0; block < 50; block++) {
    writer.reset()
    writer.copy(new Uint8Array(100_000))
  }
  assert.ok(memory() < large, `${memory()} octets`)
  assert.ok(memory() >= 100_000)
  assert.equal(writer.octets().length, 100_000)
})
