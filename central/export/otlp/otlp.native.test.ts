// The real OpenTelemetry Collector takes what we send and writes it to a file. Its own decoder is the oracle: every span and every sum is compared with the rows.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { createServer as createHttp2Server } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { until } from '../../../common/until.fake.ts'
import { tableNamed } from '../../../wire/mod.ts'
import type { ExportConfig } from '../config.ts'
import { createExportsFake, flowRows } from '../rows.fake.ts'
import {
  type Attributed,
  type Collector,
  createCollector,
  noCollector,
  plain,
  spansOf,
} from './collector.fake.ts'

const skip = noCollector
const rounds = Number(process.env['WEIR_EXPORT_ROUNDS'] ?? 3)
const folder = mkdtempSync(join(tmpdir(), 'weir-otlp-'))
after(() => rmSync(folder, { recursive: true, force: true }))

/** All points of a metric, in the order in which they came. */
function pointsOf(collector: Collector, name: string, temporality: 1 | 2) {
  const sums = collector.lines().flatMap(({ resourceMetrics = [] }) =>
    resourceMetrics
      .flatMap(({ scopeMetrics }) => scopeMetrics.flatMap(({ metrics }) => metrics))
      .filter((metric) => metric.name === name)
      .map(({ sum }) => sum),
  )
  for (const { isMonotonic, aggregationTemporality } of sums) {
    assert.deepEqual([isMonotonic, aggregationTemporality], [true, temporality])
  }
  return sums.flatMap(({ dataPoints }) => dataPoints)
}

/** The newest point of each series. */
function sumsOf(collector: Collector, name: string): Map<string, number> {
  const points = pointsOf(collector, name, 2)
  return new Map(points.map((point) => [JSON.stringify(plain(point)), Number(point.asInt)]))
}

const start = 1_764_374_400_123_456_789n
const ended = { start, end: start + 2_000_000_001n, end_reason: 'closed', total_bytes: 2 ** 52 + 1 }

for (const protocol of ['grpc', 'http/protobuf'] as const) {
  for (const compression of protocol === 'grpc' ? ['gzip'] : ['zstd', 'none']) {
    test(`${protocol}, ${compression}: spans, sums and logs are what the rows say`, {
      skip,
    }, async () => {
      const collector = await createCollector(
        join(folder, `${protocol.replace('/', '-')}-${compression}`),
      )
      await collector.start()
      const endpoint = protocol === 'grpc' ? collector.grpc : collector.http
      const config: ExportConfig = {
        name: 'otlp',
        kind: 'otlp',
        endpoint,
        options: { protocol, compression },
      }
      const fake = createExportsFake(mkdtempSync(join(folder, 'data-')), [config])
      await fake.start()
      const pods = { src_pod: 'cart-0', dst_pod: 'db-0' }
      const refused = { errno: 'ECONNREFUSED', end_reason: 'refused', src_process: 'cürl' }
      const failed = { ...ended, ...refused, ...pods }
      await fake.append([...flowRows(1, 3, ended), ...flowRows(4, 1, failed), ...flowRows(5, 2)])
      await until('the rows', () => fake.exports.list()[0]?.rows === 6)
      await fake.stop()
      await collector.stop('SIGTERM')

      const spans = spansOf(collector).toSorted((a, b) => (a.spanId < b.spanId ? -1 : 1))
      assert.equal(spans.length, 4)
      const [first] = spans
      const last = spans.at(-1)
      assert.equal(first?.spanId, '8000000000000001')
      assert.equal(first?.traceId, '80000000000000018000000000000001')
      assert.equal(first?.name, 'tcp db:443')
      assert.equal(first?.kind, 3)
      assert.equal(first?.startTimeUnixNano, String(start))
      assert.equal(first?.endTimeUnixNano, String(ended.end))
      assert.deepEqual(first?.resource, { 'service.name': 'shop-1', 'host.name': 'node-a' })
      const attributes = plain(first as Attributed)
      assert.equal(attributes['client.address'], '10.0.0.1')
      assert.equal(attributes['client.port'], 1025)
      assert.equal(attributes['server.port'], 443)
      assert.equal(attributes['weir.connection.bytes'], 2 ** 52 + 1)
      assert.deepEqual(last?.status, { code: 2, message: 'ECONNREFUSED' })
      const { 'process.executable.name': name, 'weir.destination.pod': pod } = plain(
        last as Attributed,
      )
      assert.deepEqual([name, pod, last?.resource['k8s.pod.name']], ['cürl', 'db-0', 'cart-0'])
      assert.equal(attributes['weir.destination.pod'], undefined, 'an empty name is left out')

      const bytes = sumsOf(collector, 'obi.network.flow.bytes')
      const there = JSON.stringify({ 'k8s.src.owner.name': 'shop-1', 'k8s.dst.owner.name': 'db' })
      const back = JSON.stringify({ 'k8s.src.owner.name': 'db', 'k8s.dst.owner.name': 'shop-1' })
      assert.equal(bytes.get(there), 3)
      assert.equal(bytes.get(back), 1)
      assert.equal(
        [...bytes.values()].reduce((sum, one) => sum + one, 0),
        48 + 21,
      )
    })
  }
}

test('events are log records with every field that has a value', { skip }, async () => {
  const table = tableNamed('events')
  assert.ok(table)
  const collector = await createCollector(join(folder, 'logs'))
  await collector.start()
  const config: ExportConfig = {
    name: 'logs',
    kind: 'otlp',
    endpoint: collector.grpc,
    tables: ['events'],
  }
  const fake = createExportsFake(join(folder, 'logs'), [config], { table })
  await fake.start()
  const event = {
    time: start,
    node: 'node-a',
    kind: 'drop',
    count: 7,
    reason: 'NO_SOCKET',
    src_port: 1,
  }
  await fake.append([{ ...event, src_address: '10.0.0.1', dst_address: '2001:db8::2' }])
  await until('the row', () => fake.exports.list()[0]?.lag_rows === 0)
  await fake.stop()
  await collector.stop('SIGTERM')
  const [record, ...more] = collector
    .lines()
    .flatMap(({ resourceLogs = [] }) =>
      resourceLogs.flatMap((one) => one.scopeLogs.flatMap((scope) => scope.logRecords)),
    )
  assert.ok(record)
  assert.deepEqual(more, [])
  assert.equal(record.timeUnixNano, String(start))
  assert.equal(record.body.stringValue, 'drop')
  const { 'weir.reason': reason, 'weir.count': count, 'weir.dst_address': dst } = plain(record)
  assert.deepEqual({ reason, count, dst }, { reason: 'NO_SOCKET', count: 7, dst: '2001:db8::2' })
})

test('the older dialect has its names, ports are integers', { skip }, async () => {
  const collector = await createCollector(join(folder, 'dialect'))
  await collector.start()
  const options = { dialect: 'ebpf_receiver', signals: 'traces' }
  const config: ExportConfig = { name: 'old', kind: 'otlp', endpoint: collector.grpc, options }
  const fake = createExportsFake(join(folder, 'dialect'), [config])
  await fake.start()
  await fake.append(flowRows(1, 1, ended))
  await until('the row', () => fake.exports.list()[0]?.rows === 1)
  await fake.stop()
  await collector.stop('SIGTERM')
  assert.deepEqual(plain(spansOf(collector)[0] as Attributed), {
    'src.ip': '10.0.0.1',
    'dest.ip': '10.9.0.1',
    'src.port': 1025,
    'dest.port': 443,
    direction: 'egress',
    'k8s.pod.ip': '10.0.0.1',
  })
})

test(`a collector that is stopped ${rounds} times has every span, and what came twice is marked`, {
  skip,
  timeout: 60_000 * rounds,
}, async () => {
  const collector = await createCollector(join(folder, 'killed'))
  const options = { signals: 'traces' }
  const config: ExportConfig = {
    name: 'killed',
    kind: 'otlp',
    endpoint: collector.grpc,
    options,
    batchRows: 100,
    retryMaxMs: 100,
  }
  const fake = createExportsFake(join(folder, 'killed'), [config])
  await fake.start()
  let rows = 0
  for (let round = 0; round < rounds; round++) {
    await collector.start()
    for (let part = 0; part < 6; part++) {
      await fake.append(flowRows(rows, 200, ended))
      rows += 200
      if (part === 3) await collector.stop('SIGTERM')
    }
  }
  await collector.start()
  await until('no lag', () => fake.exports.list()[0]?.lag_rows === 0, 60_000)
  await fake.stop()
  await collector.stop('SIGTERM')
  const spans = spansOf(collector)
  assert.equal(new Set(spans.map(({ spanId }) => spanId)).size, rows)
  const unmarked = spans.filter(({ resource }) => resource['weir.repeated'] === undefined)
  assert.equal(new Set(unmarked.map(({ spanId }) => spanId)).size, unmarked.length)
})

test('delta sums add up to the rows, and each begins where the one before ended', {
  skip,
}, async () => {
  const collector = await createCollector(join(folder, 'delta'))
  await collector.start()
  const options = { signals: 'metrics', temporality: 'delta' }
  const config: ExportConfig = {
    name: 'delta',
    kind: 'otlp',
    endpoint: collector.grpc,
    options,
    batchRows: 50,
  }
  const fake = createExportsFake(join(folder, 'delta'), [config])
  await fake.start()
  await fake.append(flowRows(0, 120))
  await until('the rows', () => fake.exports.list()[0]?.rows === 120)
  await fake.stop()
  await collector.stop('SIGTERM')
  const points = pointsOf(collector, 'obi.network.flow.bytes', 1)
  const sum = points.reduce((total, point) => total + Number(point.asInt), 0)
  const forth = 120 * 120
  const back = (120 * 119) / 2
  assert.equal(sum, forth + back)
  const times = [...new Set(points.map((one) => `${one.startTimeUnixNano} ${one.timeUnixNano}`))]
  const intervals = times.map((text) => text.split(' ').map(BigInt)).toSorted(byBegin)
  assert.equal(intervals.length, 3)
  for (const [index, [begin]] of intervals.entries()) {
    if (index > 0) assert.equal(begin, intervals[index - 1]?.[1])
  }
})

const byBegin = ([a = 0n]: bigint[], [b = 0n]: bigint[]) => (a < b ? -1 : 1)

for (const protocol of ['grpc', 'http/protobuf'] as const) {
  test(`${protocol}: rows of a partial success are counted as lost, and not sent again`, async () => {
    // ExportTraceServiceResponse { partial_success { rejected_spans: 3, error_message: "odd" } }
    const message = Buffer.from([0x0a, 0x07, 0x08, 0x03, 0x12, 0x03, ...Buffer.from('odd')])
    const receiver = await answering(protocol, message)
    const options = { protocol, signals: 'traces' }
    const config: ExportConfig = { name: 'part', kind: 'otlp', endpoint: receiver.url, options }
    const fake = createExportsFake(mkdtempSync(join(folder, 'partial-')), [config])
    await fake.start()
    await fake.append(flowRows(0, 10, ended))
    await until('they are dealt with', () => fake.exports.list()[0]?.lag_rows === 0)
    await fake.stop()
    receiver.close()
    const [status] = fake.exports.list()
    assert.deepEqual([status?.rows, status?.lost_rows, status?.state], [7, 3, 'ok'])
    assert.match(String(status?.last_error), /3 .*odd/)
    assert.equal(receiver.requests(), 1)
  })
}

/** A receiver that gives every request the same answer. */
async function answering(protocol: 'grpc' | 'http/protobuf', message: Buffer) {
  let requests = 0
  const server = protocol === 'grpc' ? answeringGrpc(message) : answeringHttp(message)
  server.on(protocol === 'grpc' ? 'stream' : 'request', () => {
    requests++
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const url = `http://127.0.0.1:${port}`
  return { url, requests: () => requests, close: () => void server.close() }
}

function answeringHttp(message: Buffer) {
  return createServer((request, response) => {
    request.resume()
    request.once('end', () => response.end(message))
  })
}

function answeringGrpc(message: Buffer) {
  const head = Buffer.alloc(5)
  head.writeUInt32BE(message.length, 1)
  const server = createHttp2Server()
  server.on('stream', (stream) => {
    stream.resume()
    stream.once('end', () => {
      stream.respond({ 'content-type': 'application/grpc' }, { waitForTrailers: true })
      stream.once('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
      stream.end(Buffer.concat([head, message]))
    })
  })
  return server
}
