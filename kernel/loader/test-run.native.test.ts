// Programs run on frames written out here, and the same frames run by bpftool.

import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { bpftool, frameOf, openTestObject } from '../testing/loader.ts'
import { createMapEntries } from './map-batch.ts'
import type { LoadedObject } from './object.ts'

const room = { inputBytesMax: 256, outputBytesMax: 256, contextBytes: 0 }
const [near, far] = ['020000000001', '0200000000fe']
/** UDP from 192.168.0.1 to 192.168.0.199; the checksum of this header (b861) is by RFC 1071. */
const frame = hex(`${far}${near}0800 450000730000400040 11b861c0a80001c0a800c7 ${'00'.repeat(95)}`)
/** One less to live adds 0100 to the checksum (RFC 1141). */
const forwarded = hex(
  `${near}${far}0800 45000073000040003f 11b961c0a80001c0a800c7 ${'00'.repeat(95)}`,
)
const thrice = hex(`${near}${far}0800 45000073000040003d 11bb61c0a80001c0a800c7 ${'00'.repeat(95)}`)

let object: LoadedObject
const folder = mkdtempSync(join(tmpdir(), 'weir-run-'))
before(() => {
  object = openTestObject()
})
after(() => {
  object?.close()
  rmSync(folder, { recursive: true })
})

test('the frame comes back as the program left it, byte for byte', () => {
  const forward = object.testRun('forward', room)
  const once = forward.run(frame)
  assert.deepEqual([once.returnValue, once.outputBytes], [63, frame.length])
  assert.deepEqual(forward.output.subarray(0, frame.length), forwarded)
  assert.ok(forward.output.subarray(frame.length).every((octet) => octet === 0))
  assert.equal(untilUninterrupted(() => forward.run(frame, 3)).returnValue, 61)
  assert.deepEqual(forward.output.subarray(0, frame.length), thrice)
  assert.equal(forward.run(frame).returnValue, 63, 'each run has a frame of its own')
})

test('bpftool gets the same', () => {
  const [given, left] = [join(folder, 'in'), join(folder, 'out')]
  writeFileSync(given, frame)
  for (const name of ['forward', 'count_protocols']) {
    const id = String(object.programs.find((program) => program.name === name)?.id)
    const files = ['data_in', given, 'data_out', left, 'data_size_out', '256']
    const told = bpftool<{ retval: number }>('prog', 'run', 'id', id, ...files, 'repeat', '1')
    const run = object.testRun(name, room)
    const { returnValue, outputBytes } = run.run(frame)
    assert.equal(returnValue, told.retval, name)
    assert.deepEqual(Buffer.from(run.output.subarray(0, outputBytes)), readFileSync(left), name)
  }
})

test('a socket filter sees what follows the Ethernet header', () => {
  const count = object.testRun('count_protocols', room)
  assert.equal(count.run(frame).returnValue, 115)
  assert.deepEqual(count.output.subarray(0, 14), new Uint8Array(14))
  assert.deepEqual(count.output.subarray(14, frame.length), frame.subarray(14))
})

test('a negative return value is its u32', () => {
  assert.equal(object.testRun('forward', room).run(new Uint8Array(14)).returnValue, 0xffffffff)
})

test('repetitions are runs', () => {
  const entries = createMapEntries()
  const count = object.testRun('count_protocols', { ...room, outputBytesMax: 0 })
  const [sctp, repetitions] = [132, 50]
  const counted = () => {
    object.map('protocols_array').read(entries)
    return entries.valueWords[sctp * 2] ?? 0
  }
  const measured = () => {
    const [before, startedMs] = [counted(), performance.now()]
    const { durationNs, outputBytes } = count.run(frameOf(sctp, 80), repetitions)
    const tookNs = (performance.now() - startedMs) * 1e6
    return { durationNs, outputBytes, tookNs, octets: counted() - before }
  }
  const { durationNs, outputBytes, tookNs, octets } = untilUninterrupted(measured)
  assert.ok(durationNs > 0 && durationNs * repetitions < tookNs, `${durationNs} of ${tookNs} ns`)
  assert.equal(outputBytes, 0)
  assert.equal(octets, 5000)
})

/** A signal that comes between two repetitions ends them; Node gets some of its own. */
function untilUninterrupted<T>(work: () => T): T {
  for (let tries = 0; ; tries++) {
    try {
      return work()
    } catch (error) {
      if (tries === 100 || !/Interrupted system call/.test(String(error))) throw error
    }
  }
}

test('the context is given, and may change from run to run', () => {
  const told = object.testRun('tell_mark', { ...room, contextBytes: 192 })
  const words = new Uint32Array(told.context.buffer)
  for (const mark of [0, 77, 0xfedcba98]) {
    words[2] = mark
    assert.equal(told.run(frame).returnValue, mark)
  }
  words[3] = 1 // queue_mapping is not to be set
  assert.throws(() => told.run(frame), { code: 'test_run_input' })
})

test('a frame without a whole Ethernet header is refused, and one too long', () => {
  const forward = object.testRun('forward', room)
  for (const length of [0, 1, 13, 257]) {
    assert.throws(() => forward.run(new Uint8Array(length)), {
      code: 'test_run_input',
      message: new RegExp(`^running forward on ${length} octets: `),
    })
  }
  assert.equal(forward.run(frame).returnValue, 63, 'and the next one runs')
})

test('too little room for the output: the error says how much it takes', () => {
  const forward = object.testRun('forward', { ...room, outputBytesMax: 100 })
  assert.throws(() => forward.run(frame), {
    code: 'test_run_output',
    message: 'running forward: it left 129 octets, there was room for 100',
  })
})

test('a program that runs at its hook alone is unsupported', () => {
  for (const input of [0, 64]) {
    const run = object.testRun('at_hook_alone', { ...room, inputBytesMax: input })
    assert.throws(() => run.run(new Uint8Array(input)), { code: 'unsupported_feature' })
  }
})

test('a closed object runs nothing; what is not loaded cannot be run', () => {
  const other = openTestObject({}, ['forward'])
  assert.throws(() => other.testRun('forward', room), /program forward is not loaded/)
  assert.throws(() => other.testRun('nothing', room), /program nothing is not loaded/)
  const run = other.testRun('tell_mark', room)
  other.close()
  assert.throws(() => run.run(frame), /is closed/)
  assert.throws(() => other.testRun('tell_mark', room), /is not loaded|is closed/)
})

function hex(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'))
}
