/// <reference types="node" />
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { replaced, wordEnd } from './filter-text.ts'

test('what is marked as wrong is the whole word, text or sign, and nothing behind it', () => {
  const text = 'dst_prt = "a b" and rtt >= 5'
  assert.equal(text.slice(0, wordEnd(text, 0)), 'dst_prt')
  assert.equal(text.slice(10, wordEnd(text, 10)), '"a b"')
  assert.equal(text.slice(24, wordEnd(text, 24)), '>=')
  assert.equal(wordEnd(text, text.length), text.length)
})

test('an option takes the place of the word, and the caret goes behind it', () => {
  assert.deepEqual(replaced('dst_po', { from: 0, to: 6 }, 'dst_port'), {
    text: 'dst_port ',
    caret: 9,
  })
  assert.deepEqual(replaced('dst_po = 443', { from: 0, to: 6 }, 'dst_port'), {
    text: 'dst_port = 443',
    caret: 9,
  })
  assert.deepEqual(replaced('a ', { from: 2, to: 2 }, 'in ('), { text: 'a in (', caret: 6 })
})
