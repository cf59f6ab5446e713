// Tracepoints and iterators: what is attached, by our list and by bpftool's; nothing is left of what ended.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { assertGone } from '../../testing/bpffs.ts'
import { kernelAtLeast } from '../../testing/features.ts'
import { listAll, loadsMapIterators, openAttachObject } from '../../testing/loader.ts'
import { createNamespace, type Namespace } from '../../testing/peers.ts'
import type { LoadedObject } from '../object.ts'
import { type GrowingBuffer, type Iterator, iterator } from './iterator.ts'
import { tracing } from './tracing.ts'

interface ListedLink {
  readonly id: number
  readonly prog_id: number
}

const place = { tracepoint: 'inet_sock_set_state' }
let namespace: Namespace
let object: LoadedObject
before(() => {
  namespace = createNamespace()
  object = openAttachObject()
})
after(() => {
  object?.close()
  namespace?.remove()
})

const linkOf = (id: number) => listAll<ListedLink>('link').find((link) => link.id === id)
const linksOf = (program: number) => (attached: { readonly programId: number }) =>
  attached.programId === program

/** One listener that is opened and closed: two changes of state. */
function listenOnce(): void {
  const script = 'import socket; s = socket.create_server(("127.0.0.1", 7001)); s.close()'
  namespace.run('/usr/bin/python3', '-c', script)
}

function counted(): bigint {
  const tracepoint = 6
  const values = object.readPerCpu('counted', tracepoint, 16)
  return values.filter((_, index) => index % 2 === 0).reduce((sum, value) => sum + value, 0n)
}

test('a tracepoint program counts from its attachment to its detachment, and bpftool sees the link', () => {
  const attachment = object.attach('weir_state', tracing, place)
  try {
    listenOnce()
    assert.ok(counted() >= 2n, `${counted()} changes`)
    assert.equal(linkOf(attachment.linkId)?.prog_id, attachment.programId)
    const [found] = tracing.attached(place).filter(linksOf(attachment.programId))
    const { linkId, programId } = attachment
    assert.deepEqual(found, { programId, linkId, name: 'weir_state', owner: 'this', details: '' })
  } finally {
    attachment.detach()
  }
  assertGone('link', attachment.linkId)
  const before = counted()
  listenOnce()
  assert.equal(counted(), before)
  assert.deepEqual(tracing.attached(place).filter(linksOf(attachment.programId)), [])
  attachment.detach()
})

test('several programs share a tracepoint', () => {
  const other = openAttachObject()
  try {
    const programs = [object, other].map(
      (one) => one.attach('weir_state', tracing, place).programId,
    )
    const found = tracing.attached(place).map(({ programId }) => programId)
    for (const program of programs) assert.ok(found.includes(program), `${program} of ${found}`)
  } finally {
    other.close()
  }
})

test('an object that is closed leaves no link', () => {
  const other = openAttachObject()
  const { linkId } = other.attach('weir_state', tracing, place)
  assert.notEqual(linkOf(linkId), undefined)
  other.close()
  assertGone('link', linkId)
})

test('a program of another kind is refused with the reason', () => {
  assert.throws(() => object.attach('weir_filter', tracing, place), {
    code: 'attach_refused',
    message: /attaching weir_filter to tracepoint inet_sock_set_state: /,
  })
  assert.throws(() => object.attach('weir_state', iterator, { target: 'task_file' }), {
    code: 'attach_refused',
  })
})

test('a tracepoint and an iterator that the kernel does not have are missing, in words', () => {
  assert.deepEqual(tracing.feature(place), { state: 'available' })
  assert.deepEqual(iterator.feature({ target: 'task' }), { state: 'available' })
  const elements = iterator.feature({ target: 'bpf_map_elem' }).state
  assert.equal(elements, loadsMapIterators ? 'available' : 'missing')
  const nowhere = tracing.feature({ tracepoint: 'weir_no_such_event' })
  assert.equal(nowhere.state, 'missing')
  assert.ok(nowhere.state === 'missing' && nowhere.error.code === 'unsupported_feature')
  assert.equal(iterator.feature({ target: 'weir_nothing' }).state, 'missing')
})

/** What one pass put into the buffer: pairs of words, in the order of the first. */
function pass(walk: Iterator, buffer: GrowingBuffer): readonly (readonly number[])[] {
  const octets = walk.read(buffer)
  return Array.from({ length: octets / 8 }, (_, index) => [
    buffer.bytes.readUInt32LE(index * 8),
    buffer.bytes.readUInt32LE(index * 8 + 4),
  ]).toSorted(([a], [b]) => a! - b!)
}

const refusal = loadsMapIterators ? false : 'this kernel refuses iterators over maps'
test('an iterator walks the map that it is given, once for each read', { skip: refusal }, () => {
  const numbers = object.map('numbers')
  const wanted = [1, 2, 3].map((key) => [key, key * 10])
  for (const [key, value] of wanted) {
    numbers.update(Uint8Array.of(key!, 0, 0, 0), Uint8Array.of(value!, 0, 0, 0))
  }
  const target = { target: 'bpf_map_elem', mapFd: object.mapFd('numbers') }
  const elements = object.attach('weir_elements', iterator, target)
  const buffer = { bytes: Buffer.alloc(0) }
  assert.deepEqual(pass(elements, buffer), wanted)
  assert.deepEqual(pass(elements, buffer), wanted)
  assertAttached(elements, 'bpf_map_elem')
})

test('an iterator walks all threads, or the one that it is given', () => {
  const buffer = { bytes: Buffer.alloc(0) }
  const all = object.attach('weir_threads', iterator, { target: 'task' })
  const own = pass(all, buffer).filter(([, process_]) => process_ === process.pid)
  assert.ok(own.length > 1, 'Node has several threads')
  assertAttached(all, 'task')
  if (!kernelAtLeast(6, 1)) return
  const one = object.attach('weir_threads', iterator, { target: 'task', tid: process.pid })
  assert.deepEqual(pass(one, buffer), [[process.pid, process.pid]])
  assertAttached(one, 'task')
})

/** Listed until it is detached. Others on this host may walk the same. */
function assertAttached(walk: Iterator, target: string): void {
  const attached = iterator.attached({ target })
  assert.equal(attached.filter(({ linkId }) => linkId === walk.linkId).length, 1)
  walk.detach()
  assertGone('link', walk.linkId)
  assert.throws(() => walk.read({ bytes: Buffer.alloc(0) }), /is closed/)
}
