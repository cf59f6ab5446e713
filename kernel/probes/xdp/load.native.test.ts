// The program loads on this kernel, and runs.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { frameOf } from '../../testing/loader.ts'
import { readCounters } from './attach.ts'
import { loadXdpObject } from './object.ts'

test('the program loads, and passes what no rule is about', () => {
  const object = loadXdpObject()
  try {
    const room = { inputBytesMax: 128, outputBytesMax: 0, contextBytes: 0 }
    const program = object.testRun('weir_xdp', room)
    for (const protocol of [1, 6, 17])
      assert.equal(program.run(frameOf(protocol, 40)).returnValue, 2)
    const { seen, passed, not_ip: notIp } = readCounters(object.map('counters'))
    assert.deepEqual([seen, passed, notIp], [3, 3, 0])
  } finally {
    object.close()
  }
})
