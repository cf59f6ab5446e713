// GET /api/top and /api/series over the real engine: the metrics of every group and step, recomputed in
// plain TypeScript from the same rows.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Ajv } from 'ajv'
import { rfc3339 } from '../common/mod.ts'
import type { Row } from '../wire/mod.ts'
import { type SeriesAnswer, seriesAnswer, type TopAnswer, topAnswer } from './contract/mod.ts'
import { assertOrdered, range, startKnownRiver } from './known-river.fake.ts'
import { beginNs, knownFlows, rowsOf } from './known-rows.fake.ts'

const rows = rowsOf(knownFlows())
const second = 1_000_000_000n
const ajv = new Ajv({ strict: false, formats: { 'date-time': true } })

let river: Awaited<ReturnType<typeof startKnownRiver>>
before(async () => {
  river = await startKnownRiver()
})
after(() => river?.stop())

function sum(some: readonly Row[], name: string): number {
  return some.reduce((total, row) => total + Number(row[name]), 0)
}

/** What the metrics are by definition, computed without SQL. */
function metricsOf(some: readonly Row[]): Record<string, number | null> {
  const known = (name: string) => some.filter((row) => row[name] !== null)
  const sumOrNull = (name: string) => (known(name).length === 0 ? null : sum(some, name))
  const never = (row: Row) =>
    row['rtt_ns'] === null && row['total_bytes'] === 0 && row['total_reverse_bytes'] === 0
  const failures = ['refused', 'unreachable', 'no_port', 'abandoned']
  return {
    bytes: sum(some, 'bytes'),
    packets: sum(some, 'packets'),
    reverse_bytes: sum(some, 'reverse_bytes'),
    reverse_packets: sum(some, 'reverse_packets'),
    retransmits: sumOrNull('retransmits'),
    reverse_retransmits: sumOrNull('reverse_retransmits'),
    opened: sum(some, 'opened'),
    total: sum(some, 'bytes') + sum(some, 'reverse_bytes'),
    connections: new Set(some.map((row) => row['connection_id'])).size,
    failed: some.filter(
      (row) =>
        failures.includes(`${row['end_reason']}`) ||
        (row['end_reason'] === 'timeout' && never(row)),
    ).length,
  }
}

/** Metrics are exactly so; a percentile is the value at its rank. */
function assertMetrics(found: Row, some: readonly Row[], about: string): void {
  for (const [name, value] of Object.entries(metricsOf(some))) {
    assert.equal(found[name], value, `${name} of ${about}`)
  }
  const rtts = some.flatMap((row) => (row['rtt_ns'] === null ? [] : [Number(row['rtt_ns'])]))
  rtts.sort((a, b) => a - b)
  for (const rank of [50, 95]) {
    const value = rtts[Math.floor((rank / 100) * rtts.length)] ?? null
    assert.equal(found[`rtt_p${rank}_ns`], value, `p${rank} of ${about}`)
  }
}

function grouped(some: readonly Row[], by: readonly string[]): Map<string, Row[]> {
  return Map.groupBy(some, (row) => JSON.stringify(by.map((name) => row[name])))
}

test('top: every group with its metrics, the largest first, and the totals of all', async () => {
  const by = ['src_process', 'dst_process', 'dst_port']
  const truth = grouped(rows, by)
  const answer = await river.get<TopAnswer>('/api/top', { ...range, by, limit: 10_000 })
  assert.ok(ajv.validate(topAnswer, answer), ajv.errorsText())
  assert.equal(answer.rows.length, truth.size)
  for (const row of answer.rows) {
    const key = JSON.stringify(by.map((name) => row[name]))
    assertMetrics(row, truth.get(key) as Row[], key)
  }
  assertOrdered(
    answer.rows.map((row) => row['total'] as number),
    true,
  )
  assertMetrics(answer.totals as Row, rows, 'totals')
  assert.equal(answer.totals.groups, truth.size)
  const few = await river.get<TopAnswer>('/api/top', { ...range, by, limit: 3 })
  assert.deepEqual(few.rows, answer.rows.slice(0, 3))
  assert.deepEqual(few.totals, answer.totals)
})

test('top: both ends by one name, null groups, filters, other orders, nothing at all', async () => {
  const both = await river.get<TopAnswer>('/api/top', { ...range, by: 'process', limit: 100 })
  assert.equal(both.rows.length, grouped(rows, ['src_process', 'dst_process']).size)
  const uids = await river.get<TopAnswer>('/api/top', { ...range, by: 'src_uid', order: '-opened' })
  assert.deepEqual(
    uids.rows.map((row) => row['src_uid']),
    [1000, null],
  )
  const some = rows.filter((row) => row['dst_port'] === 443 && row['node'] === 'node-a')
  const filtered = await river.get<TopAnswer>('/api/top', {
    ...range,
    by: 'src_address',
    order: 'src_address',
    dst_port: 443,
    node: 'node-a',
  })
  assertMetrics(filtered.totals as Row, some, 'filtered')
  assert.equal(filtered.totals.groups, grouped(some, ['src_address']).size)
  const none = await river.get<TopAnswer>('/api/top', { ...range, by: 'node', src_unit: 'none' })
  assert.deepEqual([none.rows, none.totals.groups, none.totals['bytes']], [[], 0, 0])
  for (const by of [
    'connection_id',
    'src_address',
    'direction_known',
    'community_id',
    'src_cgroup_id',
  ]) {
    const answer = await river.get<TopAnswer>('/api/top', { ...range, by, limit: 10_000 })
    const found = by === 'community_id' ? answer.totals.groups : grouped(rows, [by]).size
    assert.equal(answer.rows.length, found, by)
  }
})

const stepOf = (row: Row, seconds: number) => {
  const time = Date.parse(`${row['time']}`)
  return `${new Date(time - (time % (seconds * 1000))).toISOString().slice(0, 19)}.000000000Z`
}

test('series: each step has the metrics of its rows, and steps without rows are absent', async () => {
  const answer = await river.get<SeriesAnswer>('/api/series', { ...range, step: '5s' })
  assert.ok(ajv.validate(seriesAnswer, answer), ajv.errorsText())
  const truth = Map.groupBy(rows, (row) => stepOf(row, 5))
  assert.deepEqual(
    answer.rows.map((row) => row['time']),
    [...truth.keys()].toSorted(),
  )
  for (const row of answer.rows)
    assertMetrics(row, truth.get(`${row['time']}`) as Row[], `${row['time']}`)
  const automatic = await river.get<SeriesAnswer>('/api/series', range)
  assert.equal(automatic.step_seconds, 5, 'no shorter than the interval of the agents')
})

test('series by group: the 8 largest apart, the rest as other, together the whole', async () => {
  const by = ['src_process', 'src_uid']
  const truth = [...grouped(rows, by)].toSorted(
    ([, a], [, b]) => (metricsOf(b)['total'] as number) - (metricsOf(a)['total'] as number),
  )
  assert.ok(truth.length > 8)
  const apart = new Set(truth.slice(0, 8).map(([key]) => key))
  const answer = await river.get<SeriesAnswer>('/api/series', { ...range, step: '1m', by })
  assert.ok(ajv.validate(seriesAnswer, answer), ajv.errorsText())
  const keyOf = (row: Row) => JSON.stringify(by.map((name) => row[name]))
  const parts = Map.groupBy(rows, (row) => {
    const key = keyOf(row)
    return `${stepOf(row, 60)} ${apart.has(key) ? key : 'other'}`
  })
  const found = answer.rows.map((row) => `${row['time']} ${row['other'] ? 'other' : keyOf(row)}`)
  assert.deepEqual(found.toSorted(), [...parts.keys()].toSorted())
  for (const [i, key] of found.entries()) {
    assertMetrics(answer.rows[i] as Row, parts.get(key) as Row[], key)
  }
  for (const row of answer.rows) if (row['other']) assert.equal(row['src_process'], null)
})

test('totals of the range: top, series and the sum of its steps are one number, wherever the range cuts', async () => {
  const additive = ['bytes', 'packets', 'reverse_bytes', 'reverse_packets', 'opened', 'failed']
  for (const [fromS, toS, step] of [
    [0, 1200, '1m'],
    [17, 1111, '1m'],
    [61, 119, '5m'],
    [601, 602, '1m'],
  ] as const) {
    const fromNs = beginNs + BigInt(fromS) * second
    const toNs = beginNs + BigInt(toS) * second
    const cut = { from: rfc3339(fromNs), to: rfc3339(toNs) }
    const about = `${fromS} to ${toS} by ${step}`
    const inside = rows.filter((row) => {
      const time = `${row['time']}`
      return time >= cut.from && time < cut.to
    })
    const top = await river.get<TopAnswer>('/api/top', { ...cut, by: 'dst_port', limit: 10_000 })
    const plain = await river.get<SeriesAnswer>('/api/series', { ...cut, step })
    const grouped = await river.get<SeriesAnswer>('/api/series', { ...cut, step, by: 'dst_port' })
    const { groups: _, folded_ports: __, ...topTotals } = top.totals as Row
    assertMetrics(topTotals, inside, about)
    assert.deepEqual(plain.totals, topTotals, about)
    assert.deepEqual(grouped.totals, topTotals, about)
    for (const name of additive) {
      assert.equal(sum(top.rows, name), topTotals[name], `groups: ${name} of ${about}`)
      assert.equal(sum(plain.rows, name), topTotals[name], `steps: ${name} of ${about}`)
      assert.equal(sum(grouped.rows, name), topTotals[name], `grouped steps: ${name} of ${about}`)
    }
    for (const { time, partial } of [...plain.coverage.steps, ...plain.rows, ...grouped.rows]) {
      const stepBegin = BigInt(Date.parse(`${time}`)) * 1_000_000n
      const whole = stepBegin >= fromNs && stepBegin + BigInt(plain.step_seconds) * second <= toNs
      assert.equal(partial === true, !whole, `${time} of ${about}`)
    }
  }
})

test('a range without rows has totals of nothing, not no totals', async () => {
  const empty = { ...range, src_unit: 'none' }
  const { totals } = await river.get<SeriesAnswer>('/api/series', empty)
  const top = await river.get<TopAnswer>('/api/top', { ...empty, by: 'node' })
  const { groups: _, folded_ports: __, ...topTotals } = top.totals as Row
  assert.deepEqual(totals, topTotals)
  assert.deepEqual([totals['bytes'], totals['rtt_p50_ns']], [0, null])
})

test('metrics: only those that are asked for, in whatever order the groups are', async () => {
  const by = 'src_process'
  const all = await river.get<TopAnswer>('/api/top', { ...range, by, order: '-failed' })
  const few = await river.get<TopAnswer>('/api/top', {
    ...range,
    by,
    order: '-failed',
    metrics: ['total', 'bytes'],
  })
  assert.ok(ajv.validate(topAnswer, few), ajv.errorsText())
  const bare = ({ src_process, bytes, total }: Row) => ({ src_process, bytes, total })
  assert.deepEqual(few.rows, all.rows.map(bare))
  assert.deepEqual(Object.keys(few.totals), ['groups', 'folded_ports', 'bytes', 'total'])
  for (const grouping of [[], [by]]) {
    const parameters = { ...range, by: grouping, metrics: 'opened', step: '5m' }
    const series = await river.get<SeriesAnswer>('/api/series', parameters)
    assert.ok(ajv.validate(seriesAnswer, series), ajv.errorsText())
    assert.deepEqual(series.totals, { opened: all.totals['opened'] })
    assert.equal(sum(series.rows, 'opened'), all.totals['opened'])
    assert.ok(series.rows.every((row) => !('bytes' in row)))
  }
})
