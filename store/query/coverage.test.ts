// Coverage over rows of a fake reader: what the real engine's test cannot easily bring about.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Reader, StoredRow } from '../reader.ts'
import { readCoverage, shareOf } from './coverage.ts'

const second = 1_000_000_000n

test('a loss, however small, never becomes 1', () => {
  assert.equal(shareOf(Number.MAX_SAFE_INTEGER, 1) === 1, false)
  assert.equal(shareOf(3, 1), 0.75)
  assert.equal(shareOf(0, 1), 0)
  assert.equal(shareOf(5, 0), 1)
  assert.equal(shareOf(0, 0), null)
})

function reader(watch: readonly StoredRow[], lost: readonly StoredRow[]): Reader {
  return {
    read: async (sql) => {
      if (sql.includes('_holes')) return watch
      if (sql.includes('sum(f.lost)')) return lost
      return []
    },
  }
}

const question = {
  range: { fromNs: 1000n * second, toNs: 2000n * second },
  filters: [],
  nowNs: 2000n * second,
}

function node(name: string, since: bigint, last: bigint, interval = 5n): StoredRow {
  return {
    node: name,
    _since: String(since * second),
    _last: String(last * second),
    _interval: String(interval * second),
    _holes: [],
  }
}

test('a node is silent after three of its intervals, and at least 15 s', async () => {
  const watch = [
    node('live', 0n, 1985n),
    node('silent', 0n, 1984n),
    node('slow', 0n, 1820n, 60n),
    node('slow-silent', 0n, 1819n, 60n),
    node('long-silent', 0n, 500n),
  ]
  const { gaps, share } = await readCoverage(reader(watch, []), question)
  assert.deepEqual(gaps, [
    {
      node: 'long-silent',
      from: '1970-01-01T00:16:40.000000000Z',
      to: '1970-01-01T00:33:20.000000000Z',
    },
    {
      node: 'slow-silent',
      from: '1970-01-01T00:30:19.000000000Z',
      to: '1970-01-01T00:33:20.000000000Z',
    },
    {
      node: 'silent',
      from: '1970-01-01T00:33:04.000000000Z',
      to: '1970-01-01T00:33:20.000000000Z',
    },
  ])
  assert.equal(share, 1, 'nothing happened, and somebody watched')
})

test('nothing stored while nobody watched is unknown, not complete', async () => {
  const { share } = await readCoverage(reader([node('gone', 0n, 900n)], []), question)
  assert.equal(share, null)
  const { share: never } = await readCoverage(reader([], []), question)
  assert.equal(never, null)
})

test('what a stage lost without saying why is unknown; causes without a stage row count', async () => {
  const row = (stage: string, cause: string, lost: number): StoredRow => ({
    _step: '0',
    node: 'a',
    stage,
    cause,
    lost,
  })
  const rows = [row('drain', '', 10), row('drain', 'full', 4), row('spool', 'age', 2)]
  const { lost, share } = await readCoverage(reader([], rows), question)
  assert.deepEqual(lost, { full: 4, age: 2, unknown: 6 })
  assert.equal(share, 0)
})
