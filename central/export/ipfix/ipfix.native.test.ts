// IPFIX as programs that no one here wrote read it: nfcapd takes it from the network, nfdump and tshark say what is
// in it.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { until } from '../../../common/until.fake.ts'
import { appendRow, createBatch, flowTable, type RowValues } from '../../../wire/mod.ts'
import { readByNfcapd } from '../../nfcapd.fake.ts'
import { missing } from '../installed.fake.ts'
import { createExportsFake, flowRows } from '../rows.fake.ts'
import { createIpfixEncoder } from './message.ts'

const folder = mkdtempSync(join(tmpdir(), 'weir-ipfix-'))
after(() => rmSync(folder, { recursive: true, force: true }))

test('nfdump has every row that was sent by UDP, with its numbers', {
  skip: missing('nfcapd', 'nfdump'),
}, async () => {
  const lines = await readByNfcapd(folder, async (port) => {
    const config = { name: 'ipfix', kind: 'ipfix', endpoint: `udp://127.0.0.1:${port}` } as const
    const fake = createExportsFake(join(folder, 'udp'), [config])
    await fake.start()
    const v6 = { src_address: '2001:db8::1', dst_address: '2001:db8::2' }
    await fake.append([...flowRows(0, 2_000), ...flowRows(2_000, 500, v6)])
    await until('the rows', () => fake.exports.list()[0]?.rows === 2_500)
    await fake.stop()
  })
  const found = lines.toSorted(byBytes)
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
    dst_process: 'nginx',
    rtt_ns: 1_500_000,
    retransmits: 4,
    src_pod: 'cart-0',
    dst_pod: 'db-0',
    direction_known: true,
  }
  const batch = createBatch(flowTable, 2)
  appendRow(batch, row)
  appendRow(batch, { ...row, src_address: '2001:db8::1', dst_address: '2001:db8::2' })
  const nowMs = Number(start / 1_000_000n)
  const templates = Buffer.from(encoder.templates(nowMs))
  for (const index of [0, 1]) encoder.add(batch, index, nowMs)
  const message = shownByTshark([templates, encoder.flush(nowMs) as Buffer])
  const hex = (text: string) =>
    Buffer.from(text)
      .toString('hex')
      .replaceAll(/(?<=..)(?=(?:..)+$)/g, ':')
  const same = {
    'cflow.srcport': '1025',
    'cflow.dstport': '443',
    'cflow.protocol': '6',
    'cflow.octets': [String(2 ** 40 + 5), '1'],
    'cflow.packets': ['3', '2'],
    'cflow.timedelta': '5.000000000',
    'cflow.timedelta_tree': {
      'cflow.abstimestart': 'Nov 29, 2025 00:00:00.123000000 UTC',
      'cflow.abstimeend': 'Nov 29, 2025 00:00:05.123000000 UTC',
    },
    'cflow.flow_end_reason': '3',
    'cflow.biflow_direction': '1',
    'cflow.flow_id': String(2n ** 63n + 1n),
    'cflow.enterprise_private_entry': [
      ...['curl', 'nginx', 'shop-1', 'db'].map(hex),
      '00:00:00:00:00:16:e3:60',
      '00:00:00:00:00:00:00:04',
      ...['cart-0', 'db-0'].map(hex),
    ],
  }
  assert.deepEqual(message.flows, [
    { 'cflow.srcaddr': '10.0.0.1', 'cflow.dstaddr': '10.9.0.1', ...same },
    { 'cflow.srcaddrv6': '2001:db8::1', 'cflow.dstaddrv6': '2001:db8::2', ...same },
  ])
  assert.equal(message.head['cflow.version'], '10')
  assert.equal(message.head['cflow.od_id'], '7')
  assert.equal(message.head['cflow.sequence'], '0')
  assert.doesNotMatch(JSON.stringify(message), /malformed|No template/i)
})

/** Every value of the last message, and of its flows. */
function shownByTshark(messages: readonly Buffer[]) {
  const file = join(folder, 'one.pcap')
  writeFileSync(file, pcapOf(messages))
  const form = ['-d', 'udp.port==4739,cflow', '-T', 'json', '--no-duplicate-keys']
  const options = {
    env: { ...process.env, TZ: 'UTC' },
    stdio: ['ignore', 'pipe', 'ignore'] as const,
  }
  const text = execFileSync('tshark', ['-r', file, ...form], {
    ...options,
    stdio: [...options.stdio],
  })
  const packets = JSON.parse(text.toString())
  const head = packets.at(-1)._source.layers.cflow
  const sets = Object.entries<Record<string, Record<string, unknown>>>(head).filter(([name]) =>
    /^Set /.test(name),
  )
  const flows = sets.flatMap(([, set]) =>
    Object.entries(set).flatMap(([name, shown]) => {
      if (!name.startsWith('Flow ')) return []
      // Without the lengths of texts.
      const { 'cflow.enterprise_private_entry_tree': _, ...flow } = shown
      return [flow]
    }),
  )
  return { head, flows }
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
