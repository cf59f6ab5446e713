// The stream's messages in every possible cut, and what is no message.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  createMessageDecoder,
  encodeAck,
  encodeJsonMessage,
  encodeMessage,
  readAck,
  readJsonBody,
  streamPreface,
} from './message.ts'

const stream = Buffer.concat([
  streamPreface,
  encodeMessage('frame', Buffer.from('abc')),
  encodeAck(2 ** 53 - 1),
  encodeMessage('refuse', Buffer.alloc(0)),
])

test('messages are whole however the octets are cut', () => {
  for (let size = 1; size <= stream.length; size++) {
    const seen: string[] = []
    const decoder = createMessageDecoder({ preface: true })
    for (let at = 0; at < stream.length; at += size) {
      decoder.push(stream.subarray(at, at + size), ({ type, body }) => {
        seen.push(`${type} ${type === 'ack' ? readAck(body) : Buffer.from(body).toString()}`)
      })
    }
    assert.deepEqual(seen, ['frame abc', 'ack 9007199254740991', 'refuse '])
    assert.equal(decoder.pending(), 0)
  }
})

test('what is no stream of ours is refused at the first octet that says so', () => {
  const cases: readonly [string, Buffer][] = [
    ['GE', Buffer.from('GE')],
    ['length 0', Buffer.concat([streamPreface, Buffer.of(0, 0, 0, 0, 3)])],
    ['2 GB', Buffer.concat([streamPreface, Buffer.of(0, 0, 0, 128, 3)])],
    ['64 MiB + 1', Buffer.concat([streamPreface, Buffer.of(1, 0, 0, 4, 3)])],
    ['type 9', Buffer.concat([streamPreface, Buffer.of(1, 0, 0, 0, 9)])],
  ]
  for (const [name, octets] of cases) {
    const decoder = createMessageDecoder({ preface: true })
    assert.throws(() => decoder.push(octets, () => {}), /WEIR|not one of the stream/, name)
  }
})

test('a JSON body must be an object', () => {
  const message = encodeJsonMessage('refuse', { code: 'x', message: 'y', sequence: '1' })
  assert.deepEqual(readJsonBody(message.subarray(5)), { code: 'x', message: 'y', sequence: '1' })
  for (const body of ['', '[]', 'null', '1', '{']) {
    assert.throws(() => readJsonBody(Buffer.from(body)), /not one of the stream/)
  }
  assert.throws(() => readAck(Buffer.alloc(7)), /8 octets/)
})
