import assert from 'node:assert/strict'
import { test } from 'node:test'
import { editDistance, nearest } from './nearest.ts'

test('the edit distance counts changes, drops, additions and swaps', () => {
  for (const [from, to, distance] of [
    ['flows', 'flows', 0],
    ['flwos', 'flows', 1],
    ['flow', 'flows', 1],
    ['src-prot', 'src-port', 1],
    ['', 'up', 2],
    ['kitten', 'sitting', 3],
  ] as const) {
    assert.equal(editDistance(from, to), distance, `${from} ${to}`)
    assert.equal(editDistance(to, from), distance, `${to} ${from}`)
  }
})

test('a near name is offered, a far one is not', () => {
  const names = ['flows', 'top', 'ledger', 'doctor']
  assert.equal(nearest('flwos', names), 'flows')
  assert.equal(nearest('docter', names), 'doctor')
  assert.equal(nearest('tpo', names), 'top')
  assert.equal(nearest('kubernetes', names), undefined)
  assert.equal(nearest('x', []), undefined)
})
