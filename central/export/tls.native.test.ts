// TLS to every receiver that has it, with a CA of our own: a certificate of another CA or for another host is refused
// with an error that says so, the right one is taken, and no row is lost meanwhile.

import assert from 'node:assert/strict'
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { createServer as createTlsServer } from 'node:tls'
import { until } from '../../common/until.fake.ts'
import {
  type Certificates,
  keyOfPostgres,
  makeCertificates,
  noOpenssl,
} from './certificates.fake.ts'
import type { ExportConfig } from './config.ts'
import { createBroker, noKafka } from './kafka/broker.fake.ts'
import { createNatsServer, noNats } from './nats/server.fake.ts'
import { createCollector, noCollector, spansOf } from './otlp/collector.fake.ts'
import { createCluster, noPostgres } from './postgresql/cluster.fake.ts'
import { createExportsFake, flowRows } from './rows.fake.ts'

const folder = mkdtempSync(join(tmpdir(), 'weir-export-tls-'))
// PostgreSQL's own user reads certificates in it.
chmodSync(folder, 0o755)
after(() => rmSync(folder, { recursive: true, force: true }))
const certificates: Certificates | undefined = noOpenssl ? undefined : makeCertificates(folder)
const { ca, otherCa, cert, key, both } = certificates ?? ({} as Certificates)

interface Case {
  readonly name: string
  readonly skip: string | false
  readonly start: () => Promise<Receiver>
}

/** A receiver on loopback, whose certificate is for 127.0.0.1 alone. */
interface Receiver {
  readonly config: (host: string) => Omit<ExportConfig, 'name'>
  /** Rows that it has. */
  readonly count: () => number | Promise<number>
  readonly remove: () => void | Promise<void>
}

const cases: readonly Case[] = [
  { name: 'postgresql', skip: noPostgres, start: postgresql },
  { name: 'otlp over gRPC', skip: noCollector, start: () => otlp('grpc') },
  { name: 'otlp over HTTP', skip: noCollector, start: () => otlp('http/protobuf') },
  { name: 'ipfix', skip: false, start: ipfix },
  { name: 'nats', skip: noNats, start: nats },
  { name: 'kafka', skip: noKafka, start: kafka },
]

for (const { name, skip, start } of cases) {
  test(`${name}: only the receiver whose certificate is right gets rows, and gets all of them`, {
    skip: noOpenssl || skip,
    timeout: 240_000,
  }, async () => {
    const receiver = await start()
    try {
      const data = mkdtempSync(join(folder, 'data-'))
      const refused = async (host: string, tls: object, error: RegExp, from: number) => {
        const said = await refusal(data, { ...receiver.config(host), tls }, from)
        assert.match(said, error)
      }
      await refused('127.0.0.1', { ca: otherCa }, /certificate|issuer|signature/i, 0)
      await refused('localhost', { ca }, /altnames|does not match/i, 10)
      assert.equal(await receiver.count(), 0)
      const config = { name: 'tls', retryMaxMs: 100, ...receiver.config('127.0.0.1'), tls: { ca } }
      const fake = createExportsFake(data, [config])
      await fake.start()
      await fake.append(flowRows(20, 10, ended()))
      await until('the rows', () => fake.exports.list()[0]?.rows === 30, 120_000)
      await fake.stop()
      assert.equal(fake.exports.list()[0]?.lost_rows, 0)
      await until('the rows at the receiver', async () => (await receiver.count()) >= 30)
      assert.equal(await receiver.count(), 30)
    } finally {
      await receiver.remove()
    }
  })
}

const ended = () => ({ end: BigInt(Date.now()) * 1_000_000n, end_reason: 'closed' })

/** What is said of a receiver that is not trusted. */
async function refusal(data: string, config: Omit<ExportConfig, 'name'>, from: number) {
  const fake = createExportsFake(data, [{ name: 'tls', retryMaxMs: 100, ...config }])
  await fake.start()
  await fake.append(flowRows(from, 10, ended()))
  await until('an error', () => (fake.exports.list()[0]?.failures ?? 0) > 1, 120_000)
  await fake.stop()
  const [status] = fake.exports.list()
  assert.equal(status?.rows, 0)
  assert.equal(status?.lag_rows, from + 10)
  return String(status?.last_error)
}

async function postgresql(): Promise<Receiver> {
  const own = keyOfPostgres(certificates as Certificates)
  const cluster = await createCluster(['ssl=on', `ssl_cert_file=${cert}`, `ssl_key_file=${own}`])
  await cluster.start()
  const url = new URL(cluster.dsn)
  return {
    config: (host) => {
      url.hostname = host
      return { kind: 'postgresql', endpoint: url.href }
    },
    count: () => {
      const isThere = cluster.sql("SELECT to_regclass('flows') IS NOT NULL")
      return isThere === 't' ? Number(cluster.sql('SELECT count(*) FROM flows')) : 0
    },
    remove: cluster.remove,
  }
}

async function otlp(protocol: string): Promise<Receiver> {
  const tls = `tls: { cert_file: "${cert}", key_file: "${key}" }`
  const collector = await createCollector(join(folder, protocol.replace('/', '-')), tls)
  await collector.start()
  const { port } = new URL(protocol === 'grpc' ? collector.grpc : collector.http)
  return {
    config: (host) => ({
      kind: 'otlp',
      endpoint: `https://${host}:${port}`,
      options: { protocol, signals: 'traces' },
    }),
    count: () => spansOf(collector).length,
    remove: () => collector.stop('SIGKILL'),
  }
}

async function ipfix(): Promise<Receiver> {
  let octets = Buffer.alloc(0)
  const server = createTlsServer({ cert: readFileSync(cert), key: readFileSync(key) }, (socket) => {
    socket.on('data', (some) => {
      octets = Buffer.concat([octets, some])
    })
    socket.on('error', () => undefined)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  return {
    config: (host) => ({ kind: 'ipfix', endpoint: `tls://${host}:${port}` }),
    count: () => recordsIn(octets),
    remove: () => void server.close(),
  }
}

/** Records of 4 and 4 octets of address have the same length: the one that their template says (RFC 7011, 3.4.1). */
function recordsIn(octets: Buffer): number {
  let length = 0
  let records = 0
  for (let at = 0; at + 20 <= octets.length; at += octets.readUInt16BE(at + 2)) {
    const end = at + octets.readUInt16BE(at + 2)
    if (end > octets.length) break
    if (octets.readUInt16BE(at + 16) === 2) length = templateLength(octets, at + 20)
    else records += (end - at - 20) / length
  }
  return records
}

function templateLength(octets: Buffer, at: number): number {
  let length = 0
  let place = at + 4
  for (let field = 0; field < octets.readUInt16BE(at + 2); field++) {
    length += octets.readUInt16BE(place + 2)
    place += octets.readUInt16BE(place) >= 0x8000 ? 8 : 4
  }
  return length
}

async function nats(): Promise<Receiver> {
  const server = await createNatsServer(['--tls', '--tlscert', cert, '--tlskey', key])
  await server.start()
  // The client checks addresses against `localhost` without it.
  const tls = { tls: { caFile: ca, host: '127.0.0.1' } }
  return {
    config: (host) => ({ kind: 'nats', endpoint: `tls://${host}:${server.port}` }),
    count: async () => {
      const found = server.messages('WEIR', tls)
      return (await found.catch(() => [])).length
    },
    remove: server.remove,
  }
}

async function kafka(): Promise<Receiver> {
  const lines = [
    'ssl.keystore.type=PEM',
    `ssl.keystore.location=${both}`,
    'ssl.truststore.type=PEM',
    `ssl.truststore.location=${ca}`,
  ]
  const broker = await createBroker({ protocol: 'SSL', lines })
  await broker.start()
  let isStopped = false
  return {
    config: (host) => ({ kind: 'kafka', endpoint: `tls://${host}:${broker.port}` }),
    count: async () => {
      if (!existsSync(broker.folderOf('weir.flows'))) return 0
      // Its files are read when it is stopped.
      if (!isStopped) await broker.stop('SIGTERM')
      isStopped = true
      return broker.messages('weir.flows').length
    },
    remove: broker.remove,
  }
}
