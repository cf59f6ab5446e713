// The DDL on the real engine: what the model says is what the table has, and what others computed is
// what the derived column says.

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, test } from 'node:test'
import { Session } from 'chdb'
import { columnType, ledgerTable, parseAddress, tables } from '../../wire/mod.ts'
import { communityIdSql } from './community-id.ts'
import { addColumnsSql, createTableSql } from './table-sql.ts'

const session = new Session()
after(() => session.close())

function rows(sql: string): Record<string, unknown>[] {
  const text = session.query(sql, 'JSONEachRow').trim()
  return text === '' ? [] : text.split('\n').map((line) => JSON.parse(line))
}

for (const table of tables) {
  test(`${table.name}: the engine's columns are the model's, in order`, () => {
    session.query(createTableSql(table))
    session.query(createTableSql(table))
    session.query(addColumnsSql(table))
    const found = rows(
      `SELECT name, type FROM system.columns WHERE database = currentDatabase() AND table = '${table.name}' AND default_kind IN ('', 'DEFAULT') ORDER BY position`,
    )
    assert.deepEqual(
      found,
      table.fields.map((field) => ({ name: field.name, type: columnType(field) })),
    )
  })
}

test('columns that an older version did not have are added', () => {
  const older = { ...ledgerTable, name: 'older', fields: ledgerTable.fields.slice(0, -2) }
  session.query(createTableSql(older))
  session.query(addColumnsSql({ ...ledgerTable, name: 'older' }))
  const [found] = rows("SELECT count() AS n FROM system.columns WHERE table = 'older'")
  assert.equal(Number(found?.['n']), ledgerTable.fields.length)
})

// Baselines of the specification: https://github.com/corelight/community-id-spec (baseline/).
const published = [
  ['tcp', '128.232.110.120', 34855, '66.35.250.204', 80, '1:LQU9qZlK+B5F3KDmev6m5PMibrg='],
  ['tcp', '66.35.250.204', 80, '128.232.110.120', 34855, '1:LQU9qZlK+B5F3KDmev6m5PMibrg='],
  ['udp', '192.168.1.52', 54585, '8.8.8.8', 53, '1:d/FP5EW3wiY1vCndhwleRRKHowQ='],
  ['sctp', '192.168.170.8', 7, '192.168.170.56', 7, '1:MP2EtRCAUIZvTw6MxJHLV7N7JDs='],
] as const

test('community_id is the one of the specification', () => {
  for (const [protocol, src, srcPort, dst, dstPort, id] of published) {
    assert.equal(communityId(protocol, `::ffff:${src}`, srcPort, `::ffff:${dst}`, dstPort), id)
  }
  assert.equal(communityId('icmp', '::ffff:1.2.3.4', 0, '::1', 0), '')
})

test('community_id of v6 and of equal addresses, against the specification in plain code', () => {
  const cases = [
    ['2001:db8::2', 80, '2001:db8::1', 65535],
    ['fe80::1', 1, 'fe80::1', 256],
  ] as const
  for (const [src, srcPort, dst, dstPort] of cases) {
    const ends = [
      Buffer.concat([parseAddress(src) as Uint8Array, be16(srcPort)]),
      Buffer.concat([parseAddress(dst) as Uint8Array, be16(dstPort)]),
    ].sort(Buffer.compare) as [Buffer, Buffer]
    const [low, high] = ends
    const parts = [be16(0), low.subarray(0, 16), high.subarray(0, 16), Buffer.of(6, 0)]
    const sha = createHash('sha1').update(Buffer.concat(parts))
    const digest = sha.update(low.subarray(16)).update(high.subarray(16)).digest('base64')
    assert.equal(communityId('tcp', src, srcPort, dst, dstPort), `1:${digest}`)
  }
})

function be16(value: number): Buffer {
  return Buffer.of(value >> 8, value & 255)
}

function communityId(protocol: string, src: string, srcPort: number, dst: string, dstPort: number) {
  const [row] = rows(
    `WITH '${protocol}' AS protocol, toIPv6('${src}') AS src_address, toUInt16(${srcPort}) AS src_port,
       toIPv6('${dst}') AS dst_address, toUInt16(${dstPort}) AS dst_port SELECT ${communityIdSql} AS id`,
  )
  return row?.['id']
}
