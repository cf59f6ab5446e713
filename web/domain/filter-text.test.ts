/// <reference types="node" />
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { carriedOver, replaced, wordEnd } from './filter-text.ts'

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

/** The caret is where the bar is. */
function typed(marked: string) {
  return { text: marked.replace('|', ''), caret: marked.indexOf('|') }
}

const found = {
  from: 4,
  to: 6,
  typed: 'po',
  options: [{ text: 'postgres' }, { text: 'Export' }],
}

test('what was found holds on while its word is typed', () => {
  const asked = typed('a = po| and b = 1')
  const over = (marked: string) => carriedOver(found, asked, typed(marked))
  assert.equal(over('a = po| and b = 1'), found)
  assert.deepEqual(over('a = postg| and b = 1'), {
    from: 4,
    to: 9,
    typed: 'postg',
    options: [{ text: 'postgres' }],
  })
  assert.deepEqual(over('a = PO|xy and b = 1'), { ...found, to: 8, typed: 'PO' })
  assert.deepEqual(over('a = | and b = 1'), { ...found, to: 4, typed: '' })
})

test('what was found holds no more once anything else has changed', () => {
  const asked = typed('a = po| and b = 1')
  for (const marked of [
    'a = po |and b = 1',
    'a = po | and b = 1',
    'a = "po|" and b = 1',
    'a = po and| b = 1',
    'a =| po and b = 1',
    'c = po| and b = 1',
    'a = po| and b = 12',
    '|',
  ]) {
    assert.equal(carriedOver(found, asked, typed(marked)), undefined, marked)
  }
})
