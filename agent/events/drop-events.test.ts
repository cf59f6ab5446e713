// Records of the drop probe as rows of events, without a kernel.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  dropRecordByte as at,
  dropFlag,
  dropKind,
  dropRecordBytes,
  dropRecordWord as word,
} from '../../kernel/mod.ts'
import {
  type Batch,
  createBlockCheck,
  createBlockEncoder,
  eventTable,
  parseAddress,
  type Row,
  rowOf,
} from '../../wire/mod.ts'
import { type FakeSocket, fakeRecords } from '../drain/fake.ts'
import { momentOf } from '../rows/moment.ts'
import { createEnrich } from '../tcp/enrich.ts'
import { bootToWallNs, client, hour, second, server } from '../tcp/fake.ts'
import { createDropEvents } from './drop-events.ts'
import { createDropNames } from './reasons.ts'

interface FakeDrop {
  readonly kind?: number
  readonly source?: readonly [string, number]
  readonly destination?: readonly [string, number]
  readonly protocol?: number
  readonly reason?: number
  readonly location?: bigint
  readonly count?: number
  readonly flags?: number
  readonly time?: number
}

function fakeDrops(drops: readonly FakeDrop[]): Uint32Array {
  const octets = Buffer.alloc(drops.length * dropRecordBytes)
  for (const [index, drop] of drops.entries()) {
    const from = index * dropRecordBytes
    const [source, sourcePort] = drop.source ?? ['::', 0]
    const [destination, destinationPort] = drop.destination ?? ['::', 0]
    octets.set(parseAddress(source) as Uint8Array, from + at.source)
    octets.set(parseAddress(destination) as Uint8Array, from + at.destination)
    octets.writeUInt16LE(sourcePort, from + at.source_port)
    octets.writeUInt16LE(destinationPort, from + at.destination_port)
    octets[from + at.kind] = drop.kind ?? dropKind.PACKET
    octets[from + at.protocol] = drop.protocol ?? 6
    octets[from + at.flags] = drop.flags ?? 0
    octets[from + at.tcp_flags] = 0x12
    octets.writeUInt32LE(drop.reason ?? 3, from + at.reason)
    octets.writeUInt32LE(1, from + at.netns)
    octets.writeBigUInt64LE(drop.location ?? 0xffffffff81000010n, from + at.location)
    octets.writeBigUInt64LE(BigInt(drop.count ?? 1), from + at.count)
    octets.writeBigUInt64LE(BigInt(drop.time ?? hour), from + at.first_ns)
    octets.writeBigUInt64LE(BigInt(drop.time ?? hour), from + at.last_ns)
  }
  return new Uint32Array(octets.buffer, octets.byteOffset, octets.length / 4)
}

const names = createDropNames(
  (name) =>
    new Map(
      name === 'skb_drop_reason'
        ? [[3, 'SKB_DROP_REASON_NO_SOCKET']]
        : [[1, 'SK_RST_REASON_NO_SOCKET']],
    ),
  (addresses) => new Map(addresses.map((address) => [address, 'tcp_v4_rcv+0x10'])),
)

/** The stage with these sockets known, and an instant to report at. */
function fakeEvents(sockets: readonly FakeSocket[] = []) {
  const own = { tgids: new Set<number>(), upstream: undefined }
  const enrich = createEnrich({ node: 'n', key: new Uint8Array(16), cgroupRoot: '', own })
  enrich.beginSnapshot()
  enrich.take(fakeRecords(sockets), sockets.length)
  enrich.endSnapshot(false)
  const events = createDropEvents({ node: 'n', ...enrich, names })
  const nowMs = Number((BigInt(hour + second) + bootToWallNs) / 1_000_000n)
  return { events, moment: momentOf(nowMs, { bootToWallNs, intervalMs: 5000 }) }
}

function rowsOf(words: Uint32Array, count: number, sockets: readonly FakeSocket[] = []): Row[] {
  const { events, moment } = fakeEvents(sockets)
  events.take(words, count)
  const batch = events.report(moment)
  const { packets: _, ...counts } = events.takeCounts()
  assert.deepEqual(counts, { records: count, rows: batch?.length ?? 0 })
  return Array.from({ length: batch?.length ?? 0 }, (_, row) => rowOf(batch as never, row))
}

const pick = (row: Row | undefined, fields: string) =>
  fields.split(' ').map((name) => row?.[name] as unknown)

test('a dropped segment names both processes and the connection, whichever way it went', () => {
  const drops = [
    { source: client.local, destination: client.remote, count: 7 },
    { source: server.local, destination: server.remote },
  ] as FakeDrop[]
  const [there, back] = rowsOf(fakeDrops(drops), 2, [client, server])
  assert.deepEqual(pick(there, 'kind count reason location src_process src_pid dst_process'), [
    'drop',
    7,
    'NO_SOCKET',
    'tcp_v4_rcv+0x10',
    'curl',
    10,
    'nginx',
  ])
  assert.deepEqual(pick(back, 'src_process dst_process'), ['nginx', 'curl'])
  assert.notEqual(there?.['connection_id'], '0')
  assert.equal(there?.['connection_id'], back?.['connection_id'])
  assert.deepEqual(pick(there, 'tcp_flags protocol direction'), ['AS', 'tcp', 'received'])
})

test('a packet of another tuple names nobody', () => {
  const drop = { source: ['127.0.0.1', 40_001], destination: client.remote } as FakeDrop
  const [row] = rowsOf(fakeDrops([drop]), 1, [client, server])
  assert.deepEqual(pick(row, 'src_process dst_process connection_id'), ['', '', '0'])
})

test('a reset says which way it went, and a retransmit is of its sender', () => {
  const tuple = { source: client.local, destination: client.remote } as FakeDrop
  const drops = [
    { ...tuple, kind: dropKind.RESET_SENT, reason: 1 },
    { ...tuple, kind: dropKind.RESET_RECEIVED, reason: 0xffff_ffff },
    { ...tuple, kind: dropKind.RETRANSMIT, count: 45, flags: dropFlag.FROM_LOCAL },
  ]
  const rows = rowsOf(fakeDrops(drops), 3, [client])
  assert.deepEqual(
    rows.map((row) => pick(row, 'kind direction reason count')),
    [
      ['reset', 'sent', 'NO_SOCKET', 1],
      ['reset', 'received', '', 1],
      ['retransmit', '', '', 45],
    ],
  )
  assert.equal(rows[2]?.['src_process'], 'curl')
})

test('what found the table full is a row with its reason and count, and nothing made up', () => {
  const [row] = rowsOf(fakeDrops([{ protocol: 0, location: 0n, time: 0, count: 5 }]), 1)
  assert.deepEqual(pick(row, 'reason count location start end protocol packet_size_bytes'), [
    'NO_SOCKET',
    5,
    '',
    null,
    null,
    '',
    null,
  ])
})

test('reasons that the kernel does not name have their number, and none is unknown', () => {
  const rows = rowsOf(fakeDrops([{ reason: 99 }, { reason: 0xffff_ffff }]), 2)
  assert.deepEqual(
    rows.map((row) => pick(row, 'reason reason_code')),
    [
      ['reason_99', 99],
      ['unknown', null],
    ],
  )
})

test('packets are counted as they come, and those without a tuple not again', () => {
  const { events } = fakeEvents()
  events.take(fakeDrops([{ count: 7 }, { count: 2 ** 33 }]), 2)
  events.take(fakeDrops([{ location: 0n, time: 0, count: 5 }, { count: 1 }]), 2)
  assert.deepEqual(events.takeCounts(), { records: 4, packets: 2 ** 33 + 8, rows: 0 })
})

/** The same numbers in each run. */
function randomWords(length: number, seed: number): Uint32Array {
  let state = seed
  return Uint32Array.from({ length }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state
  })
}

/** Octets of the table `events` as they go to central; its own checks refuse what cannot be. */
function encoded(batch: Batch): void {
  const octets = Uint8Array.from(createBlockEncoder().encode(batch))
  const check = createBlockCheck(eventTable)
  assert.ok(check(octets, { rows: batch.length, timeMin: 0n, timeMax: (1n << 63n) - 1n }))
}

test('records of random octets, of zeroes and of ones are rows, one each, and can be sent', () => {
  const count = 500
  const length = (count * dropRecordBytes) / 4
  const filled = (value: number) => new Uint32Array(length).fill(value)
  const random = Array.from({ length: 20 }, (_, seed) => randomWords(length, seed + 1))
  for (const words of [...random, filled(0), filled(0xffff_ffff), filled(1), filled(0x8000_0000)]) {
    // Any time of the next century: central refuses others, and the clock cannot say them.
    for (let at = 0; at < length; at += dropRecordBytes / 4) {
      for (const high of [word.first_ns + 1, word.last_ns + 1]) {
        words[at + high] = (words[at + high] as number) & 0x2fff_ffff
      }
    }
    const { events, moment } = fakeEvents([client, server])
    events.take(words, count)
    const batch = events.report(moment)
    assert.equal(batch?.length, count)
    encoded(batch as Batch)
  }
})
