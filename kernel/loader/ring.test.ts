// The consumer against memory written by hand, as kernel/bpf/ringbuf.c would.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRing, type RingMemory } from './ring.ts'

const pageBytes = 4096
const dataBytes = 4096
const busy = 0x80000000
const discard = 0x40000000

/** The kernel's side: reserves and writes, around the end if need be. */
function createProducer(startAt = 0) {
  const memory: RingMemory = {
    consumer: new ArrayBuffer(pageBytes),
    readOnly: new ArrayBuffer(pageBytes + dataBytes),
    pageBytes,
    dataBytes,
  }
  new BigUint64Array(memory.consumer)[0] = BigInt(startAt)
  const words = new Uint32Array(memory.readOnly)
  const position = new BigUint64Array(memory.readOnly, 0, 1)
  let produced = startAt
  position[0] = BigInt(produced)
  const put = (at: number, value: number) => {
    words[(pageBytes + (at & (dataBytes - 1))) >>> 2] = value >>> 0
  }
  return {
    memory,
    consumed: () => new BigUint64Array(memory.consumer)[0],
    header: (at: number, value: number) => put(at, value),
    write(values: readonly number[], flags = 0): number {
      const at = produced
      put(at, ((values.length * 4) | flags) >>> 0)
      values.forEach((value, index) => {
        put(at + 8 + index * 4, value)
      })
      produced += (values.length * 4 + 15) & ~7
      position[0] = BigInt(produced)
      return at
    },
  }
}

function collect(ring: ReturnType<typeof createRing>, length: number, max?: number): number[][] {
  const seen: number[][] = []
  ring.drain((words, octets, at) => {
    seen.push([...words.subarray(at, at + length)])
    assert.equal(octets[at * 4], words[at]! & 0xff)
  }, max ?? Number.POSITIVE_INFINITY)
  return seen
}

test('an empty ring gives nothing and moves nothing', () => {
  const producer = createProducer()
  assert.deepEqual(collect(createRing(producer.memory), 1), [])
  assert.equal(producer.consumed(), 0n)
})

test('records come in order; what is taken is given back once', () => {
  const producer = createProducer()
  const ring = createRing(producer.memory)
  producer.write([1, 2, 3])
  producer.write([4, 5, 6])
  assert.deepEqual(collect(ring, 3), [
    [1, 2, 3],
    [4, 5, 6],
  ])
  assert.equal(producer.consumed(), 48n)
  assert.deepEqual(collect(ring, 3), [])
})

test('a discarded record is skipped and not counted', () => {
  const producer = createProducer()
  const ring = createRing(producer.memory)
  producer.write([1], discard)
  producer.write([2])
  assert.deepEqual(collect(ring, 1), [[2]])
})

test('a record still being written stops the drain until it is submitted', () => {
  const producer = createProducer()
  const ring = createRing(producer.memory)
  producer.write([1])
  const at = producer.write([2], busy)
  producer.write([3])
  assert.deepEqual(collect(ring, 1), [[1]])
  assert.deepEqual(collect(ring, 1), [])
  producer.header(at, 4)
  assert.deepEqual(collect(ring, 1), [[2], [3]])
})

test('max is kept', () => {
  const producer = createProducer()
  const ring = createRing(producer.memory)
  for (const value of [1, 2, 3]) producer.write([value])
  assert.deepEqual(collect(ring, 1, 2), [[1], [2]])
  assert.deepEqual(collect(ring, 1), [[3]])
})

test('a record across the end of the ring is whole', () => {
  for (const before of [8, 16, 24, 32, 40]) {
    const producer = createProducer(dataBytes - before)
    const ring = createRing(producer.memory)
    producer.write([10, 20, 30, 40, 50, 60])
    producer.write([7, 8, 9])
    assert.deepEqual(
      collect(ring, 6, 1),
      [[10, 20, 30, 40, 50, 60]],
      `${before} octets before the end`,
    )
    assert.deepEqual(collect(ring, 3), [[7, 8, 9]])
  }
})

test('positions beyond 2^32 go on, and a ring opened there too', () => {
  for (const start of [2 ** 32 - 8, 2 ** 31 - 8, 2 ** 40 + 16]) {
    const producer = createProducer(start)
    const ring = createRing(producer.memory)
    for (let round = 0; round < 300; round++) {
      producer.write([round, ~round])
      assert.deepEqual(collect(ring, 2), [[round, ~round >>> 0]], `${start} round ${round}`)
    }
    assert.equal(producer.consumed(), BigInt(start + 300 * 16))
  }
})

test('a full ring is drained whole', () => {
  const producer = createProducer(64)
  const ring = createRing(producer.memory)
  for (let value = 0; value < dataBytes / 16; value++) producer.write([value])
  assert.equal(collect(ring, 1).length, dataBytes / 16)
})

test('a sink that throws has had its record; the next drain goes on behind it', () => {
  const producer = createProducer()
  const ring = createRing(producer.memory)
  for (const value of [1, 2, 3]) producer.write([value])
  assert.throws(() =>
    ring.drain((words, _, at) => {
      if (words[at] === 2) throw new Error('bad')
    }, 10),
  )
  assert.deepEqual(collect(ring, 1), [[3]])
})
