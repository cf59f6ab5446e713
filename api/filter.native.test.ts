// `filter=` over the real engine: alone, beside parameters, with hostile texts, in every question; what it finds is
// what plain TypeScript finds in the same rows.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { RowsAnswer, SeriesAnswer, TopAnswer } from './contract/mod.ts'
import { type Parameters, range, startKnownRiver } from './known-river.fake.ts'
import { hostileNames, knownFlows, rowsOf } from './known-rows.fake.ts'

type KnownRow = (typeof rows)[number]
const rows = rowsOf(knownFlows())

let river: Awaited<ReturnType<typeof startKnownRiver>>
before(async () => {
  river = await startKnownRiver()
})
after(() => river?.stop())

function flows(parameters: Parameters): Promise<RowsAnswer> {
  return river.get<RowsAnswer>('/api/flows', { ...range, limit: 10_000, ...parameters })
}

/** As many rows, and as many bytes: `packets` is different in every row but two. */
async function finds(parameters: Parameters, keep: (row: KnownRow) => boolean): Promise<void> {
  const wanted = rows.filter(keep)
  assert.ok(wanted.length > 0 && wanted.length < rows.length, 'the test must tell rows apart')
  const { rows: found } = await flows(parameters)
  const numbers = (some: readonly KnownRow[]) =>
    some.map((row) => Number(row['packets'])).toSorted()
  assert.deepEqual(numbers(found), numbers(wanted), JSON.stringify(parameters))
}

test('a filter finds what it says', async () => {
  await finds({ filter: 'dst_port = 443 and bytes > 100kB' }, (row) => {
    return row['dst_port'] === 443 && Number(row['bytes']) > 100_000
  })
  await finds({ filter: 'rtt > 500us or end_reason = refused' }, (row) => {
    return (
      (row['rtt_ns'] !== null && Number(row['rtt_ns']) > 500_000) || row['end_reason'] === 'refused'
    )
  })
  await finds({ filter: 'not rtt >= 0' }, (row) => row['rtt_ns'] === null)
  await finds({ filter: 'address = 10.1.2.0/24' }, (row) =>
    /^10\.1\.2\./.test(`${row['src_address']}`),
  )
  await finds({ filter: 'process ~ "^pos"' }, (row) => row['dst_process'] === 'postgres')
  await finds(
    { filter: 'time < "2026-11-21T06:10:00Z"' },
    (row) => `${row['time']}` < '2026-11-21T06:10',
  )
})

test('a filter and parameters must all hold', async () => {
  await finds({ filter: 'bytes > 100kB or dst_port = 80', dst_port: ['80', '443'] }, (row) => {
    return row['dst_port'] === 80 || (row['dst_port'] === 443 && Number(row['bytes']) > 100_000)
  })
  await finds({ filter: 'pid in (100, 101)', process: 'nginx', node: 'node-a' }, (row) => {
    const pids = [row['src_pid'], row['dst_pid']]
    const isNginx = row['src_process'] === 'nginx' || row['dst_process'] === 'nginx'
    return row['node'] === 'node-a' && isNginx && pids.some((pid) => pid === 100 || pid === 101)
  })
  const { rows: none } = await flows({ filter: 'dst_port = 80', dst_port: 443 })
  assert.deepEqual(none, [])
})

test('hostile texts are values, whatever they look like', async () => {
  for (const name of hostileNames) {
    const quoted = `"${name.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`
    await finds({ filter: `src_process = ${quoted}` }, (row) => row['src_process'] === name)
  }
  const { rows: none } = await flows({ filter: `src_process = "' OR 1=1 --{p0:String}"` })
  assert.deepEqual(none, [])
})

test('groups, steps and rows of one filter have the same sums, and say what they are made of', async () => {
  const filter = 'dst_port in (80, 443) and not process = curl'
  const asked = { ...range, filter, metrics: ['bytes', 'failed'] }
  const [top, series, { rows: found }] = await Promise.all([
    river.get<TopAnswer>('/api/top', { ...asked, by: 'process', order: '-bytes' }),
    river.get<SeriesAnswer>('/api/series', { ...asked, step: '1m' }),
    flows({ filter }),
  ])
  const bytes = found.reduce((sum, row) => sum + Number(row['bytes']), 0)
  assert.ok(bytes > 0)
  assert.equal(top.totals['bytes'], bytes)
  assert.deepEqual(series.totals, { bytes, failed: top.totals['failed'] })
  assert.deepEqual([top.source, series.source], ['rows', 'rows'])
})

test('coverage heeds the nodes of a filter, and nothing else in it', async () => {
  const whole = await flows({})
  const ofNode = await flows({ node: 'node-b' })
  assert.notDeepEqual(ofNode.coverage, whole.coverage)
  for (const filter of ['node = node-b', 'dst_port = 80 and (node = node-b) and bytes > 1kB']) {
    assert.deepEqual((await flows({ filter })).coverage, ofNode.coverage, filter)
  }
  const series = await river.get<SeriesAnswer>('/api/series', { ...range, filter: 'node = node-b' })
  assert.deepEqual(series.coverage.lost, ofNode.coverage.lost)
  for (const filter of ['dst_port = 80', 'node = node-b or dst_port = 80']) {
    assert.deepEqual((await flows({ filter })).coverage, whole.coverage, filter)
  }
})

test('pages of a filter with a relative time are those of one moment', async () => {
  const asked = { ...range, filter: 'time > -10m', order: 'bytes' }
  const { rows: all } = await flows(asked)
  const found: KnownRow[] = []
  let cursor: string | null = null
  do {
    const page: Parameters = cursor === null ? {} : { cursor }
    const answer: RowsAnswer = await flows({ ...asked, limit: 97, ...page })
    found.push(...answer.rows)
    cursor = answer.next
  } while (cursor !== null)
  assert.ok(all.length > 97 && all.length < rows.length)
  assert.deepEqual(found, all)
})
