import assert from 'node:assert/strict'
import { test } from 'node:test'
import { caretUnits, completed, promptOf, typed } from './prompt.ts'

const after = (text: string, ...keys: readonly string[]) => keys.reduce(typed, promptOf(text))

test('a line is typed, corrected and erased as in a shell', () => {
  assert.deepEqual(after('', 'a', 'b', 'left', 'x'), { text: 'axb', caret: 2 })
  assert.deepEqual(after('abc', 'backspace', 'home', 'delete'), { text: 'b', caret: 0 })
  assert.deepEqual(after('abc', 'left', 'clear'), { text: 'c', caret: 0 })
  assert.deepEqual(after('', 'backspace', 'left', 'up', 'right'), { text: '', caret: 0 })
})

test('a character of two units is one step', () => {
  const prompt = after('\u{1f600}x', 'left')
  assert.equal(prompt.caret, 1)
  assert.equal(caretUnits(prompt), 2)
  assert.equal(after('\u{1f600}', 'backspace').text, '')
})

test('a completion takes the place of the word', () => {
  assert.deepEqual(completed(promptOf('dst_po'), { from: 0, to: 6 }, 'dst_port'), {
    text: 'dst_port ',
    caret: 9,
  })
})
