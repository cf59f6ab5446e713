// What interfaces carried as rows. Which of them count: counting.test.ts.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { flowFlag } from '../../kernel/mod.ts'
import { client, fakeAgent, hour, second } from '../tcp/fake.ts'
import type { FakePassage } from './fake.ts'
import { pick, play } from './play.fake.ts'

const [lo, eth0, eth1] = [1, 4, 5] as const
const here = ['192.0.2.1', 40_000] as const
const there = ['198.51.100.7', 443] as const
const out = { src: here, dst: there, direction: 'EGRESS' } as const
const back = { src: there, dst: here, direction: 'INGRESS' } as const

test('both directions are one row, from who opened to who answered', () => {
  const step = play()
  const [row, ...others] = step([
    { ...back, interface: eth0, bytes: 900, packets: 3, flags: flowFlag.SYN_ACK | 0x12, first: 20 },
    {
      ...out,
      interface: eth0,
      bytes: 300,
      packets: 4,
      flags: flowFlag.SYN | 0x12,
      first: 10,
      last: 99,
    },
  ])
  assert.deepEqual(others, [])
  assert.deepEqual(pick(row, 'src_address', 'src_port', 'dst_address', 'dst_port'), [
    '192.0.2.1',
    40_000,
    '198.51.100.7',
    443,
  ])
  assert.deepEqual(
    pick(row, 'bytes', 'packets', 'reverse_bytes', 'reverse_packets'),
    [300, 4, 900, 3],
  )
  assert.deepEqual(pick(row, 'interface', 'direction', 'path', 'view'), [
    'eth0',
    'sent',
    ['eth0'],
    'interface',
  ])
  assert.deepEqual(pick(row, 'direction_known', 'opened', 'counted', 'sampling'), [
    true,
    1,
    true,
    0,
  ])
  assert.deepEqual(pick(row, 'tcp_flags', 'reverse_tcp_flags', 'protocol'), ['AS', 'AS', 'tcp'])
  assert.equal(row?.['first_packet'], '2023-11-14T22:13:20.000000010Z')
  assert.equal(row?.['last_packet'], '2023-11-14T22:13:20.000000099Z')
})

test('totals go on over intervals, and begin anew with another connection of the same ends', () => {
  const step = play()
  const one = { ...out, interface: eth0, packets: 1, bytes: 100 }
  step([{ ...one, flags: flowFlag.SYN }])
  const [second_] = step([one])
  assert.deepEqual(pick(second_, 'bytes', 'total_bytes', 'opened'), [100, 200, 0])
  const [again] = step([{ ...one, flags: flowFlag.SYN }])
  assert.deepEqual(pick(again, 'bytes', 'total_bytes', 'opened'), [100, 100, 1])
})

test('on the loopback interface each packet leaves and arrives: two rows, of which one counts', () => {
  const step = play()
  const both = (['EGRESS', 'INGRESS'] as const).flatMap((direction) => [
    {
      ...out,
      direction,
      interface: lo,
      packets: 2,
      bytes: 200,
      first: direction === 'EGRESS' ? 1 : 2,
    },
    {
      ...back,
      direction,
      interface: lo,
      packets: 3,
      bytes: 300,
      first: direction === 'EGRESS' ? 3 : 4,
    },
  ])
  const rows = step(both)
  assert.deepEqual(
    rows.map((row) => pick(row, 'direction', 'packets', 'reverse_packets', 'counted')),
    [
      ['sent', 2, 3, true],
      ['received', 2, 3, false],
    ],
  )
})

test('what is no IP and what found the map full is counted on every interface, by what it was', () => {
  const step = play()
  const arp = { etherType: 0x0806, packets: 2, direction: 'INGRESS' } as const
  const rest = { interface: eth0, direction: 'EGRESS', packets: 9 } as const
  const rows = step([
    { ...arp, interface: eth0 },
    { ...arp, interface: eth1 },
    {
      ...rest,
      src: ['::', 0],
      dst: ['::', 0],
      protocol: 17,
      flags: flowFlag.REMAINDER,
      bytes: 900,
    },
    { interface: eth1, direction: 'INGRESS', etherType: 0x9999, packets: 1 },
  ])
  assert.deepEqual(
    rows.map((row) =>
      pick(row, 'interface', 'protocol', 'packets', 'counted', 'src_address', 'src_port'),
    ),
    [
      ['eth0', 'arp', 2, true, '::', 0],
      ['eth1', 'arp', 2, true, '::', 0],
      ['eth0', 'udp', 9, true, '::', 0],
      ['eth1', 'non_ip', 1, true, '::', 0],
    ],
  )
  assert.equal(new Set(rows.map((row) => row['connection_id'])).size, rows.length)
})

test('of datagrams the source is who sent first; of what was there before, the one with the larger port', () => {
  const step = play()
  const question = { ...back, protocol: 17, interface: eth0, packets: 1, first: 1 }
  const answer = { ...out, protocol: 17, interface: eth0, packets: 1, first: 2 }
  const [before] = step([question, answer])
  assert.deepEqual(pick(before, 'src_port', 'direction_known'), [40_000, false])
  const other = (port: number, passage: FakePassage): FakePassage => ({
    ...passage,
    ...(passage.src === here ? { src: ['192.0.2.1', port] } : { dst: ['192.0.2.1', port] }),
  })
  const [after] = step([other(50_000, question), other(50_000, answer)])
  assert.deepEqual(pick(after, 'src_port', 'dst_port'), [443, 50_000])
})

test('a row has the id, the process and the orientation of the socket here', () => {
  const agent = fakeAgent()
  const step = play({}, agent)
  const socket = { ...client, local: here, remote: there, interface: 'eth0' }
  agent.step({ live: [socket] })
  const [own] = agent.step({ live: [{ ...socket, sent: 7 }] })
  const [row] = step([
    { ...back, interface: eth0, packets: 1 },
    { ...out, interface: eth0, packets: 1 },
  ])
  const fields = [
    'connection_id',
    'src_process',
    'src_pid',
    'src_port',
    'direction_known',
    'observer',
  ]
  assert.deepEqual(pick(row, ...fields), pick(own, ...fields))
  assert.equal(row?.['observer'], 'src')
})

test('with --sample the numbers are what was seen times N, and say so', () => {
  const step = play({ sampling: 10 })
  const [row] = step([{ ...out, interface: eth0, packets: 3, bytes: 40 }])
  assert.deepEqual(pick(row, 'packets', 'bytes', 'sampling'), [30, 400, 10])
})

test('a conversation that is silent for long is forgotten, and comes again with new totals', () => {
  const step = play()
  const one = { ...out, interface: eth0, packets: 1, bytes: 100 }
  const [first] = step([one])
  assert.deepEqual(step([], hour + 200 * second), [])
  const [again] = step([one])
  assert.equal(again?.['total_bytes'], 100)
  assert.equal(again?.['connection_id'], first?.['connection_id'])
})
