import assert from 'node:assert/strict'
import { test } from 'node:test'
import { colorOf, timelineOf } from './packets.ts'

const at = (second: number, size: number | null, label = '') => ({
  time: `2026-11-21T14:32:${String(second).padStart(2, '0')}.000000000Z`,
  packet_size_bytes: size,
  label,
})

test('points stand at their time and size; a packet of unknown size has none', () => {
  const { points, topBytes, fromMs, toMs } = timelineOf(
    [at(0, 1500, '7'), at(5, 0), at(10, 750, '9'), at(11, null)],
    ['7', '', '9'],
  )
  assert.deepEqual(points, [
    { x: 0, y: 1, color: 's1' },
    { x: 0.5, y: 0, color: 'so' },
    { x: 1, y: 0.5, color: 's2' },
  ])
  assert.deepEqual([topBytes, toMs - fromMs], [1500, 10_000])
})

test('one packet stands in the middle, a jumbo frame fits, none is no picture', () => {
  assert.deepEqual(timelineOf([at(0, 9000)], []).points, [{ x: 0.5, y: 1, color: 'so' }])
  assert.equal(timelineOf([at(0, 65_000)], []).topBytes, 65_536)
  assert.deepEqual(timelineOf([], []).points, [])
})

test('labels beyond the colours there are, and no label, are grey', () => {
  const many = Array.from({ length: 10 }, (_, index) => String(index + 1))
  assert.equal(colorOf('8', many), 's8')
  assert.equal(colorOf('9', many), 'so')
  assert.equal(colorOf('', many), 'so')
})
