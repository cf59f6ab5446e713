// Octets of payload from sequence numbers, in the kernel, on numbers that a busy machine reads once in a long while.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { LoadedObject } from '../../loader/object.ts'
import type { TestRun } from '../../loader/test-run.ts'
import { socketRole } from '../../mod.ts'
import { frameOf, openSequenceObject } from '../../testing/loader.ts'

let object: LoadedObject
let run: TestRun
before(() => {
  object = openSequenceObject()
  run = object.testRun('payload', { inputBytesMax: 64, outputBytesMax: 0, contextBytes: 0 })
})
after(() => object?.close())

interface Numbers {
  readonly acked: number
  /** Sequence octets sent, whether acknowledged or not. */
  readonly sent: number
  /** Sequence octets queued. */
  readonly queued: number
  readonly fin: boolean
  readonly role: number
}

/** Where the sequence numbers begin: they go round within the connection. */
const base = 0xffff_fffe

function payloadOf({ acked, sent, queued, fin, role }: Numbers): bigint {
  const variables = object.variables()
  const numbers = { acked, snd_nxt: base + sent, write_seq: base + queued, sent_base: base }
  for (const [name, value] of Object.entries({ ...numbers, fin_queued: fin ? 1 : 0, role })) {
    variables.set(name, BigInt(value))
  }
  run.run(frameOf(17, 8))
  return variables.get('sent')
}

const { INITIATOR, RESPONDER, UNKNOWN } = socketRole

for (const [what, numbers, payload] of [
  ['an initiator has sent its SYN', { acked: 1, sent: 1, queued: 1, fin: false }, 0],
  ['five octets, two of them acknowledged', { acked: 3, sent: 6, queued: 6, fin: false }, 5],
  ['five octets and the FIN', { acked: 6, sent: 7, queued: 7, fin: true }, 5],
  ['a FIN that is queued and not sent', { acked: 3, sent: 6, queued: 9, fin: true }, 5],
  ['the FIN alone', { acked: 1, sent: 2, queued: 2, fin: true }, 0],
  [
    'nothing, and a FIN that came behind the numbers',
    { acked: 1, sent: 1, queued: 1, fin: true },
    0,
  ],
] as const) {
  test(`an initiator: ${what}`, () => {
    assert.equal(payloadOf({ ...numbers, role: INITIATOR }), BigInt(payload))
  })
}

test('a responder sent its SYN before the numbers begin; nothing and a FIN that came behind them is nothing', () => {
  const nothing = { acked: 0, sent: 0, queued: 0 }
  assert.equal(payloadOf({ ...nothing, fin: false, role: RESPONDER }), 0n)
  assert.equal(payloadOf({ ...nothing, fin: true, role: RESPONDER }), 0n)
  assert.equal(payloadOf({ acked: 4, sent: 5, queued: 5, fin: true, role: RESPONDER }), 4n)
})

test('of an unknown role an octet too many is possible, never one less than nothing', () => {
  assert.equal(payloadOf({ acked: 0, sent: 0, queued: 0, fin: true, role: UNKNOWN }), 0n)
  assert.equal(payloadOf({ acked: 8, sent: 8, queued: 8, fin: false, role: UNKNOWN }), 8n)
})

test('more than 4 GiB', () => {
  const acked = 5 * 2 ** 30
  const all = { acked, sent: acked + 10, queued: acked + 10, fin: false, role: INITIATOR }
  assert.equal(payloadOf(all), BigInt(acked + 9))
})
