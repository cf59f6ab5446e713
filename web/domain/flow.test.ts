/// <reference types="node" />
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Values } from '../data/contract.ts'
import {
  ageNs,
  endFilters,
  endOf,
  isEstimated,
  nsBetween,
  retransmitsOf,
  samplingOf,
  stateOf,
} from './flow.ts'

const row: Values = {
  time: '2026-08-21T14:41:28.906112734Z',
  start: '2026-08-21T14:41:28.900000000Z',
  end: null,
  node: 'a',
  connection_id: '17446744073709551615',
  src_process: 'curl',
  src_pid: 8211,
  src_address: '192.0.2.1',
  src_port: 49218,
  dst_process: '',
  dst_pid: 0,
  dst_address: '2001:db8::9',
  dst_port: 443,
  state: 'ESTAB',
  end_reason: '',
  errno: '',
  retransmits: 3,
  reverse_retransmits: null,
}

test('an end is its process where known, else its address', () => {
  assert.deepEqual(endOf(row, 'src'), {
    name: 'curl',
    byProcess: true,
    pid: '8211',
    address: '192.0.2.1',
    port: '49218',
  })
  assert.equal(endOf(row, 'dst').name, '[2001:db8::9]')
  assert.equal(endOf(row, 'dst').pid, '')
})

test('filtering by an end names real fields', () => {
  assert.deepEqual(endFilters(row, 'src'), [{ field: 'src_process', value: 'curl' }])
  assert.deepEqual(endFilters(row, 'dst'), [
    { field: 'dst_address', value: '2001:db8::9' },
    { field: 'dst_port', value: '443' },
  ])
})

const states: readonly [Values, string, boolean, string][] = [
  [{}, 'open', false, 'state'],
  [{ state: 'SYN-SENT' }, 'syn-sent', false, 'state'],
  [{ end_reason: 'closed' }, 'closed', false, 'end_reason'],
  [{ end_reason: 'reset_by_dst' }, 'reset by dst', true, 'end_reason'],
  [{ end_reason: 'refused', errno: 'ECONNREFUSED' }, 'ECONNREFUSED', true, 'errno'],
  [{ end_reason: 'abandoned' }, 'abandoned', true, 'end_reason'],
]

for (const [change, word, failing, field] of states) {
  test(`state reads ${word}`, () => {
    const state = stateOf({ ...row, ...change })
    assert.deepEqual([state.word, state.failing, state.filter.field], [word, failing, field])
  })
}

test('age is exact to the nanosecond, and unknown when the opening was not seen', () => {
  assert.equal(ageNs(row), 6_112_734)
  assert.equal(ageNs({ ...row, end: '2026-08-21T14:41:29.900000001Z' }), 1_000_000_001)
  assert.equal(ageNs({ ...row, start: null }), undefined)
  assert.equal(nsBetween('2026-08-21T00:00:00Z', '2026-08-22T00:00:00.5Z'), 86_400.5e9)
})

test('retransmits that nobody counted are not zero', () => {
  assert.equal(retransmitsOf(row), 3)
  assert.equal(retransmitsOf({ ...row, retransmits: null }), undefined)
})

test('a loopback address without a process is this host', () => {
  const end = (address: string) => endOf({ dst_address: address, dst_port: 80 }, 'dst').name
  assert.equal(end('127.0.0.1'), 'this host')
  assert.equal(end('127.8.0.1'), 'this host')
  assert.equal(end('::1'), 'this host')
  assert.equal(end('::12'), '[::12]')
  assert.equal(end('12.127.0.1'), '12.127.0.1')
})

test('bytes and packets of a sampled row are estimates, its ports are not', () => {
  const sampled = { ...row, sampling: 10 }
  for (const name of ['bytes', 'reverse_bytes', 'packets', 'total_reverse_bytes']) {
    assert.equal(samplingOf(sampled, name), 10, name)
    assert.equal(samplingOf(row, name), 1, name)
    assert.equal(samplingOf({ ...row, sampling: 0 }, name), 1, name)
  }
  assert.equal(samplingOf(sampled, 'dst_port'), 1)
  assert.deepEqual([isEstimated(undefined), isEstimated({ estimated: 0 })], [false, false])
  assert.ok(isEstimated({ estimated: 3 }))
})
