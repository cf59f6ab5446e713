/// <reference types="node" />
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { wordsOf } from './event.ts'

test('each kind says what happened in its own words, and what to filter by', () => {
  const refused = { kind: 'connection', phase: 'attempt', result: 'refused', errno: 'ECONNREFUSED' }
  assert.deepEqual(wordsOf(refused), {
    words: 'attempt refused ECONNREFUSED',
    failing: true,
    filters: [
      { field: 'phase', value: 'attempt' },
      { field: 'result', value: 'refused' },
      { field: 'errno', value: 'ECONNREFUSED' },
    ],
  })
  assert.equal(wordsOf({ kind: 'connection', phase: 'established', result: '' }).failing, false)
  const reset = { kind: 'connection', phase: 'closed', result: 'reset_by_dst', errno: '' }
  assert.equal(wordsOf(reset).words, 'closed reset by dst')
  assert.ok(wordsOf(reset).failing)
  const closed = { kind: 'connection', phase: 'closed', result: 'closed', errno: '' }
  assert.equal(wordsOf(closed).words, 'closed', 'not: closed closed')
  assert.equal(wordsOf(closed).filters.length, 2, 'a filter by both tells it from a reset one')
  assert.equal(wordsOf({ kind: 'drop', reason: 'NO_SOCKET' }).words, 'NO_SOCKET')
})

test('a kind that the page does not know is a row without words', () => {
  assert.deepEqual(wordsOf({ kind: 'other' }), { words: '', failing: false, filters: [] })
})
