import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AppError } from '../../common/mod.ts'
import { appendRow, createBatch, flowTable, rowTest } from '../../wire/mod.ts'
import { localFilter } from './local-filter.ts'
import type { Question } from './server.ts'

const nowMs = Date.parse('2026-08-21T12:00:05Z')
const batch = createBatch(flowTable, 1)
appendRow(batch, {
  time: BigInt(Date.parse('2026-08-21T12:00:00Z')) * 1_000_000n,
  src_address: '192.0.2.10',
  src_port: 51_044,
  dst_address: '2001:db8::7',
  dst_port: 443,
  dst_process: 'nginx',
  rtt_ns: 12_000_000,
  direction_known: true,
  connection_id: 12_345_678_901_234_567_890n,
})

function holds(filters: Question): boolean {
  return rowTest(localFilter(filters, nowMs), batch)(0)
}

for (const [filters, expected] of [
  [[], true],
  [[['src_port', '51044']], true],
  [[['src_port', '051044']], true],
  [[['src_port', '443']], false],
  [[['port', '443']], true],
  [
    [
      ['src_port', '1'],
      ['src_port', '51044'],
    ],
    true,
  ],
  [
    [
      ['src_port', '51044'],
      ['dst_port', '80'],
    ],
    false,
  ],
  [[['process', 'nginx']], true],
  [[['process', 'ngin']], false],
  [[['connection_id', '12345678901234567890']], true],
  [[['connection_id', '12345678901234567891']], false],
  [[['address', '192.0.2.0/24']], true],
  [[['dst_address', '192.0.2.0/24']], false],
  [[['dst_address', '2001:db8::/32']], true],
  [[['dst_address', '2001:DB8:0::7']], true],
  [[['dst_address', '0.0.0.0/0']], false],
  [[['direction_known', 'true']], true],
  [[['direction_known', 'false']], false],
  [[['time', '2026-08-21T12:00:00Z']], true],
  [[['time', '2026-08-21T14:00:00.000000000+02:00']], true],
  [[['time', '2026-08-21T12:00:00.000000001Z']], false],
  [[['time', '-5s']], true],
  [[['reverse_retransmits', '0']], false],
  [[['filter', 'rtt > 5ms and process ~ "^ng"']], true],
  [[['filter', 'rtt > 5ms and not process = nginx']], false],
  [
    [
      ['dst_port', '443'],
      ['filter', 'rtt < 5ms'],
    ],
    false,
  ],
] as const) {
  test(`${JSON.stringify(filters)} is ${expected}`, () => {
    assert.equal(holds(filters), expected)
  })
}

for (const [name, value] of [
  ['src_port', 'https'],
  ['address', '192.0.2.0/33'],
  ['address', 'fe80::1%eth0'],
  ['address', 'example.com'],
  ['direction_known', 'yes'],
  ['time', 'yesterday'],
  ['community_id', '1:x'],
  ['filter', 'community_id = "1:x"'],
  ['filter', 'dst_prot = 443'],
] as const) {
  test(`${name} ${value} is refused`, () => {
    assert.throws(
      () => localFilter([[name, value]]),
      (error) => error instanceof AppError,
    )
  })
}
