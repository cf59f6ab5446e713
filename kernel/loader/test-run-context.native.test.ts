// Runs with a context: what the program was told of its packet, and what it left there.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { startAttacher } from '../testing/attach.ts'
import { kernelAtLeast } from '../testing/features.ts'
import { openAttachObject } from '../testing/loader.ts'
import { createPair } from '../testing/pair.ts'
import { udpFrame } from '../testing/udp.ts'
import type { LoadedObject } from './object.ts'
import { contextBytesMax, skbContextByte, xdpContextByte } from './test-run.ts'

const here = kernelAtLeast(5, 15)
const room = { inputBytesMax: 256, outputBytesMax: 256, contextBytes: 0 }
let object: LoadedObject
before(() => {
  object = openAttachObject()
})
after(() => object?.close())

test('a tc program sees segments and length of a super-packet, and leaves mark and priority', () => {
  const told = object.testRun('tell_skb_context', {
    ...room,
    contextBytes: contextBytesMax,
    contextOutputBytes: contextBytesMax,
  })
  const given = new DataView(told.context.buffer)
  const left = new DataView(told.contextOutput.buffer)
  for (const [segments, length, mark] of [
    [0, 100, 7],
    [45, 60_000, 0x1234],
  ] as const) {
    given.setUint32(skbContextByte.gsoSegments, segments, true)
    given.setUint32(skbContextByte.wireLength, length, true)
    given.setUint32(skbContextByte.mark, mark, true)
    given.setUint32(skbContextByte.priority, 40, true)
    assert.equal(told.run(udpFrame(9999, 20)).returnValue, segments * 65536 + length)
    assert.equal(left.getUint32(skbContextByte.mark, true), mark * 2)
    assert.equal(left.getUint32(skbContextByte.priority, true), 41)
  }
})

test('an XDP program sees the metadata before its frame', { skip: here ? false : skip() }, () => {
  const told = object.testRun('tell_xdp_context', { ...room, contextBytes: 24 })
  const given = new DataView(told.context.buffer)
  const frame = udpFrame(9999, 20)
  assert.equal(told.run(frame).returnValue >>> 16, 0, 'no metadata')
  for (const octets of [4, 8, 32]) {
    given.setUint32(xdpContextByte.metadataBytes, octets, true)
    const metadata = new Uint8Array(octets).fill(0xab)
    const input = Buffer.concat([metadata, frame])
    assert.equal(told.run(input).returnValue >>> 16, (octets << 8) | 0xab, `${octets}`)
  }
  given.setUint32(xdpContextByte.metadataBytes, 3, true)
  assert.throws(() => told.run(frame), { code: 'test_run_input' })
})

test('an XDP program sees the interface that the context names', {
  skip: here ? false : skip(),
}, async () => {
  const pair = createPair()
  const weir = startAttacher()
  try {
    const place = { interface: 'far0', netns: pair.far.path, mode: 'native' }
    const attached = await weir.attach('xdp', 'weir_xdp', place)
    const index = pair.index(pair.far, 'far0')
    const given = { context: [0, 0, 0, index, 0, 0], input: [...udpFrame(9999, 20)] }
    assert.equal(await weir.run('tell_xdp_context', pair.far.path, given), index & 0xff)
    const nowhere = { ...given, context: [0, 0, 0, 9999, 0, 0] }
    const refused = weir.run('tell_xdp_context', pair.far.path, nowhere)
    await assert.rejects(refused, { code: 'test_run_input' })
    await weir.detach(attached)
  } finally {
    await weir.stop()
    pair.remove()
  }
})

test('a kernel without contexts for XDP says so before anything runs', () => {
  if (here) return
  const needs = {
    code: 'unsupported_feature',
    message: /a context for tell_xdp_context needs Linux 5/,
  }
  assert.throws(() => object.testRun('tell_xdp_context', { ...room, contextBytes: 24 }), needs)
  const without = object.testRun('tell_xdp_context', room)
  assert.equal(without.run(udpFrame(9999, 20)).returnValue >>> 16, 0)
})

function skip(): string {
  return 'contexts of XDP programs are in Linux 5.15 and later'
}
