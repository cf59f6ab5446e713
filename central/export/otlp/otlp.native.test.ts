// The real OpenTelemetry Collector takes what we send and writes it to a file. It is built from Go modules by
// tools/ready.mjs (test/programs/otelcol), where Go is to be had.
// Its own decoder is the oracle: every span and every sum is compared with the rows.

import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { tableNamed } from '../../../wire/mod.ts'
import { until } from '../../ingest/agent.fake.ts'
import type { ExportConfig } from '../config.ts'
import { freePort } from '../postgresql/cluster.fake.ts'
import { createExportsFake, flowRows } from '../rows.fake.ts'

const program = fileURLToPath(new URL('../../../build/otelcol', import.meta.url))
const skip = !existsSync(program) && 'the collector is not built: npm run setup (needs Go)'
const rounds = Number(process.env['WEIR_EXPORT_ROUNDS'] ?? 3)
const folder = mkdtempSync(join(tmpdir(), 'weir-otlp-'))
after(() => rmSync(folder, { recursive: true, force: true }))

interface Value {
  readonly stringValue?: string
  readonly intValue?: string
  readonly boolValue?: boolean
}
interface Attributed {
  readonly attributes?: readonly { readonly key: string; readonly value: Value }[]
}
interface Span extends Attributed {
  readonly traceId: string
  readonly spanId: string
  readonly name: string
  readonly kind: number
  readonly startTimeUnixNano: string
  readonly endTimeUnixNano: string
  readonly status?: { readonly code?: number; readonly message?: string }
}
interface Point extends Attributed {
  readonly asInt: string
  readonly startTimeUnixNano: string
  readonly timeUnixNano: string
}
interface Line {
  readonly resourceSpans?: { resource: Attributed; scopeSpans: { spans: Span[] }[] }[]
  readonly resourceMetrics?: {
    scopeMetrics: {
      metrics: {
        name: string
        sum: { dataPoints: Point[]; isMonotonic: boolean; aggregationTemporality: number }
      }[]
    }[]
  }[]
  readonly resourceLogs?: {
    scopeLogs: { logRecords: (Attributed & { body: Value; timeUnixNano: string })[] }[]
  }[]
}

interface Collector {
  readonly grpc: string
  readonly http: string
  start(): Promise<void>
  stop(signal: NodeJS.Signals): Promise<void>
  lines(): readonly Line[]
}

async function createCollector(name: string): Promise<Collector> {
  const [grpc, http] = [await freePort(), await freePort()]
  const out = join(folder, `${name}.json`)
  const config = join(folder, `${name}.yaml`)
  writeFileSync(
    config,
    `receivers: { otlp: { protocols: { grpc: { endpoint: "127.0.0.1:${grpc}" }, http: { endpoint: "127.0.0.1:${http}" } } } }
exporters: { file: { path: "${out}", append: true, flush_interval: 10ms } }
service:
  telemetry: { metrics: { level: none }, logs: { level: error } }
  pipelines:
    traces: { receivers: [otlp], exporters: [file] }
    metrics: { receivers: [otlp], exporters: [file] }
    logs: { receivers: [otlp], exporters: [file] }
`,
  )
  let child: ChildProcess | undefined

  async function start(): Promise<void> {
    const process = spawn(program, ['--config', config], { stdio: ['ignore', 'ignore', 'inherit'] })
    child = process
    for (const port of [grpc, http]) {
      while (!(await isListening(port))) {
        assert.equal(process.exitCode, null, 'the collector ended')
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    }
  }

  async function stop(signal: NodeJS.Signals): Promise<void> {
    if (!child) return
    const ended = once(child, 'exit')
    child.kill(signal)
    await ended
    child = undefined
  }

  /** A line that a killed collector broke off is none. */
  function lines(): readonly Line[] {
    if (!existsSync(out)) return []
    return readFileSync(out, 'utf8')
      .split('\n')
      .flatMap((line) => {
        try {
          return [JSON.parse(line) as Line]
        } catch {
          return []
        }
      })
  }

  return { grpc: `http://127.0.0.1:${grpc}`, http: `http://127.0.0.1:${http}`, start, stop, lines }
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}

const spansOf = (collector: Collector) =>
  collector
    .lines()
    .flatMap(({ resourceSpans = [] }) =>
      resourceSpans.flatMap(({ resource, scopeSpans }) =>
        scopeSpans.flatMap(({ spans }) =>
          spans.map((span) => ({ ...span, resource: plain(resource) })),
        ),
      ),
    )

/** The newest point of each series. */
function sumsOf(collector: Collector, name: string): Map<string, number> {
  const sums = new Map<string, number>()
  for (const { resourceMetrics = [] } of collector.lines()) {
    const all = resourceMetrics.flatMap(({ scopeMetrics }) =>
      scopeMetrics.flatMap(({ metrics }) => metrics),
    )
    for (const { sum } of all.filter((metric) => metric.name === name)) {
      assert.equal(sum.isMonotonic, true)
      assert.equal(sum.aggregationTemporality, 2)
      for (const point of sum.dataPoints)
        sums.set(JSON.stringify(plain(point)), Number(point.asInt))
    }
  }
  return sums
}

function plain({ attributes = [] }: Attributed): Record<string, string | number | boolean> {
  return Object.fromEntries(
    attributes.map(({ key, value }) => [
      key,
      value.stringValue ?? value.boolValue ?? Number(value.intValue),
    ]),
  )
}

const start = 1_764_374_400_123_456_789n
const ended = { start, end: start + 2_000_000_001n, end_reason: 'closed', total_bytes: 2 ** 52 + 1 }

for (const protocol of ['grpc', 'http/protobuf'] as const) {
  for (const compression of protocol === 'grpc' ? ['gzip'] : ['zstd', 'none']) {
    test(`${protocol}, ${compression}: spans, sums and logs are what the rows say`, {
      skip,
    }, async () => {
      const collector = await createCollector(`${protocol.replace('/', '-')}-${compression}`)
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
      const failed = { ...ended, errno: 'ECONNREFUSED', end_reason: 'refused', src_process: 'cürl' }
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
      assert.equal(plain(last as Attributed)['process.executable.name'], 'cürl')

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
  const collector = await createCollector('logs')
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
  const collector = await createCollector('dialect')
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
  const collector = await createCollector('killed')
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
