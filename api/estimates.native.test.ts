// Questions with more rows than are counted exactly: sums stay exact, estimates keep the error that the answer
// states, and an answer without estimates says nothing. The truth is counted in plain TypeScript.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Ajv } from 'ajv'
import { rfc3339 } from '../common/mod.ts'
import { appendRow, type Batch, createBatch, flowTable, type Row } from '../wire/mod.ts'
import { type SeriesAnswer, seriesAnswer, type TopAnswer, topAnswer } from './contract/mod.ts'
import { type Parameters, startKnownRiver } from './known-river.fake.ts'
import { beginNs } from './known-rows.fake.ts'

const ajv = new Ajv({ strict: false, formats: { 'date-time': true } })
const day = 86_400_000_000_000n
const dayBegin = beginNs - 3n * day
const range = { from: rfc3339(dayBegin), to: rfc3339(dayBegin + 3_600_000_000_000n) }
const rowCount = 120_000
const groupCount = 5000

interface Known {
  readonly process: string
  readonly port: number
  readonly bytes: number
  readonly rttNs: number
  readonly connection: number
  readonly minute: number
}

/** A group of a quarter of the rows, 4999 small ones, and 1000 ephemeral ports of one edge. */
const known: readonly Known[] = Array.from({ length: rowCount }, (_, i) => {
  const large = i % 4 === 0
  const ephemeral = i % 120 === 1
  return {
    process: large ? 'large' : ephemeral ? 'closing' : `small-${i % groupCount}`,
    port: ephemeral ? 40_000 + (i - 1) / 120 : 443,
    bytes: (i * 7919) % 100_000,
    rttNs: Math.round(10_000 * 1.0001 ** i),
    connection: large ? i : Math.floor(i / 3) * 3 + 1_000_000 + (ephemeral ? i : 0),
    minute: Math.floor((i * 60) / rowCount),
  }
})

function batch(): Batch {
  const all = createBatch(flowTable, rowCount)
  known.forEach(({ process, port, bytes, rttNs, connection, minute }) => {
    appendRow(all, {
      time: dayBegin + BigInt(minute) * 60_000_000_000n + 5n,
      node: 'node-a',
      view: 'socket',
      counted: true,
      src_process: process,
      dst_process: 'server',
      dst_port: port,
      bytes,
      rtt_ns: rttNs,
      // Ids are hashes: a sketch of neighbours would be kinder than life.
      connection_id: (BigInt(connection) * 0x9e3779b97f4a7c15n) & 0xffff_ffff_ffff_ffffn,
    })
  })
  return all
}

let river: Awaited<ReturnType<typeof startKnownRiver>>
before(async () => {
  river = await startKnownRiver({ exactRowsMax: 50_000 })
  await river.insert(batch(), 'flows')
})
after(() => river?.stop())

const stated = { connections: 0.02, rtt_p50_ns: 0.01, rtt_p95_ns: 0.01 }

function assertNear(found: unknown, truth: number, error: number, about: string): void {
  const off = Math.abs(Number(found) - truth) / truth
  assert.ok(off <= error, `${about}: ${found} for ${truth}, off by ${off}`)
}

function assertTrue(row: Row, some: readonly Known[], about: string): void {
  assert.equal(
    row['bytes'],
    some.reduce((sum, { bytes }) => sum + bytes, 0),
    about,
  )
  const distinct = new Set(some.map(({ connection }) => connection)).size
  assertNear(row['connections'], distinct, stated.connections, `connections of ${about}`)
  const rtts = some.map(({ rttNs }) => rttNs).toSorted((a, b) => a - b)
  for (const [name, share] of [
    ['rtt_p50_ns', 0.5],
    ['rtt_p95_ns', 0.95],
  ] as const) {
    // Two neighbours of the rank, because a rank between two values may be either.
    const at = share * (rtts.length - 1)
    const [low = 0, high = 0] = [rtts[Math.floor(at)], rtts[Math.ceil(at)]]
    const value = Number(row[name])
    const isNear = value >= low * (1 - stated[name]) && value <= high * (1 + stated[name])
    assert.ok(isNear, `${name} of ${about}: ${value} for ${low} to ${high}`)
  }
}

const top = async (parameters: Parameters): Promise<TopAnswer> => {
  const answer = await river.get<TopAnswer>('/api/top', {
    ...range,
    by: 'src_process',
    ...parameters,
  })
  assert.ok(ajv.validate(topAnswer, answer), ajv.errorsText())
  return answer
}

test('top of many rows: sums exact, estimates within the error that the answer states', async () => {
  const truth = Map.groupBy(known, ({ process }) => process)
  for (const limit of [5, 10_000]) {
    const answer = await top({ limit })
    assert.deepEqual(answer.approximate, { groups: 0.02, ...stated })
    assertNear(answer.totals.groups, truth.size, 0.02, 'groups')
    assertTrue(answer.totals as Row, known, 'totals')
    assert.equal(answer.rows.length, Math.min(limit, truth.size))
    for (const row of answer.rows) {
      const process = String(row['src_process'])
      assertTrue(row, truth.get(process) as Known[], `${process} of ${limit}`)
    }
    const order = answer.rows.map((row) => Number(row['total']))
    assert.deepEqual(
      order,
      order.toSorted((a, b) => b - a),
    )
  }
  const byName = await top({ order: 'src_process', limit: 3 })
  assert.deepEqual(
    byName.rows.map((row) => row['src_process']),
    ['closing', 'large', 'small-1'],
  )
})

test('folded ports are the same in a large answer', async () => {
  const by = ['src_process', 'dst_process', 'dst_port']
  const { rows, totals, approximate } = await top({
    by,
    src_process: ['large', 'closing'],
    limit: 1,
  })
  assert.deepEqual(
    approximate,
    undefined,
    'a filter that leaves few rows leaves nothing to estimate',
  )
  assert.deepEqual([totals.groups, rows.length], [2, 1])
  const large = await top({ by, order: '-retransmits', limit: 10_000 })
  assert.deepEqual(large.approximate, { groups: 0.02, folded_ports: 0.02, ...stated })
  const closing = large.rows.find((row) => row['src_process'] === 'closing') as Row
  assert.deepEqual([closing['dst_port'], closing['folded_ports']], [null, 1000])
  assertNear(large.totals.folded_ports, 1000, 0.02, 'folded ports')
  assertTrue(
    closing,
    known.filter(({ process }) => process === 'closing'),
    'closing',
  )
})

test('series of many rows: steps and totals, plain and by group', async () => {
  for (const by of [[], ['src_process']]) {
    const answer = await river.get<SeriesAnswer>('/api/series', { ...range, step: '10m', by })
    assert.ok(ajv.validate(seriesAnswer, answer), ajv.errorsText())
    assert.deepEqual(answer.approximate, stated)
    assertTrue(answer.totals, known, 'totals')
    for (const row of by.length > 0 ? [] : answer.rows) {
      const begin =
        Math.round(Date.parse(String(row['time'])) / 60_000) - Number(dayBegin / 60_000_000_000n)
      assertTrue(
        row,
        known.filter(({ minute }) => minute >= begin && minute < begin + 10),
        `${begin}`,
      )
    }
    const bytes = answer.rows.reduce((sum, row) => sum + Number(row['bytes']), 0)
    assert.equal(bytes, answer.totals['bytes'])
    const shares = new Set(answer.coverage.steps.map(({ share }) => share))
    assert.deepEqual([...shares], [1])
  }
})

test('few rows, and sums alone, have nothing to estimate', async () => {
  const short = { to: rfc3339(dayBegin + 600_000_000_000n) }
  assert.equal((await top(short)).approximate, undefined)
  const sums = await river.get<SeriesAnswer>('/api/series', {
    ...range,
    metrics: ['bytes', 'failed'],
  })
  assert.equal(sums.approximate, undefined)
})
