// The order of a snapshot, the bound of the chunks, and namespaces that vanish.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createCollector, type KernelDoor } from './collector.ts'
import { fakeRecords } from './fake.ts'
import { recordOctets, recordWords, word } from './record.ts'

interface Fake {
  readonly live?: number[]
  readonly ends?: number[]
  readonly seesUnheld?: boolean
}

/** A ring that holds cookies; the dump shows `live` and, while it is read, `ends` come into the ring. */
function fakeDoor(
  ring: number[],
  { live = [], ends = [], seesUnheld = false }: Fake = {},
): KernelDoor {
  const octetsOf = (cookies: readonly number[]) => {
    return new Uint8Array(fakeRecords(cookies.map((cookie) => ({ cookie }))).buffer)
  }
  return {
    probe: {
      name: 'socket',
      recordBytes: recordOctets,
      ringRecords: 100,
      drain: (sink) => {
        const records = fakeRecords(ring.map((cookie) => ({ cookie, kind: 'closed' })))
        const octets = new Uint8Array(records.buffer)
        for (let index = 0; index < ring.length; index++) sink(records, octets, index * recordWords)
        return ring.splice(0).length
      },
      living: {
        seesUnheld,
        dump: () => {
          ring.push(...ends.splice(0))
          return octetsOf(live)
        },
        dumpNamespace: (path) => {
          if (path === '/gone') throw new Error('no such namespace')
          return octetsOf([900])
        },
      },
      counters: () => ({}),
    },
    namespaces: () => [{ path: '/gone' }, { path: '/here' }],
  }
}

function collect(door: KernelDoor, options: { chunkOctets?: number; chunksMax?: number } = {}) {
  const seen: number[] = []
  const given: ArrayBuffer[] = []
  const collector = createCollector({
    door,
    ...options,
    sink: (buffer, records) => {
      const words = new Uint32Array(buffer)
      for (let at = 0; at < records; at++)
        seen.push(words[at * recordWords + word.cookie] as number)
      given.push(buffer)
    },
  })
  return { collector, seen, given }
}

test('ends that come while the dump is read follow the live records', () => {
  const { collector, seen } = collect(fakeDoor([1], { live: [5, 6], ends: [5] }))
  collector.drain(100)
  const report = collector.snapshot(true)
  assert.deepEqual(seen, [5, 6, 900, 1, 5])
  assert.deepEqual(
    [report.source, report.drained, report.dumped, report.lost, report.skippedNamespaces],
    ['socket', 2, 3, 0, 1],
  )
})

test('sockets that nobody holds are looked for once where later dumps know them, else each time', () => {
  for (const [seesUnheld, expected] of [
    [true, [900]],
    [false, [900, 900]],
  ] as const) {
    const { collector, seen } = collect(fakeDoor([], { seesUnheld }))
    const reports = [true, false, true].map((complete) => collector.snapshot(complete))
    assert.deepEqual(seen, expected)
    assert.deepEqual(
      reports.map(({ skippedNamespaces }) => skippedNamespaces),
      [1, 0, seesUnheld ? 0 : 1],
    )
  }
})

test('when all chunks are out, records are counted as lost until one comes back', () => {
  const ring = [1, 2, 3, 4, 5]
  const { collector, seen, given } = collect(fakeDoor(ring), {
    chunkOctets: recordOctets * 2,
    chunksMax: 2,
  })
  assert.equal(collector.drain(100), 5)
  assert.deepEqual(seen, [1, 2, 3, 4])
  collector.recycle(given[0] as ArrayBuffer)
  ring.push(6)
  const report = collector.snapshot(false)
  assert.deepEqual([seen, report.lost, report.drained], [[1, 2, 3, 4, 6], 1, 6])
})
