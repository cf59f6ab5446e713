/// <reference types="node" />
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { visible } from './text.ts'

test('hostile names are shown, not obeyed', () => {
  assert.equal(visible('a\u001b[31m\n\0b\u007f'), 'a␛[31m␊␀b␡')
  assert.equal(visible('evil\u202etxt.exe\u0085'), 'evil�txt.exe�')
  assert.equal(visible('naïve 東京 <b>'), 'naïve 東京 <b>')
})
