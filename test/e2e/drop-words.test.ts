// Each reason for which a test can make the kernel drop packets has words.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { headerDrops, queueDrops, routeDrops } from '../../kernel/testing/provoked-ip.ts'
import { ip6Drops } from '../../kernel/testing/provoked-ip6.ts'
import { deviceDrops, programDrops } from '../../kernel/testing/provoked-program.ts'
import { signatureDrops, tcpDrops, udpDrops } from '../../kernel/testing/provoked-socket.ts'
import { dropReasons } from '../../wire/mod.ts'

const provoked = [
  headerDrops,
  routeDrops,
  queueDrops,
  udpDrops,
  tcpDrops,
  signatureDrops,
  ip6Drops,
  programDrops,
  deviceDrops,
].flat()

test('each reason that can be provoked has words', () => {
  const without = provoked.map(({ reason }) => reason).filter((reason) => !dropReasons[reason])
  assert.deepEqual([...new Set(without)], [])
})
