// Conditions of a filter in the kernel: a connection is reported with both ends or not at all, whichever end meets them,
// whoever ends first, and whatever lies between the ends.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { until } from '../../../common/until.fake.ts'
import { createNamespace, type Namespace, type Peers, startPeers } from '../../testing/peers.ts'
import {
  drainUntil,
  endsOf,
  type Ports,
  readRecords,
  type SocketRecord,
} from '../../testing/record.ts'
import { begins, type Condition, type ConditionField, numberOctets } from '../conditions.ts'
import { openSocketProbe, type SocketOptions } from './socket.ts'

const ringBytes = 1 << 20

function values(field: ConditionField, ...numbers: readonly (number | bigint)[]): Condition {
  return { field, prefixes: numbers.map((one) => ({ octets: numberOctets(one), bits: 128 })) }
}

function named(text: string): Condition {
  const octets = new Uint8Array(16)
  octets.set(Buffer.from(text))
  return { field: 'process', prefixes: [{ octets, bits: text.length * 8 }] }
}

describe('of two processes of one namespace', () => {
  let namespace: Namespace
  let server: Peers
  let client: Peers
  before(() => {
    namespace = createNamespace()
    server = startPeers(namespace)
    client = startPeers(namespace)
  })
  after(async () => {
    await client?.stop()
    await server?.stop()
    namespace?.remove()
  })

  /** One connection from the client to the server, which `first` closes; then one of the client with itself. */
  async function endsReported(options: SocketOptions, first: 'client' | 'server') {
    const probe = openSocketProbe({ ringBytes, netns: namespace.inode, ...options })
    try {
      await server.ask('listen_on', { address: '127.0.0.1', port: 7201 })
      const { port } = await client.ask<{ port: number }>('connect_to', {
        address: '127.0.0.1',
        port: 7201,
      })
      await server.ask('accept_one')
      await client.ask('say', { who: 'client', count: 3 })
      await server.ask('hear', { who: 'accepted', count: 3 })
      const [one, other] = [
        () => client.ask('drop', { who: 'client' }),
        () => server.ask('drop', { who: 'accepted' }),
      ]
      await (first === 'client' ? one() : other())
      await (first === 'client' ? other() : one())
      const own = await client.ask<Ports>('exchange', { up: 2 })
      await server.ask('drop', { who: 'server' })
      // The last acknowledgement may come after close() has returned, and what others of the host end is counted too.
      await until('the last end', () => !/^(?!TIME-WAIT)./m.test(namespace.run('ss', '-Htan')))
      const records: SocketRecord[] = []
      const all = () => {
        const { seen, filtered, closed, lost_ring: lost } = probe.counters()
        return seen === filtered + closed + lost && records.length === closed
      }
      await drainUntil(probe, records, all)
      return { ...endsOf(records, { client_port: port, server_port: 7201 }), own, records }
    } finally {
      probe.close()
    }
  }

  for (const first of ['client', 'server'] as const) {
    test(`the end that a condition on a process does not name is reported too (the ${first} closes first)`, async () => {
      const found = await endsReported({ conditions: [values('pid', server.pid)] }, first)
      assert.equal(found.client?.tgid, client.pid)
      assert.equal(found.server?.tgid, server.pid)
      assert.equal(found.records.length, 2, "the client's connection with itself is left out")
    })

    test(`each end may meet another condition (the ${first} closes first)`, async () => {
      const conditions = [values('pid', server.pid), values('pid', client.pid)]
      const found = await endsReported({ conditions }, first)
      assert.ok(found.client && found.server)
      assert.equal(found.records.length, 2)
    })
  }

  test('a port, an address range and the beginning of a name are compared', async () => {
    const local = { octets: Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 127, 0, 0, 0) }
    for (const [conditions, count] of [
      [[values('port', 7201)], 2],
      [[values('port', 7201), { field: 'address', prefixes: [{ ...local, bits: 104 }] }], 2],
      [[{ field: 'address', prefixes: [{ ...local, bits: 128 }] }], 0],
      [[values('port', 7201), named('pyth')], 2],
      [[values('port', 7201), named('python\0')], 0],
      [[values('port', 7201), values('netns', namespace.inode)], 2],
      [[values('port', 7201), values('netns', 1)], 0],
      [[values('port', 7201), values('cgroup', 2n ** 40n)], 0],
      [[{ field: 'port', prefixes: [] }], 0],
    ] as const satisfies readonly (readonly [readonly Condition[], number])[]) {
      const { records } = await endsReported({ conditions }, 'client')
      assert.equal(records.length, count, JSON.stringify(conditions))
    }
  })

  test('of connections older than the probe both ends are shown by the first dump', async () => {
    await server.ask('listen_on', { address: '127.0.0.1', port: 7202 })
    await client.ask('connect_to', { address: '127.0.0.1', port: 7202 })
    await server.ask('accept_one')
    await client.ask('say', { who: 'client', count: 3 })
    await server.ask('hear', { who: 'accepted', count: 3 })
    await client.ask('keep', { up: 1 })
    for (const pid of [client.pid, server.pid]) {
      const both = [values('pid', pid), values('port', 7202)]
      const probe = openSocketProbe({ ringBytes, conditions: both, netns: namespace.inode })
      try {
        const ends = new Map(readRecords(probe.dump()).map((one) => [one.local_port, one]))
        assert.equal(ends.size, 2)
        assert.equal(ends.get(7202)?.tgid, server.pid)
        assert.equal(readRecords(probe.dump()).length, 2, 'a whole dump shows each once')
        assert.equal(readRecords(probe.dump({ onlyChanges: true })).length, 0)
      } finally {
        probe.close()
      }
    }
  })

  test('what finds no room in the table of ends is reported, and so is all after it; the probe says so', async () => {
    const conditions = [values('pid', client.pid)]
    const probe = openSocketProbe({
      ringBytes,
      conditions,
      pairsMax: 1,
      netns: namespace.inode,
    })
    const said = () => probe.programs.find(({ name }) => name === 'socket_state')?.why
    try {
      assert.equal(said(), '')
      const kept: Ports[] = []
      while (kept.length < 64) kept.push(await client.ask<Ports>('keep', { up: 1 }))
      const truth = await server.ask<Ports>('exchange', { up: 1 })
      const records: SocketRecord[] = []
      await drainUntil(probe, records, () => endsOf(records, truth).server !== undefined)
      assert.ok(endsOf(records, truth).client)
      assert.ok(probe.counters().conditions_full >= 2)
      assert.match(said() ?? '', /table of connections that --filter needs was full/)
    } finally {
      probe.close()
    }
  })

  test('connections neither end of which meets anything take no room in the table', async () => {
    const [pairsMax, netns] = [1, namespace.inode]
    const probe = openSocketProbe({ ringBytes, pairsMax, netns, conditions: [values('port', 1)] })
    try {
      for (let count = 0; count < 64; count++) await client.ask<Ports>('exchange', { up: 1 })
      const records: SocketRecord[] = []
      await drainUntil(probe, records, () => probe.counters().filtered >= 128)
      assert.deepEqual([records.length, probe.counters().conditions_full], [0, 0])
    } finally {
      probe.close()
    }
  })
})

test('both ends are reported through DNAT, when only one of them knows the port', async () => {
  const namespace = createNamespace()
  const [server, client] = [startPeers(namespace), startPeers(namespace)]
  try {
    namespace.run('nft', 'add table ip n')
    namespace.run('nft', 'add chain ip n out { type nat hook output priority -100; }')
    namespace.run('nft', 'add rule ip n out tcp dport 80 dnat to 127.0.0.1:7203')
    await server.ask('listen_on', { address: '127.0.0.1', port: 7203 })
    for (const port of [80, 7203]) {
      const conditions = [values('port', port)]
      const probe = openSocketProbe({ ringBytes, conditions, netns: namespace.inode })
      try {
        const asked = { address: '127.0.0.7', port: 80 }
        const { port: own } = await client.ask<{ port: number }>('connect_to', asked)
        await server.ask('accept_one')
        await client.ask('drop', { who: 'client' })
        await server.ask('drop', { who: 'accepted' })
        const records: SocketRecord[] = []
        await drainUntil(probe, records, () => records.length >= 2)
        assert.deepEqual(
          records.map(({ local_port, remote_port }) => [local_port, remote_port]).sort(),
          [
            [own, 80],
            [7203, own],
          ].sort(),
        )
      } finally {
        probe.close()
      }
    }
  } finally {
    await client.stop()
    await server.stop()
    namespace.remove()
  }
})

test('what is reported is what a probe without conditions reports, less what meets them at neither end', async () => {
  const spaces = [createNamespace(), createNamespace()]
  const peers = [...spaces, ...spaces].map(startPeers)
  const conditions = [
    values('netns', (spaces[0] as Namespace).inode),
    values('pid', ...peers.slice(0, 2).map(({ pid }) => pid)),
  ]
  // One for each namespace: what else the host does would fill the ring of a probe of everything.
  const all = spaces.map(({ inode }) => openSocketProbe({ ringBytes, netns: inode }))
  const some = openSocketProbe({ ringBytes, conditions })
  const whole: SocketRecord[] = []
  const part: SocketRecord[] = []
  // What names no pair cannot be decided in the kernel: of others, such records come too.
  const isOwn = ({ netns }: SocketRecord) => spaces.some(({ inode }) => inode === netns)
  try {
    const hows = ['client', 'server', 'both', 'client_abort', 'server_abort'] as const
    for (let count = 1; count <= 40; count++) {
      const how = hows[count % hows.length]
      await (peers[count % peers.length] as Peers).ask('exchange', { up: count, how })
      const probe = all[count % all.length] as (typeof all)[number]
      await drainUntil(probe, whole, () => whole.length >= 2 * count)
      await drainUntil(some, part, () => true)
    }
    const expected = whole.filter((record) => meetsAll(record, whole, conditions))
    assert.equal(expected.length, 20)
    assert.deepEqual(part.filter(isOwn).map(keyOf).sort(), expected.map(keyOf).sort())
  } finally {
    for (const probe of [...all, some]) probe.close()
    for (const one of peers) await one.stop()
    for (const one of spaces) one.remove()
  }
})

function keyOf({ initiator_seq, responder_seq, role }: SocketRecord): string {
  return `${initiator_seq} ${responder_seq} ${role}`
}

/** By what the records say, of the two ends with one pair. */
function meetsAll(
  record: SocketRecord,
  records: readonly SocketRecord[],
  conditions: readonly Condition[],
): boolean {
  const ends = records.filter(
    (one) =>
      one.initiator_seq === record.initiator_seq && one.responder_seq === record.responder_seq,
  )
  return conditions.every(({ field, prefixes }) =>
    ends.some(({ netns, tgid }) => {
      const octets = numberOctets(field === 'netns' ? netns : tgid)
      return prefixes.some((prefix) => begins(octets, prefix))
    }),
  )
}
