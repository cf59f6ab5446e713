import assert from 'node:assert/strict'
import { test } from 'node:test'
import { derivedValues } from './community-id.ts'

// Baselines of the specification: https://github.com/corelight/community-id-spec (baseline/).
const published = [
  ['tcp', '128.232.110.120', 34855, '66.35.250.204', 80, '1:LQU9qZlK+B5F3KDmev6m5PMibrg='],
  ['tcp', '66.35.250.204', 80, '128.232.110.120', 34855, '1:LQU9qZlK+B5F3KDmev6m5PMibrg='],
  ['udp', '192.168.1.52', 54585, '8.8.8.8', 53, '1:d/FP5EW3wiY1vCndhwleRRKHowQ='],
  ['sctp', '192.168.170.8', 7, '192.168.170.56', 7, '1:MP2EtRCAUIZvTw6MxJHLV7N7JDs='],
  ['icmp', '1.2.3.4', 0, '::1', 0, ''],
] as const

test('community_id of a row in memory is the one of the specification', () => {
  for (const [protocol, src_address, src_port, dst_address, dst_port, id] of published) {
    const row = { protocol, src_address, src_port, dst_address, dst_port }
    assert.equal(derivedValues['community_id']?.(row), id)
  }
})
