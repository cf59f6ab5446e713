import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AppError } from '../../common/mod.ts'
import { fakeRow } from '../fake.ts'
import { predicateOf } from './predicate.ts'

const row = fakeRow({ dst_address: '2001:db8::7', dst_process: 'nginx' })

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
  [[['reverse_retransmits', '0']], false],
] as const) {
  test(`${JSON.stringify(filters)} is ${expected}`, () => {
    assert.equal(predicateOf(filters)(row), expected)
  })
}

for (const [name, value] of [
  ['src_port', 'https'],
  ['address', '192.0.2.0/33'],
  ['address', 'fe80::1%eth0'],
  ['address', 'example.com'],
  ['direction_known', 'yes'],
  ['time', 'now'],
  ['community_id', '1:x'],
] as const) {
  test(`${name} ${value} is refused`, () => {
    assert.throws(
      () => predicateOf([[name, value]]),
      (error) => error instanceof AppError,
    )
  })
}
