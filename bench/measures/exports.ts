// What exports cost: rows a second from the journal to the receiver, and CPU seconds of this process per million rows.

import { createSocket } from 'node:dgram'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { ExportConfig } from '../../central/export/config.ts'
import { createBroker, noKafka } from '../../central/export/kafka/broker.fake.ts'
import { createNatsServer, noNats } from '../../central/export/nats/server.fake.ts'
import { createCluster, noPostgres } from '../../central/export/postgresql/cluster.fake.ts'
import { blocksOf, createExportsFake, flowRows } from '../../central/export/rows.fake.ts'
import { createReporter } from '../../common/reporter/mod.ts'
import { createStore, type Store } from '../../store/mod.ts'
import { flowTable } from '../../wire/mod.ts'
import type { Finding, Measure, Plan } from '../finding.ts'

export const exports: Measure = { name: 'exports', run: measureExports }

/** A receiver while its export is measured. */
interface Receiving {
  readonly config: Pick<ExportConfig, 'kind' | 'endpoint' | 'options'>
  readonly writeFile?: Store['writeFile']
  stop(): unknown
}

interface Receiver {
  readonly name: string
  /** Why it cannot be measured here; false when it can. */
  readonly missing: string | false
  readonly start: () => Promise<Receiving>
}

async function measureExports({ quick }: Plan): Promise<readonly Finding[]> {
  const rows = quick ? 2_000 : 200_000
  const findings: Finding[] = []
  for (const { name, missing, start } of receivers) {
    if (missing !== false) {
      findings.push({ what: `${name}: not measured`, value: missing })
      continue
    }
    const receiving = await start()
    try {
      findings.push(...(await measure({ name, ...receiving.config }, rows, receiving.writeFile)))
    } finally {
      await receiving.stop()
    }
  }
  return findings
}

const receivers: readonly Receiver[] = [
  { name: 'postgresql', missing: noPostgres, start: startPostgres },
  { name: 'otlp', missing: false, start: startOtlp },
  { name: 'ipfix', missing: false, start: startIpfix },
  { name: 'ndjson', missing: false, start: () => startFiles('ndjson') },
  { name: 'parquet', missing: false, start: () => startFiles('parquet') },
  { name: 'nats', missing: noNats, start: startNats },
  { name: 'kafka', missing: noKafka, start: () => startKafka('gzip') },
  { name: 'kafka-zstd', missing: noKafka, start: () => startKafka('zstd') },
]

async function startPostgres(): Promise<Receiving> {
  const cluster = await createCluster()
  await cluster.start()
  return { config: { kind: 'postgresql', endpoint: cluster.dsn }, stop: cluster.remove }
}

/** Takes all and looks at nothing: it runs in this process, whose CPU is measured. */
async function startOtlp(): Promise<Receiving> {
  const collector = createServer((request, response) => {
    request.resume().once('end', () => response.end())
  })
  await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve))
  const endpoint = `http://127.0.0.1:${(collector.address() as AddressInfo).port}`
  const options = { protocol: 'http/protobuf', compression: 'none' }
  return { config: { kind: 'otlp', endpoint, options }, stop: () => void collector.close() }
}

async function startIpfix(): Promise<Receiving> {
  const sink = createSocket('udp4')
  await new Promise<void>((resolve) => sink.bind(0, '127.0.0.1', resolve))
  const endpoint = `udp://127.0.0.1:${sink.address().port}`
  return { config: { kind: 'ipfix', endpoint }, stop: () => void sink.close() }
}

/** Parquet is written by the engine, a process of its own. */
async function startFiles(format: 'ndjson' | 'parquet'): Promise<Receiving> {
  const folder = mkdtempSync(join(tmpdir(), 'weir-bench-files-'))
  // Small files: what the engine makes of them is part of the time.
  const options = { format, rotate_size: '8MB' }
  const config = { kind: 'files', endpoint: join(folder, 'files'), options } as const
  const remove = () => rmSync(folder, { recursive: true, force: true })
  if (format === 'ndjson') return { config, stop: remove }
  const reporter = createReporter('bench', { level: 'silent' })
  const store = createStore({ dataDir: join(folder, 'store') }, reporter)
  await store.start()
  const stop = async () => {
    await store.stop()
    remove()
  }
  return { config, writeFile: store.writeFile, stop }
}

async function startNats(): Promise<Receiving> {
  const server = await createNatsServer()
  await server.start()
  return { config: { kind: 'nats', endpoint: server.url }, stop: server.remove }
}

async function startKafka(compression: string): Promise<Receiving> {
  const broker = await createBroker()
  await broker.start()
  const options = { compression }
  return { config: { kind: 'kafka', endpoint: broker.url, options }, stop: broker.remove }
}

async function measure(
  config: ExportConfig,
  rows: number,
  writeFile: Store['writeFile'] | undefined,
): Promise<readonly Finding[]> {
  const folder = mkdtempSync(join(tmpdir(), 'weir-bench-exports-'))
  const end = BigInt(Date.now()) * 1_000_000n
  const segmentRows = Math.min(rows, 20_000)
  const octets = blocksOf(flowTable, flowRows(0, segmentRows, { end, node: 'bench' }), 2_000)
  const segment = { octets, rows: segmentRows, nodeRows: { bench: segmentRows } }
  const fake = createExportsFake(folder, [config], writeFile ? { writeFile } : {})
  try {
    await fake.start()
    await fake.append(flowRows(0, 1))
    while (fake.exports.list()[0]?.rows !== 1) await delay(5)
    const cpu = process.cpuUsage()
    const begun = performance.now()
    for (let count = 0; count < rows; count += segmentRows) {
      await fake.appendFile(segment)
    }
    while ((fake.exports.list()[0]?.rows ?? 0) <= rows) await delay(5)
    const seconds = (performance.now() - begun) / 1000
    const used = process.cpuUsage(cpu)
    const cpuSeconds = (used.user + used.system) / 1e6
    return [
      {
        what: `${config.name}: rows a second, ${rows} rows`,
        value: String(Math.round(rows / seconds)),
      },
      {
        what: `${config.name}: CPU seconds per million rows, this process alone`,
        value: (cpuSeconds / (rows / 1e6)).toFixed(1),
      },
    ]
  } finally {
    await fake.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}
