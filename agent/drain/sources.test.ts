// The budget of a source, and when the next tick comes.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { OpenProbe } from '../../kernel/mod.ts'
import { createCollector } from './collector.ts'
import { drainAll, type Source } from './sources.ts'

/** A probe of which each record is its number; `refill` is called after each drain. */
function fakeSource(name: string, recordBytes: number, refill: (ring: number[]) => void) {
  const ring: number[] = []
  const seen: number[] = []
  const ringRecords = 100
  const probe: Pick<OpenProbe, 'name' | 'recordBytes' | 'ringRecords' | 'drain' | 'counters'> = {
    name,
    recordBytes,
    ringRecords,
    counters: () => ({}),
    drain: (sink, max = Number.POSITIVE_INFINITY) => {
      const taken = ring.splice(0, max)
      for (const number of taken) {
        const words = new Uint32Array(recordBytes / 4).fill(number)
        sink(words, new Uint8Array(words.buffer), 0)
      }
      refill(ring)
      return taken.length
    },
  }
  const collector = createCollector({
    door: { probe, namespaces: () => [] },
    sink: (buffer, records) => {
      const words = new Uint32Array(buffer)
      for (let index = 0; index < records; index++) {
        seen.push(words[(index * recordBytes) / 4] as number)
      }
    },
  })
  const source: Source = { collector, ringRecords }
  refill(ring)
  return { source, collector, ring, seen }
}

test('a source in a storm starved the others: its ring never ran empty', () => {
  let number = 0
  const storm = fakeSource('storm', 168, (ring) => {
    while (ring.length < 100) ring.push(number++)
  })
  const calm = fakeSource('calm', 24, () => {})
  for (let tick = 1; tick <= 5; tick++) {
    calm.ring.push(tick)
    assert.equal(drainAll([storm.source, calm.source], 40), 0)
    assert.equal(calm.ring.length, 0, `tick ${tick}`)
  }
  const reports = [storm, calm].map(({ collector }) => collector.snapshot(true))
  assert.deepEqual(
    reports.map(({ source, drained }) => [source, drained]),
    [
      ['storm', 5 * 40 + 100], // a snapshot takes what was there, and no more
      ['calm', 5],
    ],
  )
  assert.deepEqual(calm.seen, [1, 2, 3, 4, 5])
  assert.deepEqual(
    storm.seen,
    Array.from({ length: 300 }, (_, index) => index),
  )
})

test('the fullest ring decides when the next tick comes', () => {
  const sourceOf = (records: number): Source => ({
    ringRecords: 100,
    collector: { drain: (max) => Math.min(records, max) },
  })
  const delays = [[0], [1], [11], [50], [0, 1], [11, 0], [50, 0]]
  assert.deepEqual(
    delays.map((rings) => drainAll(rings.map(sourceOf), 50)),
    [250, 100, 10, 0, 100, 10, 0],
  )
})
