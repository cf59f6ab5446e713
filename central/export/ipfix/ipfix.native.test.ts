// IPFIX as programs that no one here wrote read it: nfcapd takes it from the network, nfdump and tshark say what is
// in it.

import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { appendRow, createBatch, flowTable, type RowValues } from '../../../wire/mod.ts'
import { until } from '../../ingest/agent.fake.ts'
import { freePort } from '../postgresql/cluster.fake.ts'
import { createExportsFake, flowRows } from '../rows.fake.ts'
import { createIpfixEncoder } from './message.ts'

const folder = mkdtempSync(join(tmpdir(), 'weir-ipfix-'))
after(() => rmSync(folder, { recursive: true, force: true }))
const missing = (...programs: string[]) => {
  const absent = programs.filter((name) => !existsSync(`/usr/bin/${name}`))
  return absent.length > 0 && `${absent.join(', ')} is not installed: apt-get install nfdump tshark`
}

test('nfdump has every row that was sent by UDP, with its numbers', {
  skip: missing('nfcapd', 'nfdump'),
}, async () => {
  const port = await freePort()
  const files = mkdtempSync(join(folder, 'nfcapd-'))
  const listen = ['-b', '127.0.0.1', '-p', String(port), '-B', '2000000']
  const collector = spawn('nfcapd', ['-l', files, ...listen, '-t', '3600'], { stdio: 'ignore' })
  try {
    await until('nfcapd to listen', () =>
      execFileSync('ss', ['-lunH', `sport = :${port}`])
        .toString()
        .includes(`:${port}`),
    )
    const config = { name: 'ipfix', kind: 'ipfix', endpoint: `udp://127.0.0.1:${port}` } as const
    const fake = createExportsFake(join(folder, 'udp'), [config])
    await fake.start()
    const v6 = { src_address: '2001:db8::1', dst_address: '2001:db8::2' }
    await fake.append([...flowRows(0, 2_000), ...flowRows(2_000, 500, v6)])
    await until('the rows', () => fake.exports.list()[0]?.rows === 2_500)
    await fake.stop()
  } finally {
    const ended = once(collector, 'exit')
    collector.kill('SIGTERM')
    await ended
  }
  const csv = execFileSync('nfdump', [
    '-R',
    files,
    '-q',
    '-o',
    'fmt:%sa,%da,%sp,%dp,%pr,%ibyt,%ipkt,%obyt,%opkt',
    '-N',
    '-6',
  ])
  const lines = csv.toString().trim().split('\n')
  const found = lines.map((line) => line.split(',').map((cell) => cell.trim())).toSorted(byBytes)
  assert.equal(found.length, 2_500)
  assert.deepEqual(found[7], ['10.0.0.7', '10.9.0.1', '1031', '443', '6', '15', '3', '7', '2'])
  assert.deepEqual(found[2_100]?.slice(0, 2), ['2001:db8::1', '2001:db8::2'])
  const sum = found.reduce((total, cells) => total + Number(cells[5]), 0)
  assert.equal(sum, 2_500 * 2_499 + 2_500)
})

function byBytes(a: readonly string[], b: readonly string[]): number {
  return Number(a[5]) - Number(b[5])
}

test('tshark reads every field of a record, enterprise ones as well', {
  skip: missing('tshark'),
}, () => {
  const encoder = createIpfixEncoder({ lengthMax: 1400, domain: 7, enterprise: 64_999 })
  const start = 1_764_374_400_123_000_000n
  const row: RowValues = {
    ...flowRows(1, 1)[0],
    start,
    time: start + 5_000_000_000n,
    end: start + 4_000_000_000n,
    end_reason: 'closed',
    bytes: 2 ** 40 + 5,
    src_process: 'curl',
    rtt_ns: 1_500_000,
    direction_known: true,
  }
  const batch = createBatch(flowTable, 1)
  appendRow(batch, row)
  const templates = Buffer.from(encoder.templates(Number(start / 1_000_000n)))
  encoder.add(batch, 0, Number(start / 1_000_000n))
  const message = encoder.flush(Number(start / 1_000_000n)) as Buffer
  const file = join(folder, 'one.pcap')
  writeFileSync(file, pcapOf([templates, message]))
  const json = JSON.parse(
    execFileSync(
      'tshark',
      ['-r', file, '-d', 'udp.port==4739,cflow', '-T', 'json', '--no-duplicate-keys'],
      {
        stdio: ['ignore', 'pipe', 'ignore'],
      },
    ).toString(),
  ) as { _source: { layers: object } }[]
  const values = new Map<string, unknown[]>()
  collect(json[1]?._source.layers, values)
  const first = (name: string) => values.get(name)?.[0]
  assert.equal(first('cflow.srcaddr'), '10.0.0.1')
  assert.equal(first('cflow.dstaddr'), '10.9.0.1')
  assert.equal(first('cflow.srcport'), '1025')
  assert.equal(first('cflow.dstport'), '443')
  assert.equal(first('cflow.protocol'), '6')
  assert.equal(first('cflow.octets'), String(2 ** 40 + 5))
  assert.equal(first('cflow.packets'), '3')
  assert.equal(first('cflow.flow_end_reason'), '3')
  assert.equal(first('cflow.od_id'), '7')
  assert.equal(first('cflow.sequence'), '0')
  const text = JSON.stringify(json[1])
  assert.match(text, /63:75:72:6c/, 'the process')
  assert.doesNotMatch(text, /malformed|No template/i)
})

/** Every value below, by its name. */
function collect(node: unknown, into: Map<string, unknown[]>): void {
  if (typeof node !== 'object' || node === null) return
  for (const [name, value] of Object.entries(node)) {
    const [one] = Array.isArray(value) ? value : [value]
    if (typeof one === 'string') into.set(name, [...(into.get(name) ?? []), one])
    else collect(value, into)
  }
}

/** Datagrams to port 4739 as a capture of raw IP packets (link type 101). */
function pcapOf(messages: readonly Buffer[]): Buffer {
  const head = Buffer.alloc(24)
  head.writeUInt32LE(0xa1b2c3d4, 0)
  head.writeUInt16LE(2, 4)
  head.writeUInt16LE(4, 6)
  head.writeUInt32LE(65_535, 16)
  head.writeUInt32LE(101, 20)
  const packets = messages.flatMap((message) => {
    const ip = Buffer.alloc(28)
    ip[0] = 0x45
    ip.writeUInt16BE(28 + message.length, 2)
    ip[8] = 64
    ip[9] = 17
    ip.writeUInt32BE(0x7f000001, 12)
    ip.writeUInt32BE(0x7f000001, 16)
    ip.writeUInt16BE(40_000, 20)
    ip.writeUInt16BE(4739, 22)
    ip.writeUInt16BE(8 + message.length, 24)
    const record = Buffer.alloc(16)
    record.writeUInt32LE(28 + message.length, 8)
    record.writeUInt32LE(28 + message.length, 12)
    return [record, ip, message]
  })
  return Buffer.concat([head, ...packets])
}

test('over TCP a collector that comes again gets the templates first, and sequences count records', async () => {
  const streams: Buffer[] = []
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    const index = streams.push(Buffer.alloc(0)) - 1
    socket.on('data', (octets) => {
      streams[index] = Buffer.concat([streams[index] as Buffer, octets])
    })
    socket.on('error', () => undefined)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  const config = {
    name: 'tcp',
    kind: 'ipfix',
    endpoint: `tcp://127.0.0.1:${port}`,
    retryMaxMs: 50,
  } as const
  const fake = createExportsFake(join(folder, 'tcp'), [config])
  await fake.start()
  await fake.append(flowRows(0, 100))
  await until('100 records', () => messagesOf(streams[0]).at(-1)?.isData === true)
  for (const socket of sockets) socket.destroy()
  await until('the end of the stream', () => [...sockets].every(({ destroyed }) => destroyed))
  for (let from = 100; streams.length < 2; from += 10) {
    await fake.append(flowRows(from, 10))
    await until('it is taken', () => fake.exports.list()[0]?.lag_rows === 0)
  }
  await until('records on the second', () => messagesOf(streams[1]).length > 1)
  await fake.stop()
  server.close()
  assert.deepEqual(
    messagesOf(streams[1])
      .map(({ isData }) => isData)
      .slice(0, 2),
    [false, true],
  )
  assert.ok((messagesOf(streams[1])[1]?.sequence ?? 0) >= 100)
})

function messagesOf(octets: Buffer | undefined) {
  if (!octets) return []
  const messages: { isData: boolean; sequence: number }[] = []
  for (let at = 0; at + 20 <= octets.length; at += octets.readUInt16BE(at + 2)) {
    messages.push({
      isData: octets.readUInt16BE(at + 16) >= 256,
      sequence: octets.readUInt32BE(at + 8),
    })
  }
  return messages
}
