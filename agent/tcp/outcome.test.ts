// Each way a connection ends, as the kernel shows it at the ends that are seen.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type EndOutcome, endReason, errnoName } from './outcome.ts'

type Case = readonly [state: number, error: number, port?: number]

const src = ([state, error, localPort = 40_000]: Case): EndOutcome => {
  return { side: 'src', state, error, localPort, vanished: false }
}
const dst = ([state, error]: Case): EndOutcome => {
  return { side: 'dst', state, error, localPort: 80, vanished: false }
}

const cases: readonly [string, readonly EndOutcome[]][] = [
  ['refused', [src([2, 111])]],
  ['timeout', [src([2, 110])]],
  ['unreachable', [src([2, 113])]],
  ['unreachable', [src([2, 101])]],
  ['no_port', [src([2, 0, 0])]],
  ['abandoned', [src([2, 0])]],
  ['unreachable', [src([2, 13])]], // ICMPv6: administratively prohibited
  ['unreachable', [src([2, 112])]],
  ['unknown', [src([2, 22])]],
  ['closed', [src([5, 0])]],
  ['closed', [dst([9, 0])]],
  ['closed', [src([5, 0]), dst([9, 0])]],
  ['reset_by_src', [src([1, 0])]],
  ['reset_by_src', [src([8, 0])]],
  ['reset_by_dst', [dst([1, 0])]],
  ['reset_by_dst', [src([1, 104])]],
  ['reset_by_dst', [src([8, 32])]],
  ['reset_by_src', [dst([1, 104])]],
  ['reset_by_src', [src([1, 0]), dst([1, 104])]],
  ['reset_by_dst', [src([1, 104]), dst([1, 0])]],
  ['timeout', [src([1, 110])]],
  ['timeout', [src([4, 110]), dst([1, 110])]],
  ['unknown', [{ ...src([1, 0]), vanished: true }]],
  ['unknown', [src([7, 0])]],
  ['unknown', [src([7, 0]), dst([9, 0])]],
  ['reset_by_src', [src([7, 0]), dst([1, 104])]],
  ['unknown', [{ ...src([2, 0]), vanished: true }]],
]

test('every end has its reason', () => {
  for (const [expected, ends] of cases) {
    assert.equal(endReason(ends), expected, JSON.stringify(ends))
  }
})

test('errors have the names people search for', () => {
  assert.deepEqual([0, 111, 110, 104, 9999].map(errnoName), [
    '',
    'ECONNREFUSED',
    'ETIMEDOUT',
    'ECONNRESET',
    '9999',
  ])
})
