// The flow probe on a cable between two namespaces: packets and octets as nftables and the interface count them.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { after, before, test } from 'node:test'
import { until } from '../../../common/until.fake.ts'
import { flowDirection, flowFlag } from '../../layout/flow-record.ts'
import { kernelAtLeast } from '../../testing/features.ts'
import { type FlowRecord, sumOf, watchFlows } from '../../testing/flow.ts'
import { createPair, type Pair, untilUp } from '../../testing/pair.ts'

let pair: Pair
before(() => {
  pair = createPair()
})
after(() => pair?.remove())

const isCounted = ({ protocol, dst_port, direction }: FlowRecord) =>
  protocol === 17 && dst_port === 9999 && direction === flowDirection.INGRESS

for (const hook of ['tcx', 'clsact', 'socket-filter', 'auto'] as const) {
  test(`${hook}: datagrams are those that nftables counts, over several dumps`, async (t) => {
    if (hook === 'tcx' && !kernelAtLeast(6, 6)) return t.skip('tcx is in Linux 6.6 and later')
    const before = pair.received()
    const watcher = await watchFlows(pair.far, { interfaces: ['far0'], hook })
    try {
      const records: FlowRecord[] = []
      for (const count of [100, 1, 50]) {
        pair.send(count, 333)
        records.push(...(await watcher.dump()).records)
      }
      // The kernel may take them in a little after they were sent.
      await until('all packets', async () => {
        records.push(...(await watcher.dump()).records)
        return sumOf(records.filter(isCounted), 'packets') >= 151
      })
      const after = pair.received()
      const counted = records.filter(isCounted)
      assert.equal(sumOf(counted, 'packets'), after.packets - before.packets)
      assert.equal(sumOf(counted, 'bytes'), after.octets - before.octets)
      assert.equal(sumOf(counted, 'packets'), 151)
      assert.ok(counted.every((record) => record.interface === 'far0' && record.family === 4))
    } finally {
      await watcher.close()
    }
  })
}

test('the two directions are two flows', async () => {
  const watcher = await watchFlows(pair.near, { interfaces: ['near*'] })
  try {
    pair.send(7, 10)
    const { records } = await watcher.dump()
    const sent = records.filter(({ dst_port }) => dst_port === 9999)
    assert.ok(sent.every(({ direction }) => direction === flowDirection.EGRESS))
    assert.equal(sumOf(sent, 'packets'), 7)
  } finally {
    await watcher.close()
  }
})

test('a full map loses nothing: the rest is in the remainders, by protocol', async () => {
  const before = pair.received()
  const flowsMax = 256
  const watcher = await watchFlows(pair.far, { interfaces: ['all'], flowsMax })
  try {
    const lines = [
      'import socket',
      'for port in range(3000):',
      ' s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)',
      ' s.bind(("10.77.0.1", 20000 + port))',
      ' [s.sendto(bytes(100), ("10.77.0.2", 9999)) for _ in range(2)]',
      ' s.close()',
    ]
    pair.near.run('/usr/bin/python3', '-c', lines.join('\n'))
    await until('all packets', () => pair.received().packets - before.packets >= 6000)
    const { records, counters } = await watcher.dump()
    const after = pair.received()
    const incoming = records.filter((record) => record.protocol === 17 && record.direction === 1)
    const rest = incoming.filter(({ flags }) => (flags & flowFlag.REMAINDER) !== 0)
    assert.equal(after.packets - before.packets, 6000)
    assert.equal(sumOf(incoming, 'packets'), 6000)
    assert.equal(sumOf(incoming, 'bytes'), after.octets - before.octets)
    assert.ok(rest.length === 1 && sumOf(rest, 'packets') > 5000)
    assert.equal(counters['lost'], 0)
    const later = (await watcher.dump()).records.filter(({ flags }) => flags & flowFlag.REMAINDER)
    assert.deepEqual(later, [], 'the remainder is reported once')
  } finally {
    await watcher.close()
  }
})

const retransmits =
  'h, v = [l.split() for l in open("/proc/net/snmp") if l.startswith("Tcp:")]\nprint(v[h.index("RetransSegs")])'

test('a super-packet is its segments, each with its headers', async (t) => {
  const watcher = await watchFlows(pair.near, { interfaces: ['near0'] })
  const payload = 5_000_000
  try {
    const server =
      'import socket\ns = socket.create_server(("10.77.0.2", 7001))\nprint("up", flush=True)\nc, _ = s.accept()\nn = 0\nwhile d := c.recv(1 << 20): n += len(d)\nprint(n, flush=True)'
    const listening = spawn('nsenter', [`--net=${pair.far.path}`, '/usr/bin/python3', '-c', server])
    const lines = createInterface({ input: listening.stdout })
    await once(lines, 'line')
    const received = once(lines, 'line')
    const client = `import socket\nc = socket.create_connection(("10.77.0.2", 7001))\nc.sendall(bytes(${payload}))\nc.close()`
    pair.near.run('/usr/bin/python3', '-c', client)
    assert.equal(Number((await received)[0]), payload)
    const { records } = await watcher.dump()
    const sent = records.filter(({ dst_port, direction }) => dst_port === 7001 && direction === 2)
    const [packets, bytes] = [sumOf(sent, 'packets'), sumOf(sent, 'bytes')]
    // 20 octets of IP, 32 of TCP with a time stamp; the SYN has 40.
    const repeated = bytes - packets * 52 - 8 - payload
    assert.ok(repeated >= 0, `${bytes} bytes in ${packets} packets`)
    const retransmitted = pair.near.run('/usr/bin/python3', '-c', retransmits)
    if (retransmitted.trim() === '0') assert.equal(repeated, 0)
    else t.diagnostic('segments were sent again: only a bound was checked')
    assert.ok(sumOf(sent, 'frames') < packets, 'there were super-packets')
    assert.ok(sent.every(({ flags }) => flags & flowFlag.SYN))
  } finally {
    await watcher.close()
  }
})

test('an interface that comes later is followed, one that goes is forgotten', async () => {
  const watcher = await watchFlows(pair.near, { interfaces: ['all', '!lo'] })
  try {
    pair.near.run('ip', 'link', 'add', 'late0', 'type', 'veth', 'peer', 'name', 'late1')
    pair.near.run('ip', 'link', 'set', 'late1', 'up')
    await watcher.dump() // looks for interfaces
    pair.near.run('ip', 'link', 'set', 'late0', 'up')
    untilUp(pair.near, 'late0')
    pair.near.run('ip', 'address', 'add', '10.78.0.1/24', 'dev', 'late0')
    const neighbour = [
      '10.78.0.2',
      'lladdr',
      '02:00:00:00:00:09',
      'dev',
      'late0',
      'nud',
      'permanent',
    ]
    pair.near.run('ip', 'neighbour', 'replace', ...neighbour)
    const send =
      'import socket\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n[s.sendto(b"x", ("10.78.0.2", 9)) for _ in range(5)]'
    pair.near.run('/usr/bin/python3', '-c', send)
    const { records } = await watcher.dump()
    const late = records.filter((record) => record.interface === 'late0' && record.dst_port === 9)
    assert.equal(sumOf(late, 'packets'), 5)
    pair.near.run('ip', 'link', 'delete', 'late0')
    await watcher.dump()
    pair.send(3, 10)
    const rest = (await watcher.dump()).records.filter(({ dst_port }) => dst_port === 9999)
    assert.equal(sumOf(rest, 'packets'), 3)
  } finally {
    await watcher.close()
  }
})

test('no interface of that name is an error that lists those that are', async () => {
  await assert.rejects(
    watchFlows(pair.near, { interfaces: ['eth*'] }),
    /no interface is named eth\*.*near0/s,
  )
})
