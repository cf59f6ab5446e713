import assert from 'node:assert/strict'
import { test } from 'node:test'
import { editsBetween, nearestName, nearestNames } from './nearest.ts'

test('edits are changes, drops, additions and swaps, the same both ways', () => {
  for (const [from, to, edits] of [
    ['flows', 'flows', 0],
    ['flwos', 'flows', 1],
    ['flow', 'flows', 1],
    ['src-prot', 'src-port', 1],
    ['', 'up', 2],
    ['kitten', 'sitting', 3],
  ] as const) {
    assert.equal(editsBetween(from, to), edits, `${from} ${to}`)
    assert.equal(editsBetween(to, from), edits, `${to} ${from}`)
  }
})

test('the nearest name is a slip away, or none', () => {
  const names = ['src_port', 'dst_port', 'port', 'process']
  assert.equal(nearestName('scr_port', names), 'src_port')
  assert.equal(nearestName('prot', names), 'port')
  assert.equal(nearestName('banana', names), undefined)
  assert.equal(nearestName('', names), undefined)
  assert.equal(nearestName('x', []), undefined)
  assert.equal(nearestName('x'.repeat(100_000), names), undefined)
})

test('a word that was not typed to its end is near', () => {
  assert.equal(nearestName('estab', ['listen', 'established']), 'established')
  assert.equal(nearestName('es', ['listen', 'established']), undefined)
})

test('what begins with the word is offered first, then what holds it', () => {
  const names = ['retransmits', 'bytes', 'rtt_ns', 'rtt_min_ns', 'smoothed_rtt']
  assert.deepEqual(nearestNames('rtt', names, 3), ['rtt_ns', 'rtt_min_ns', 'smoothed_rtt'])
  assert.deepEqual(nearestNames('bites', names, 1), ['bytes'])
  assert.deepEqual(nearestNames('x'.repeat(100_000), names, 3), [])
})
