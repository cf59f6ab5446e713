import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Row } from '../../wire/mod.ts'
import { wholeCoverage } from '../fake.ts'
import type { TopQuestion, TopResult } from './top-answer.ts'
import { readRows } from './top-rows.ts'

const question: TopQuestion = { by: [], order: '-total', limit: 10, filters: [], fold: true }

const metrics = {
  packets: 1,
  reverse_packets: 1,
  retransmits: null,
  reverse_retransmits: null,
  opened: 1,
  failed: 0,
  rtt_p50_ns: null,
}

/** Answers by the fields that are asked for. */
function reader(answers: Readonly<Record<string, readonly Row[]>>) {
  const asked: TopQuestion[] = []
  const read = async (one: TopQuestion): Promise<TopResult> => {
    asked.push(one)
    const rows = answers[one.by.join()] ?? []
    return {
      by: one.by,
      rows,
      totals: { groups: rows.length },
      seconds: 10,
      coverage: wholeCoverage,
      steps: () => [1, 2],
    }
  }
  return { read, asked }
}

const row = (fields: Row): Row => ({ ...metrics, ...fields })

test('a process that calls and serves is one row: what it sent in both roles', async () => {
  const { read } = reader({
    src_process: [
      row({
        src_process: 'app',
        bytes: 10,
        reverse_bytes: 20,
        total: 30,
        connections: 2,
        rtt_p95_ns: 5,
      }),
    ],
    dst_process: [
      row({
        dst_process: 'app',
        bytes: 1,
        reverse_bytes: 2,
        total: 3,
        connections: 3,
        rtt_p95_ns: 9,
      }),
      row({
        dst_process: 'db',
        bytes: 100,
        reverse_bytes: 0,
        total: 100,
        connections: 1,
        rtt_p95_ns: 1,
      }),
    ],
    'src_process,dst_process': [row({ src_process: 'app', dst_process: 'app', connections: 1 })],
  })
  const { rows, totals } = await readRows('processes', question, read)
  assert.deepEqual(
    rows.map((one) => [one['process'], one['bytes'], one['reverse_bytes'], one['connections']]),
    [
      ['db', 0, 100, 1],
      ['app', 12, 21, 4],
    ],
  )
  assert.equal(rows[1]?.['rtt_p95_ns'], 9, 'the worse of both roles')
  assert.equal(rows[1]?.['retransmits'], null, 'unknown is not zero')
  assert.equal(totals['groups'], 2)
})

test('a peer is the far end of what a node saw, never its own address', async () => {
  const { read, asked } = reader({
    src_address: [
      row({ src_address: '192.0.2.9', bytes: 1, reverse_bytes: 5, total: 6, connections: 1 }),
    ],
    dst_address: [
      row({ dst_address: '192.0.2.9', bytes: 2, reverse_bytes: 7, total: 9, connections: 1 }),
    ],
  })
  const { rows } = await readRows('peers', question, read)
  assert.deepEqual(
    rows.map((one) => [one['address'], one['bytes'], one['reverse_bytes'], one['connections']]),
    [['192.0.2.9', 8, 7, 2]],
  )
  assert.deepEqual(
    asked.map(({ by, filters }) => [by.join(), filters.map(([, value]) => value).join()]),
    [
      ['src_address', 'dst'],
      ['dst_address', 'src,both'],
    ],
  )
})

test('what is nobody is no row, and the order is that of the question', async () => {
  const { read } = reader({
    src_process: [
      row({ src_process: '', bytes: 9, reverse_bytes: 9, total: 18, connections: 9 }),
      row({ src_process: 'a', bytes: 1, reverse_bytes: 0, total: 1, connections: 2 }),
      row({ src_process: 'b', bytes: 5, reverse_bytes: 0, total: 5, connections: 1 }),
    ],
  })
  const { rows } = await readRows('processes', { ...question, order: '-connections' }, read)
  assert.deepEqual(
    rows.map((one) => one['process']),
    ['a', 'b'],
  )
})
