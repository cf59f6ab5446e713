import assert from 'node:assert/strict'
import { test } from 'node:test'
import { keysIn } from './keys.ts'

test('keys have names, pasted text by its characters', () => {
  assert.deepEqual(keysIn('\x1b[A\x1bOBj'), ['up', 'down', 'j'])
  assert.deepEqual(keysIn('é€\u{1f600}'), ['é', '€', '\u{1f600}'])
  assert.deepEqual(keysIn('\x1b'), ['escape'])
  assert.deepEqual(keysIn('a\r\x7f\t'), ['a', 'enter', 'backspace', 'tab'])
})

test('a sequence that is unknown is no key, and none of its characters is one', () => {
  assert.deepEqual(keysIn('\x1b[200~x\x1b[201~'), ['x'])
  assert.deepEqual(keysIn('\x1b[1;5Q\x02'), [])
})
