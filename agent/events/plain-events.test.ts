// Records of a probe whose entry says where each field of an event stands in them, without a kernel.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rfc3339 } from '../../common/mod.ts'
import { parseAddress, type Row, rowOf } from '../../wire/mod.ts'
import { momentOf } from '../rows/moment.ts'
import { bootToWallNs, hour, second } from '../tcp/fake.ts'
import { createPlainEvents } from './plain-events.ts'

const recordBytes = 72
const events = {
  kind: 'packet',
  recordBytes,
  fields: {
    time: 0,
    src_address: 8,
    interface: 24,
    bytes: 40,
    packet_size_bytes: 48,
    dst_port: 52,
    vlan: 54,
    action: { at: 56, words: ['', 'pass', 'drop'] },
    connection_id: 64,
  },
} as const

function records(count: number): Uint32Array {
  const octets = Buffer.alloc(recordBytes * count)
  for (let n = 0; n < count; n++) {
    const at = n * recordBytes
    octets.writeBigUInt64LE(BigInt(hour) + BigInt(n), at)
    octets.set(parseAddress('2001:db8::7') as Uint8Array, at + 8)
    octets.write('eth0', at + 24)
    octets.writeBigUInt64LE(5_000_000_000n, at + 40)
    octets.writeUInt32LE(1500, at + 48)
    octets.writeUInt16LE(443, at + 52)
    octets.writeUInt16LE(12, at + 54)
    octets.writeUInt32LE(n, at + 56)
    octets.writeBigUInt64LE(0x0102_0304_0506_0708n, at + 64)
  }
  return new Uint32Array(octets.buffer, octets.byteOffset, octets.length / 4)
}

function rowsOf(count: number, recordsMax?: number) {
  const plain = createPlainEvents({
    node: 'n',
    specs: [{ name: 'toy', events }, { name: 'other' }],
    ...(recordsMax === undefined ? {} : { recordsMax }),
  })
  assert.deepEqual(Object.keys(plain.takes), ['toy'])
  plain.takes['toy']?.(records(count), count)
  const rows: Row[] = []
  const nowMs = Number((BigInt(hour + second) + bootToWallNs) / 1_000_000n)
  const moment = momentOf(nowMs, { bootToWallNs, intervalMs: 5000 })
  const report = () =>
    plain.report(moment, (batch) => {
      for (let row = 0; row < batch.length; row++) rows.push(rowOf(batch, row))
    })
  report()
  report()
  return { rows, counts: plain.takeCounts() }
}

test('a record becomes a row by what the entry of its probe says, and the rest of the row is empty', () => {
  const { rows, counts } = rowsOf(4)
  const [first, second, , fourth] = rows
  assert.equal(rows.length, 4)
  assert.equal(first?.['time'], rfc3339(BigInt(hour) + bootToWallNs))
  assert.deepEqual(
    ['node', 'kind', 'count', 'src_address', 'interface', 'bytes', 'packet_size_bytes'].map(
      (name) => second?.[name],
    ),
    ['n', 'packet', 1, '2001:db8::7', 'eth0', 5_000_000_000, 1500],
  )
  assert.deepEqual(
    ['dst_port', 'vlan', 'action', 'connection_id'].map((name) => second?.[name]),
    [443, 12, 'pass', '72623859790382856'],
  )
  assert.equal(fourth?.['action'], '3')
  assert.deepEqual([first?.['src_process'], first?.['start'], first?.['dns_name']], ['', null, ''])
  assert.deepEqual(counts, { records: new Map([['toy', 4]]), rows: 4, full: 0 })
})

test('what an interval has no room for is counted as lost, nothing is reported twice', () => {
  const { rows, counts } = rowsOf(10, 7)
  assert.equal(rows.length, 7)
  assert.deepEqual(counts, { records: new Map([['toy', 10]]), rows: 7, full: 3 })
})

test('an entry that names no field, or no place in the record, is refused at the start', () => {
  for (const fields of [{ nothing: 0 }, { time: 68 }, { time: 2 }, { payload: 0 }]) {
    const specs = [{ name: 'toy', events: { kind: 'packet', recordBytes, fields } }]
    assert.throws(() => createPlainEvents({ node: 'n', specs }), /the probe toy/)
  }
})
