// What /health says of the store is what the API met.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { storeError } from '../store/errors.ts'
import { createFreshReader } from './fresh-reader.ts'

test('a store that does not answer the API is in trouble for /health, until it answers', async () => {
  let failure: Error | undefined = storeError('store_away', { details: { reason: 'no socket' } })
  const store = {
    revision: () => 'a.0',
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

test('the API is given what it needs to answer a question once, and to know an answer again', async () => {
  const steps: string[] = []
  const store = { read: async () => [], revision: () => 'a.1' }
  const reader = createFreshReader(store, async () => void steps.push('fresh'))
  assert.equal(reader.revision?.(), 'a.1')
  await reader.fresh?.()
  await reader.read('SELECT 1')
  assert.deepEqual(steps, ['fresh'], 'once a question, not once a statement')
})
