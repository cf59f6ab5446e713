// Coverage over rows of a fake reader: what the real engine's test cannot easily bring about.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { everything } from '../../wire/mod.ts'
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
  filter: everything,
  nowNs: 2000n * second,
}

function node(name: string, since: bigint, last: bigint, interval = 5n): StoredRow {
  return {
    node: name,
    _since: String(since * second),
    _last: String(last * second),
    _interval: String(interval * second),
    _unwatched: '0',
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

test('time before the first report of all is unwatched, six minutes of a day are not 100 %', async () => {
  const day = { ...question, range: { fromNs: 100_000n * second, toNs: 186_400n * second } }
  const nowNs = day.range.toNs
  const began = (name: string, secondsAgo: bigint) =>
    node(name, 186_400n - secondsAgo, 186_400n - 5n)
  const watchedOf = async (...nodes: StoredRow[]) =>
    (await readCoverage(reader(nodes, []), { ...day, nowNs })).watched
  assert.equal(await watchedOf(began('a', 360n)), 360 / 86_400)
  assert.equal(await watchedOf(began('a', 360n), began('b', 180n)), 360 / 86_400)
  const many = Array.from({ length: 1000 }, (_, i) => began(`n${i}`, 360n))
  assert.equal(await watchedOf(...many), 360 / 86_400, 'however many nodes')
  assert.equal(await watchedOf(began('a', 90_000n), began('b', 60n)), 1, 'b was not known before')
  assert.equal(await watchedOf(), 0)
})

test('a node that fell silent is unwatched from then on, and one hole never rounds up to 1', async () => {
  const watchedOf = async (...nodes: StoredRow[]) =>
    (await readCoverage(reader(nodes, []), question)).watched
  assert.equal(await watchedOf(node('a', 0n, 1995n)), 1)
  assert.equal(await watchedOf(node('a', 0n, 1750n)), 0.75)
  assert.equal(await watchedOf(node('a', 0n, 1750n), node('b', 1500n, 1995n)), 1250 / 1500)
  assert.equal(await watchedOf(node('gone', 0n, 900n)), 0)
  const blink = { ...node('a', 0n, 1995n), _unwatched: '1' }
  assert.ok((await watchedOf(blink)) < 1)
})

test('the future is neither watched nor unwatched', async () => {
  const range = { fromNs: 1000n * second, toNs: 9000n * second }
  const nodes = reader([node('a', 0n, 1995n)], [])
  const { watched } = await readCoverage(nodes, { ...question, range })
  assert.equal(watched, 1)
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
