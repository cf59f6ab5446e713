// The socket probe against programs that know what they sent, in a namespace of the test's own.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import {
  ownerSource,
  type SocketProbe,
  socketFlag,
  socketKind,
  socketRole,
  tcpState,
} from '../../mod.ts'
import { countersOfOneInstant } from '../../testing/counters.ts'
import { tellsIo } from '../../testing/features.ts'
import { createNamespace, type Namespace, type Peers, startPeers } from '../../testing/peers.ts'
import {
  drainUntil,
  endsOf,
  type Ports,
  readRecords,
  type SocketRecord,
} from '../../testing/record.ts'
import { openSocketProbe } from './socket.ts'

interface Truth extends Ports {
  readonly up: number
  readonly down: number
  readonly pid: number
  readonly uid: number
}

const ringBytes = 1 << 20
const loopback = { v4: '00000000000000000000ffff7f000001', v6: '00000000000000000000000000000001' }
let namespace: Namespace
let peers: Peers
let probe: SocketProbe
let records: SocketRecord[] = []

before(() => {
  namespace = createNamespace()
  peers = startPeers(namespace)
})
after(async () => {
  await peers?.stop()
  namespace?.remove()
})

async function bothEnds(truth: Ports) {
  const have = () => {
    const { client, server } = endsOf(records, truth)
    return client !== undefined && server !== undefined
  }
  await drainUntil(probe, records, have)
  const { client, server } = endsOf(records, truth)
  return { client: client as SocketRecord, server: server as SocketRecord }
}

function assertBytes(
  ends: { client: SocketRecord; server: SocketRecord },
  truth: Truth,
  what: string,
) {
  const { client, server } = ends
  const seen = [client.sent_bytes, client.received_bytes, server.sent_bytes, server.received_bytes]
  assert.deepEqual(seen, [truth.up, truth.down, truth.down, truth.up], what)
}

function assertSamePair(ends: { client: SocketRecord; server: SocketRecord }, what: string) {
  const { client, server } = ends
  assert.notEqual(client.initiator_seq, 0, what)
  assert.deepEqual(
    [server.initiator_seq, server.responder_seq],
    [client.initiator_seq, client.responder_seq],
    what,
  )
}

describe('connections under the probe', () => {
  before(() => {
    probe = openSocketProbe({ netns: namespace.inode, ringBytes })
    records = []
  })
  after(() => probe.close())

  const closings = [
    'client',
    'server',
    'client_abort',
    'server_abort',
    'client_half',
    'server_half',
  ]
  const sizes = [
    [0, 0],
    [1, 0],
    [1, 1],
    [0, 5000],
    [3_000_000, 70_000],
  ] as const
  for (const family of ['v4', 'v6', 'mapped'] as const) {
    for (const how of [...closings, 'client_unread', 'server_unread']) {
      test(`${family}, ${how}: octets, pair, role, owner at both ends`, async () => {
        for (const [up, down] of sizes) {
          if (how.endsWith('unread') && (up > 5000 || up === 0 || down === 0)) continue
          const truth = await peers.ask<Truth>('exchange', { family, how, up, down })
          const ends = await bothEnds(truth)
          const what = `${family} ${how} ${up}/${down}`
          assertBytes(ends, truth, what)
          assertSamePair(ends, what)
          assertEnds(ends, truth, what)
          const address = family === 'v6' ? loopback.v6 : loopback.v4
          assert.equal(ends.client.remote, address, what)
          assert.equal(ends.server.local, address, what)
        }
      })
    }
  }

  function assertEnds(
    ends: { client: SocketRecord; server: SocketRecord },
    truth: Truth,
    what: string,
  ) {
    for (const [end, role] of [
      [ends.client, socketRole.INITIATOR],
      [ends.server, socketRole.RESPONDER],
    ] as const) {
      assert.equal(end.role, role, what)
      assert.equal(end.flags & socketFlag.ROLE_SEEN, socketFlag.ROLE_SEEN, what)
      assert.equal(end.kind, socketKind.CLOSED, what)
      assert.equal(end.tgid, truth.pid, what)
      assert.equal(end.comm, 'python3', what)
      assert.equal(end.uid, truth.uid, what)
      assert.equal(end.netns, namespace.inode, what)
      assert.equal(end.interface, 'lo', what)
      assert.ok(end.start_ns > 0n && end.start_ns <= end.time_ns, what)
      assert.ok(end.cookie > 0n, what)
      // Reset before it read or wrote anything: only who opened it is known.
      const used = truth.up + truth.down > 0 || end.error === 0
      if (used && tellsIo(probe))
        assert.ok(end.owner_source >= ownerSource.IO, `${what}: ${end.owner_source}`)
    }
    assert.notEqual(ends.client.cookie, ends.server.cookie, what)
  }

  test('an abort and a reset are told apart by state and errno', async () => {
    const truth = await peers.ask<Truth>('exchange', { how: 'client_abort', up: 10, down: 10 })
    const { client, server } = await bothEnds(truth)
    assert.deepEqual([client.state, client.error], [tcpState.ESTABLISHED, 0])
    assert.equal(client.owner_source, ownerSource.CLOSE)
    assert.deepEqual([server.state, server.error], [tcpState.ESTABLISHED, 104]) // ECONNRESET
  })

  test('every ended socket is counted once', () => {
    const counters = countersOfOneInstant(
      () => probe.counters(),
      ({ seen, filtered, closed, lost_ring: lost }) => seen === filtered + closed + lost,
    )
    assert.equal(counters.seen, counters.filtered + counters.closed + counters.lost_ring)
    assert.equal(counters.closed, records.length)
    assert.equal(counters.lost_ring, 0)
    assert.equal(counters.lost_storage, 0)
  })
})

describe('connections older than the probe', () => {
  const kept: Truth[] = []
  before(async () => {
    for (const family of ['v4', 'v6', 'mapped']) {
      for (const [up, down] of [
        [0, 0],
        [1, 0],
        [0, 1],
        [100_000, 3],
      ]) {
        kept.push(await peers.ask<Truth>('keep', { family, up, down }))
      }
    }
    probe = openSocketProbe({ netns: namespace.inode, ringBytes })
    records = []
  })
  after(() => probe.close())

  test('the first dump has them with totals, pair, derived role and holder', () => {
    const live = readRecords(probe.dump())
    assert.equal(live.length, kept.length * 2, 'every socket of the namespace once')
    for (const truth of kept) {
      const { client, server } = endsOf(live, truth) as {
        client: SocketRecord
        server: SocketRecord
      }
      const what = `${truth.up}/${truth.down}`
      assertBytes({ client, server }, truth, what)
      assertSamePair({ client, server }, what)
      assert.deepEqual(
        [client.role, server.role],
        [socketRole.INITIATOR, socketRole.RESPONDER],
        what,
      )
      for (const end of [client, server]) {
        assert.equal(end.flags & socketFlag.ROLE_SEEN, 0, what)
        assert.equal(end.start_ns, 0n, what)
        assert.equal(end.kind, socketKind.LIVE)
        assert.deepEqual([end.tgid, end.comm], [truth.pid, 'python3'])
        assert.equal(end.owner_source, ownerSource.HOLDER)
      }
    }
  })

  test('the totals go on, and the end is recorded like any other', async () => {
    const closings = ['client', 'server', 'client_abort', 'server_half']
    for (const [index, truth] of kept.entries()) {
      const added = await peers.ask<Truth>('more', { port: truth.client_port, up: 7, down: 11 })
      const total = { ...truth, up: truth.up + added.up, down: truth.down + added.down }
      assertBytes(endsOf(readRecords(probe.dump()), truth) as never, total, 'live')
      const how = closings[index % closings.length]
      await peers.ask('release', { port: truth.client_port, how })
      const ends = await bothEnds(truth)
      assertBytes(ends, total, `ended by ${how}`)
      assertSamePair(ends, `ended by ${how}`)
      assert.equal(endsOf(readRecords(probe.dump()), truth).client, undefined, 'gone from the dump')
    }
  })

  test('without any dump before, the end alone tells octets, role and pair', async () => {
    const truth = await peers.ask<Truth>('keep', { up: 12345, down: 1 })
    probe.close()
    probe = openSocketProbe({ netns: namespace.inode, ringBytes })
    records = []
    await peers.ask('release', { port: truth.client_port })
    const ends = await bothEnds(truth)
    assertBytes(ends, truth, 'first seen at its end')
    assertSamePair(ends, 'first seen at its end')
    assert.deepEqual([ends.client.role, ends.server.role], [1, 2])
  })
})

describe('loss', () => {
  before(() => {
    probe = openSocketProbe({ netns: namespace.inode, ringBytes })
    records = []
    namespace.run('nft', 'add table ip weirtest')
  })
  after(() => {
    namespace.run('nft', 'delete table ip weirtest')
    probe.close()
  })

  // A segment refused in the output hook never left: the kernel sends it again without a retransmission,
  // so nft's own counter says that something was lost.
  for (const hook of ['input', 'output']) {
    test(`octets are exact while the ${hook} hook drops`, async () => {
      const chain = `{ type filter hook ${hook} priority 0; }`
      namespace.run('nft', `add chain ip weirtest ${hook} ${chain}`)
      const match = 'meta l4proto tcp tcp flags & (syn|fin) == 0 numgen random mod 100 < 10'
      namespace.run('nft', `add rule ip weirtest ${hook} ${match} counter drop`)
      for (const how of ['client', 'server', 'client', 'server']) {
        const truth = await peers.ask<Truth>('exchange', { how, up: 1_000_000, down: 400_000 })
        const ends = await bothEnds(truth)
        assertBytes(ends, truth, `${hook} ${how}`)
        assertSamePair(ends, `${hook} ${how}`)
      }
      const rules = namespace.run('nft', 'list', 'table', 'ip', 'weirtest')
      const dropped = Number(/counter packets (\d+)/.exec(rules)?.[1])
      namespace.run('nft', `delete chain ip weirtest ${hook}`)
      assert.ok(dropped > 0, 'nothing was lost, so nothing was proven')
    })
  }
})
