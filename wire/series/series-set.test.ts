// Rows → series: exact sums whatever the bound, both directions, no counter that goes back.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Family, metricsOf } from '../../common/exposition/mod.ts'
import { appendRow, type RowValues } from '../model/append.ts'
import { createBatch } from '../model/columns.ts'
import { eventTable } from '../model/event-fields.ts'
import { labelNames, labelsDefault } from '../model/exported-labels.ts'
import { exportedMetrics, metricsOfDialect, sidecarMetrics } from '../model/exported-metrics.ts'
import type { Table } from '../model/field.ts'
import { flowTable } from '../model/flow-fields.ts'
import { createSeriesSet, type SeriesConfig } from './series-set.ts'

const minute = 60_000
const flow = { view: 'socket', observer: 'both', counted: true, protocol: 'tcp' }
const from = (name: string) => ({ src_workload: name, dst_workload: 'server' })

function batchOf(rows: readonly RowValues[], table: Table = flowTable) {
  const batch = createBatch(table, Math.max(rows.length, 1))
  for (const row of rows) appendRow(batch, row)
  return batch
}

function setOf(config: Partial<SeriesConfig> = {}) {
  return createSeriesSet({
    metrics: metricsOfDialect('obi'),
    dialect: 'obi',
    labels: labelsDefault,
    seriesMax: 100,
    expiryMs: 60 * minute,
    ...config,
  })
}

/** Lines of samples by their name and labels. */
function scrape(families: Iterable<Family>): ReadonlyMap<string, number> {
  const lines = metricsOf([...families]).text.split('\n')
  const samples = lines.filter((line) => line !== '' && !line.startsWith('#'))
  return new Map(
    samples.map((line) => {
      const space = line.lastIndexOf(' ')
      return [line.slice(0, space), Number(line.slice(space + 1))]
    }),
  )
}

function sumOf(samples: ReadonlyMap<string, number>, name: string): number {
  let sum = 0
  for (const [key, value] of samples) if (key.startsWith(`${name}{`)) sum += value
  return sum
}

test('a new series is shown as 0 once, so that its first bytes are an increase', () => {
  const set = setOf()
  set.take(batchOf([{ ...flow, ...from('a'), bytes: 70, reverse_bytes: 30 }]), 0)
  const key =
    'obi_network_flow_bytes_total{k8s_src_owner_name="a",k8s_dst_owner_name="server",direction="request"}'
  assert.equal(scrape(set.families(1)).get(key), 0)
  assert.equal(scrape(set.families(2)).get(key), 70)
})

test('both directions are series of their own, labelled by who sent', () => {
  const set = setOf({ labels: ['src_workload', 'server_port'] })
  set.take(batchOf([{ ...flow, ...from('a'), dst_port: 80, bytes: 70, reverse_bytes: 30 }]), 0)
  scrape(set.families(0))
  const samples = scrape(set.families(0))
  const name = 'obi_network_flow_bytes_total'
  assert.equal(
    samples.get(`${name}{k8s_src_owner_name="a",server_port="80",direction="request"}`),
    70,
  )
  assert.equal(
    samples.get(`${name}{k8s_src_owner_name="server",server_port="80",direction="response"}`),
    30,
  )
})

test('rows that another node counts add nothing', () => {
  const set = setOf()
  set.take(batchOf([{ ...flow, ...from('a'), counted: false, bytes: 70 }]), 0)
  assert.equal(
    [...scrape(set.families(0)).keys()].some((key) => key.startsWith('obi_')),
    false,
  )
})

test('beyond the budget the rest is one series, and the sum stays exact', () => {
  const set = setOf({ seriesMax: 3 })
  for (let index = 0; index < 10; index++) {
    set.take(batchOf([{ ...flow, ...from(`w${index}`), bytes: 10 + index }]), 0)
  }
  scrape(set.families(0))
  const samples = scrape(set.families(0))
  const name = 'obi_network_flow_bytes_total'
  assert.equal(sumOf(samples, name), 145)
  assert.equal([...samples.keys()].filter((key) => key.startsWith(name)).length, 4)
  assert.ok(
    samples.has(
      `${name}{${['src', 'dst'].flatMap((side) => ['namespace', 'owner_name'].map((label) => `k8s_${side}_${label}="other"`)).join()}}`,
    ),
  )
  assert.equal(samples.get(`weir_metrics_folded_label_sets{family="${name}"}`), 7)
})

test('a label set that grows gets a series of its own; no counter goes back; with what retired the sum is exact', () => {
  const set = setOf({ seriesMax: 2 })
  const last = new Map<string, number>()
  let added = 0
  for (let step = 0; step < 40; step++) {
    const rows = Array.from({ length: 6 }, (_, index) => {
      const bytes = index === 5 && step > 10 ? 10_000 : 10 + index
      added += bytes
      return { ...flow, ...from(`w${index}`), bytes }
    })
    set.take(batchOf(rows), step * 15_000)
    const samples = scrape(set.families(step * 15_000))
    for (const [key, value] of samples) {
      if (!key.includes('_total')) continue
      assert.ok(value >= (last.get(key) ?? 0), `${key} went from ${last.get(key)} to ${value}`)
      last.set(key, value)
    }
  }
  const samples = scrape(set.families(40 * 15_000))
  const name = 'obi_network_flow_bytes_total'
  const own = [...samples.keys()].filter((key) => key.startsWith(name) && key.includes('"w5"'))
  assert.equal(own.length, 1)
  const retired = samples.get(`weir_metrics_retired_values_total{family="${name}"}`) ?? 0
  assert.ok(retired > 0)
  assert.equal(sumOf(samples, name) + retired, added)
})

test('an idle series goes after its expiry, and is counted', () => {
  const set = setOf({ expiryMs: 10 * minute })
  set.take(batchOf([{ ...flow, ...from('a'), bytes: 5 }]), 0)
  const name = 'obi_network_flow_bytes_total'
  assert.equal(scrape(set.families(9 * minute)).has(`weir_metrics_series{family="${name}"}`), true)
  const samples = scrape(set.families(11 * minute))
  assert.equal(sumOf(samples, name), 0)
  assert.equal(samples.get(`weir_metrics_retired_values_total{family="${name}"}`), 5)
})

test('a failed connect is counted by its errno, a round trip is observed in its bucket', () => {
  const set = setOf({ labels: [] })
  set.take(
    batchOf([
      { ...flow, end_reason: 'refused', errno: 'ECONNREFUSED', end: 1n },
      { ...flow, end_reason: 'abandoned', end: 1n },
      { ...flow, rtt_ns: 3_000_000 },
    ]),
    0,
  )
  scrape(set.families(0))
  const samples = scrape(set.families(0))
  const failed = 'obi_stat_tcp_failed_connections_total'
  assert.equal(samples.get(`${failed}{errno="ECONNREFUSED"}`), 1)
  assert.equal(samples.get(`${failed}{errno="abandoned"}`), 1)
  assert.equal(samples.get('obi_stat_tcp_rtt_seconds_bucket{le="0.0025"}'), 0)
  assert.equal(samples.get('obi_stat_tcp_rtt_seconds_bucket{le="0.005"}'), 1)
  assert.equal(samples.get('obi_stat_tcp_rtt_seconds_sum'), 0.003)
})

test('active connections: open, ended, and lost without an end', () => {
  const set = setOf({ labels: [] })
  const open = (id: bigint, end?: bigint) => ({
    ...flow,
    connection_id: id,
    ...(end ? { end } : {}),
  })
  const active = (nowMs: number) =>
    scrape(set.families(nowMs)).get('weir_tcp_active_connections') ?? 0
  set.take(batchOf([open(1n), open(2n), open(3n)]), 0)
  assert.equal(active(0), 3)
  set.take(batchOf([open(1n, 5n), open(2n)]), 100_000)
  assert.equal(active(100_000), 2)
  assert.equal(active(200_000), 1)
})

test('drops by reason and DNS by response code come from events', () => {
  const set = setOf({ labels: [] })
  set.take(
    batchOf(
      [
        { kind: 'drop', reason: 'NO_SOCKET', count: 3, bytes: 180 },
        { kind: 'drop', reason: 'TCP_CSUM', count: 2, bytes: 120 },
        { kind: 'dns', dns_rcode: 'nxdomain', dns_latency_ns: 2_000_000, count: 1 },
      ],
      eventTable,
    ),
    0,
  )
  scrape(set.families(0))
  const samples = scrape(set.families(0))
  assert.equal(samples.get('weir_drop_packets_total{reason="NO_SOCKET"}'), 3)
  assert.equal(samples.get('weir_drop_bytes_total{reason="TCP_CSUM"}'), 120)
  assert.equal(samples.get('weir_dns_lookups_total{rcode="nxdomain"}'), 1)
  assert.equal(samples.get('dns_lookup_duration_seconds_count'), 1)
})

test('sidecar: sent is what the watched process sent, whichever end it is; the age is of the oldest open one', () => {
  const set = setOf({ metrics: sidecarMetrics })
  const second = 1_000_000_000n
  const tuple = { src_address: '10.0.0.1', dst_address: '10.0.0.2', dst_port: 80 }
  const rows = [
    {
      ...flow,
      ...tuple,
      observer: 'src',
      bytes: 7,
      reverse_bytes: 3,
      connection_id: 1n,
      start: 10n * second,
    },
    {
      ...flow,
      ...tuple,
      observer: 'dst',
      bytes: 100,
      reverse_bytes: 50,
      connection_id: 2n,
      start: 20n * second,
    },
  ]
  set.take(batchOf(rows), 30_000)
  scrape(set.families(30_000))
  const labels = '{src_ip="10.0.0.1",dst_ip="10.0.0.2",dst_port="80"}'
  const samples = scrape(set.families(30_000))
  assert.equal(samples.get(`sidecar_connection_bytes_sent_total${labels}`), 57)
  assert.equal(samples.get(`sidecar_connection_bytes_received_total${labels}`), 103)
  assert.equal(samples.get(`sidecar_connection_duration_seconds${labels}`), 20)
  assert.equal(samples.get('sidecar_active_connections'), 2)
  set.take(
    batchOf(rows.map((row) => ({ ...row, bytes: 0, reverse_bytes: 0, end: 40n * second }))),
    40_000,
  )
  const closed = scrape(set.families(50_000))
  assert.equal(closed.get('sidecar_active_connections'), 0)
  assert.equal(
    closed.get(`sidecar_connection_duration_seconds${labels}`),
    20,
    'the last age is kept',
  )
})

test('NetObserv counts a byte where it leaves and where it arrives', () => {
  const set = setOf({ metrics: metricsOfDialect('netobserv'), dialect: 'netobserv' })
  set.take(batchOf([{ ...flow, ...from('a'), observer: 'src', bytes: 70, reverse_bytes: 30 }]), 0)
  scrape(set.families(0))
  const samples = scrape(set.families(0))
  const labels = (src: string, dst: string) =>
    `{SrcK8S_OwnerName="${src}",DstK8S_OwnerName="${dst}"}`
  assert.equal(samples.get(`netobserv_workload_egress_bytes_total${labels('a', 'server')}`), 70)
  assert.equal(samples.get(`netobserv_workload_ingress_bytes_total${labels('server', 'a')}`), 30)
  assert.equal(sumOf(samples, 'netobserv_workload_ingress_bytes_total'), 30)
})

test('the table: names are unlike within a dialect, counters end in _total, every label is a field', () => {
  for (const dialect of ['obi', 'netobserv'] as const) {
    const names = metricsOfDialect(dialect).map(({ name }) => name)
    assert.equal(new Set(names).size, names.length)
  }
  for (const { name, op } of [...exportedMetrics, ...sidecarMetrics]) {
    assert.equal(name.endsWith('_total'), op === 'sum' || op === 'count', name)
  }
  assert.ok(labelNames.includes('src_process') && labelNames.includes('server_port'))
  assert.ok(!labelNames.includes('connection_id') && !labelNames.includes('bytes'))
})

test('packets of interfaces are in no series: they are the bytes of the sockets once more', () => {
  const row = { ...flow, ...from('a'), bytes: 7, packets: 1, opened: 1, connection_id: 9n }
  for (const metrics of [exportedMetrics, sidecarMetrics]) {
    const set = setOf({ metrics })
    set.take(batchOf([{ ...row, view: 'interface', rtt_ns: 5, end_reason: 'refused' }]), 0)
    const values = [...scrape(set.families(1))].filter(([name]) => !name.startsWith('weir_metrics'))
    for (const [name, value] of values) assert.equal(value, 0, name)
    set.take(batchOf([row]), 0)
    assert.ok([...scrape(set.families(1)).values()].some((value) => value > 0))
  }
})
