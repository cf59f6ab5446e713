// Hits by source, as `weir trace --userspace-trace` shows them: every packet is a hit of its source, or of those that
// found no room.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { type LoadedObject, openObject } from '../../loader/object.ts'
import { formatAddress } from '../../rules/address.ts'
import { udpFrame } from '../../testing/udp.ts'
import { readCounters } from './attach.ts'
import { openHits } from './hits.ts'
import type { XdpMaps } from './pinned.ts'

const room = { inputBytesMax: 256, outputBytesMax: 0, contextBytes: 0 }
/** Of an IPv4 frame. */
const sourceAt = 26

function withProgram(maxEntries: Readonly<Record<string, number>>, work: Work): void {
  const object: LoadedObject = openObject({
    what: 'the xdp probe',
    bytes: readFileSync(new URL('../../build/xdp.bpf.o', import.meta.url)),
    settings: { tasks_allowed: 0n },
    maxEntries,
    without: new Set(),
  })
  try {
    const maps = new Proxy({}, { get: (_, name) => object.map(String(name)) }) as XdpMaps
    const program = object.testRun('weir_xdp', room)
    const frame = udpFrame(53, 22)
    work(maps, (source, packets) => {
      new DataView(frame.buffer, frame.byteOffset).setUint32(sourceAt, source)
      // A run of several packets makes the kernel wait (its page pool goes with each run).
      for (let packet = 0; packet < packets; packet++) program.run(frame)
    })
  } finally {
    object.close()
  }
}

type Work = (maps: XdpMaps, send: (source: number, packets: number) => void) => void

const first = 0x0a00_0001

test('each of 5,000 sources has a line of its own with its exact hits', () =>
  withProgram({}, (maps, send) => {
    const reader = openHits(maps, 'eth0', [])
    for (let at = 0; at < 5000; at++) send(first + at, 1 + (at % 7))
    const found = new Map(reader.read().map(({ source, hits }) => [formatAddress(source), hits]))
    assert.equal(found.size, 5000)
    for (let at = 0; at < 5000; at += 499) {
      const address = `10.0.${(at + 1) >> 8}.${(at + 1) & 255}`
      assert.equal(found.get(address), 1 + (at % 7), address)
    }
    reader.close()
  }))

test('a full map of hits: those in it and those that found no room are all packets', () =>
  withProgram({ hits: 64 }, (maps, send) => {
    const reader = openHits(maps, 'eth0', [])
    for (let round = 0; round < 2; round++) {
      for (let at = 0; at < 2000; at++) send(first + at, 3)
    }
    const hits = reader.read()
    const listed = hits.reduce((sum, each) => sum + each.hits, 0)
    const full = readCounters(maps.counters)['hits_full'] ?? 0
    assert.ok(hits.length > 0 && hits.length <= 64, `${hits.length} sources`)
    assert.ok(full > 0)
    assert.equal(listed + full, 12_000)
    assert.ok(hits.every((each) => each.hits === 6))
    reader.close()
  }))
