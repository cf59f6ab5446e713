import assert from 'node:assert/strict'
import { test } from 'node:test'
import { emptyRecord } from './format.ts'
import { openPcapng } from './pcapng.ts'

const section = '0a0d0d0a1c0000004d3c2b1a01000000ffffffffffffffff1c000000'

test('a block of packets that is too short for its own fields is no record, not a crash', () => {
  for (const type of ['06', '02', '03']) {
    const octets = Buffer.from(`${section}${type}0000000f000000000000000000000001000000`, 'hex')
    const view = new DataView(octets.buffer, octets.byteOffset, octets.length)
    const reader = openPcapng(view, octets.length)
    const record = emptyRecord()
    assert.equal(reader?.next(view, 0, octets.length, record), 28)
    assert.equal(reader?.next(view, 28, octets.length, record), -1)
  }
})
