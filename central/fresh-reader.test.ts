// What /health says of the store is what the API met.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { storeError } from '../store/errors.ts'
import type { Reader } from '../store/mod.ts'
import { createFreshReader } from './fresh-reader.ts'

test('a store that does not answer the API is in trouble for /health, until it answers', async () => {
  let failure: Error | undefined = storeError('store_away', { details: { reason: 'no socket' } })
  const store: Reader = {
    read: async () => {
      if (failure) throw failure
      return []
    },
  }
  const reader = createFreshReader(store, async () => {})
  assert.equal(reader.trouble(), undefined)
  await assert.rejects(reader.read('SELECT 2'))
  assert.match(reader.trouble() ?? '', /no socket/)
  failure = undefined
  // Looking at the health is what asks again.
  while (reader.trouble() !== undefined) await new Promise((resolve) => setImmediate(resolve))
  failure = storeError('query_too_slow', { details: { seconds: 1 } })
  await assert.rejects(reader.read('SELECT 3'))
  assert.equal(
    reader.trouble(),
    undefined,
    'a question that is too heavy is no trouble of the store',
  )
})

test('what waits for its insert is inserted before the question is asked', async () => {
  const steps: string[] = []
  const store: Reader = {
    read: async () => {
      steps.push('read')
      return []
    },
  }
  await createFreshReader(store, async () => void steps.push('fresh')).read('SELECT 1')
  assert.deepEqual(steps, ['fresh', 'read'])
})
