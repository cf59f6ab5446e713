import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createSequence } from './sequence.ts'

const of = (all: number, flows = all) => ({ all, flows })
const at = (nowMs: number, restarted = false) => ({ nowMs, restarted })

test('what never came is lost once, when it is too late to come', () => {
  const sequence = createSequence()
  sequence.see(100, of(10), at(0))
  sequence.see(130, of(10), at(1))
  assert.equal(sequence.takeLost(1_000), 0)
  assert.equal(sequence.takeLost(6_000), 20)
  assert.equal(sequence.takeLost(99_000), 0)
})

test('datagrams that overtook each other were counted as lost', () => {
  const sequence = createSequence()
  sequence.see(0, of(1), at(0))
  for (const number of [3, 2, 4, 1, 5]) sequence.see(number, of(1), at(1))
  assert.equal(sequence.takeLost(99_000), 0)
  assert.equal(sequence.restarts(), 0)
  sequence.see(20, of(1), at(100_000))
  sequence.see(10, of(1), at(100_000))
  assert.equal(sequence.takeLost(199_000), 13)
})

test('an exporter that began anew has lost nothing', () => {
  const sequence = createSequence()
  sequence.see(1_000_000, of(30), at(0))
  sequence.see(0, of(30), at(1))
  sequence.see(30, of(30), at(1))
  sequence.see(60, of(30), at(1))
  assert.equal(sequence.takeLost(99_000), 0)
  assert.equal(sequence.restarts(), 1)
  sequence.see(5, of(1), at(100_000, true))
  sequence.see(6, of(1), at(100_000))
  assert.equal(sequence.takeLost(199_000), 0)
  assert.equal(sequence.restarts(), 2)
})

test('a copy of an old datagram, and an exporter that never counts, make no loss', () => {
  const sequence = createSequence()
  for (const number of [7, 8, 9, 8, 10]) sequence.see(number, of(1), at(0))
  assert.equal(sequence.takeLost(99_000), 0)
  const still = createSequence()
  for (let index = 0; index < 9; index++) still.see(0, of(1), at(0))
  assert.equal(still.takeLost(99_000), 0)
})

test('the count goes on behind 2^32', () => {
  const sequence = createSequence()
  sequence.see(2 ** 32 - 2, of(1), at(0))
  sequence.see(2 ** 32 - 1, of(1), at(0))
  sequence.see(0, of(5), at(0))
  sequence.see(7, of(1), at(0))
  assert.equal(sequence.takeLost(99_000), 2)
})

test('a gap across 2^32 is filled by what comes late', () => {
  const sequence = createSequence()
  sequence.see(2 ** 32 - 3, of(1), at(0))
  sequence.see(2, of(1), at(0))
  sequence.see(0, of(1), at(0))
  assert.equal(sequence.takeLost(99_000), 3)
})

test('an exporter that writes the number behind its last record had lost records in every datagram', () => {
  const sequence = createSequence()
  sequence.see(24, of(25, 24), at(0))
  sequence.see(56, of(32), at(0))
  sequence.see(88, of(33, 32), at(0))
  sequence.see(100, of(12), at(0))
  assert.equal(sequence.takeLost(99_000), 0)
  sequence.see(125, of(20), at(100_000))
  assert.equal(sequence.takeLost(199_000), 5)
})
