// Records of the XDP probe as rows of events, without a kernel.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  xdpEventByte as head,
  packetHeadByte,
  packetRecordBytes,
  xdpEventFlag,
} from '../../kernel/mod.ts'
import { parseAddress, type Row, rowOf } from '../../wire/mod.ts'
import { type FakeSocket, fakeRecords } from '../drain/fake.ts'
import { momentOf } from '../rows/moment.ts'
import { createEnrich } from '../tcp/enrich.ts'
import { bootToWallNs, client, hour, second, server } from '../tcp/fake.ts'
import { createPacketEvents } from './packet-events.ts'

const snap = 32

interface FakePacket {
  readonly source: readonly [string, number]
  readonly destination: readonly [string, number]
  readonly bytes?: number
  readonly every?: number
  readonly label?: number
  readonly rank?: number
  readonly flags?: number
  readonly sample?: number
}

function fakePackets(packets: readonly FakePacket[]): Uint32Array {
  const size = packetRecordBytes(snap)
  const octets = Buffer.alloc(size * packets.length)
  for (const [index, packet] of packets.entries()) {
    const at = (name: keyof typeof head) => index * size + packetHeadByte + head[name]
    octets.writeUInt32LE(1, index * size)
    octets.writeUInt32LE(1, index * size + 4)
    octets.writeBigUInt64LE(BigInt(hour), at('time_ns'))
    octets.set(parseAddress(packet.source[0]) as Uint8Array, at('src'))
    octets.set(parseAddress(packet.destination[0]) as Uint8Array, at('dst'))
    octets.writeUInt16LE(packet.source[1], at('src_port'))
    octets.writeUInt16LE(packet.destination[1], at('dst_port'))
    octets.writeUInt32LE(packet.bytes ?? 60, at('bytes'))
    octets.writeUInt32LE(packet.every ?? 1, at('every'))
    octets.writeUInt32LE(packet.label ?? 0, at('label'))
    octets.writeUInt32LE(packet.rank ?? 0, at('rule'))
    octets.writeUInt32LE(packet.sample ?? 0, at('sample_bytes'))
    octets.writeUInt16LE(14, at('ip_offset'))
    octets.writeUInt16LE(0xffff, at('vlan'))
    octets.writeUInt8(4, at('family'))
    octets.writeUInt8(6, at('protocol'))
    octets.writeUInt8(2, at('action'))
    octets.writeUInt8(packet.flags ?? 0, at('flags'))
    octets.fill(7, at('sample'), at('sample') + (packet.sample ?? 0))
  }
  return new Uint32Array(octets.buffer, octets.byteOffset, octets.length / 4)
}

function eventsOf(sockets: readonly FakeSocket[], packetsMax?: number) {
  const own = { tgids: new Set<number>(), upstream: undefined }
  const enrich = createEnrich({ node: 'n', key: new Uint8Array(16), cgroupRoot: '', own })
  enrich.beginSnapshot()
  enrich.take(fakeRecords(sockets), sockets.length)
  enrich.endSnapshot(false)
  const rules = { nameOf: ({ rank }: { rank: number }) => `rule ${rank}`, rest: () => {} }
  const events = createPacketEvents({
    node: 'n',
    ...enrich,
    interfaces: [{ name: 'eth0', rules }],
    snap,
    rowsMax: 2,
    ...(packetsMax === undefined ? {} : { packetsMax }),
  })
  const report = () => {
    const rows: Row[] = []
    const nowMs = Number((BigInt(hour + second) + bootToWallNs) / 1_000_000n)
    events.report(momentOf(nowMs, { bootToWallNs, intervalMs: 5000 }), (batch) => {
      for (let row = 0; row < batch.length; row++) rows.push(rowOf(batch, row))
    })
    return rows
  }
  return { events, report }
}

const pick = (row: Row | undefined, fields: string) =>
  fields.split(' ').map((name) => row?.[name] as unknown)

test('a packet names the processes and the connection that it is of, and its rule', () => {
  const { events, report } = eventsOf([client, server])
  const flags = xdpEventFlag.MATCHED
  const packet = { source: client.local, destination: client.remote } as FakePacket
  events.take(fakePackets([packet, { ...packet, label: 3, rank: 8, flags, every: 4 }, packet]), 3)
  const [plain, labelled, last] = report()
  assert.deepEqual(pick(plain, 'src_process dst_process label rule action'), [
    'curl',
    'nginx',
    '',
    '',
    'pass',
  ])
  assert.deepEqual(pick(labelled, 'label rule count bytes packet_size_bytes'), [
    '3',
    'rule 8',
    4,
    240,
    60,
  ])
  assert.notEqual(last?.['connection_id'], '0')
  assert.equal(last?.['connection_id'], plain?.['connection_id'])
  assert.deepEqual(report(), [], 'each once')
})

test('a sample begins with the IP header, and the next row has none of it', () => {
  const { events, report } = eventsOf([])
  const packet = { source: ['192.0.2.1', 1], destination: ['192.0.2.2', 2] } as FakePacket
  events.take(fakePackets([{ ...packet, sample: 32 }, packet, { ...packet, sample: 14 }]), 3)
  assert.deepEqual(
    report().map((row) => Buffer.from(`${row['payload']}`, 'base64').toString('hex')),
    ['07'.repeat(18), '', ''],
  )
})

test('what an interval has too many is counted as lost', () => {
  const { events, report } = eventsOf([], 3)
  const packet = { source: ['192.0.2.1', 1], destination: ['192.0.2.2', 2] } as FakePacket
  events.take(fakePackets([packet, packet]), 2)
  events.take(fakePackets([packet, packet]), 2)
  assert.equal(report().length, 3)
  assert.deepEqual(events.takeCounts(), { records: 4, rows: 3, full: 1 })
  events.take(fakePackets([packet]), 1)
  assert.equal(report().length, 1)
})
