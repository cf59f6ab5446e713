// The vectors of the SipHash paper and its reference implementation: key 00…0f, message 00, 01, 02 …

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sipHash24 } from './siphash.ts'

const vectors: readonly [number, string][] = [
  [0, '310e0edd47db6f72'],
  [1, 'fd67dc93c539f874'],
  [7, '37d1018bf50002ab'],
  [8, '6224939a79f5f593'],
  [15, 'e545be4961ca29a1'],
]

test('SipHash-2-4 gives the vectors of the paper', () => {
  const key = new Uint32Array(Uint8Array.from({ length: 16 }, (_, index) => index).buffer)
  for (const [length, expected] of vectors) {
    const message = Buffer.alloc(Math.floor(length / 8) * 8 + 8)
    for (let index = 0; index < length; index++) message[index] = index
    message[message.length - 1] = length
    const words = new Uint32Array(new Uint8Array(message).buffer)
    const out = new Uint32Array(2)
    sipHash24(key, words, out)
    assert.equal(Buffer.from(out.buffer).toString('hex'), expected, `length ${length}`)
  }
})
