// One statement for all who ask the same: how long, for whom, and who may end it.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ReadOptions, StoredRow } from './reader.ts'
import { createSharedReads } from './shared-reads.ts'

function fake() {
  const begun: { options: ReadOptions; done: PromiseWithResolvers<readonly StoredRow[]> }[] = []
  const time = { ms: 0, revision: '1' }
  const read = createSharedReads(
    (_, __, options = {}) => {
      const done = Promise.withResolvers<readonly StoredRow[]>()
      begun.push({ options, done })
      return done.promise
    },
    () => time.revision,
    () => time.ms,
  )
  return { read, begun, time }
}

test('other parameters, other bounds, other rows and another second are other statements', async () => {
  const { read, begun, time } = fake()
  const one = { p: 1n }
  void read('SELECT 1', one)
  void read('SELECT 1', { p: 1n })
  assert.equal(begun.length, 1)
  void read('SELECT 1', { p: '1' })
  void read('SELECT 1', one, { timeoutSeconds: 90 })
  assert.equal(begun.length, 3)
  time.revision = '2'
  void read('SELECT 1', one)
  assert.equal(begun.length, 4)
  time.ms = 1000
  void read('SELECT 1', one)
  assert.equal(begun.length, 5)
})

test('a statement ends when all who wait for it have gone, and not before', async () => {
  const { read, begun } = fake()
  const [first, second] = [new AbortController(), new AbortController()]
  void read('SELECT 1', {}, { signal: first.signal })
  void read('SELECT 1', {}, { signal: second.signal })
  first.abort()
  assert.equal(begun[0]?.options.signal?.aborted, false)
  second.abort()
  assert.equal(begun[0]?.options.signal?.aborted, true)
  void read('SELECT 1')
  assert.equal(begun.length, 2, 'who comes then asks anew')
})

test('an error is for those who wait, and nobody after them', async () => {
  const { read, begun } = fake()
  const waiting = [read('SELECT 1'), read('SELECT 1')]
  begun[0]?.done.reject(new Error('away'))
  for (const one of waiting) await assert.rejects(one, /away/)
  void read('SELECT 1')
  assert.equal(begun.length, 2)
})

test('long answers are not kept', async () => {
  const { read, begun } = fake()
  const first = read('SELECT 1')
  begun[0]?.done.resolve(Array.from({ length: 1001 }, () => ({})))
  assert.equal((await first).length, 1001)
  void read('SELECT 1')
  assert.equal(begun.length, 2)
})
