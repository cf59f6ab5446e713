// The dump by slots, with each of its programs: what nobody holds any more, what shares a slot, and sockets that come
// and go while they are read.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { suspendedNs } from '../../loader/clock.ts'
import { loadableNames } from '../../loader/map-iterators.ts'
import { ownerSource, type SocketProbe, socketRole, tcpState } from '../../mod.ts'
import { createNamespace, type Namespace, type Peers, startPeers } from '../../testing/peers.ts'
import {
  drainUntil,
  endsOf,
  type Ports,
  readRecord,
  readRecords,
  type SocketRecord,
} from '../../testing/record.ts'
import { slotProgram, socketFeatures } from './features.ts'
import { openSocketProbe } from './socket.ts'

interface Truth extends Ports {
  readonly up: number
  readonly down: number
  readonly pid: number
}

const { ESTABLISHED, FIN_WAIT1, LAST_ACK } = tcpState
const programs = ['socket_slots', 'socket_slots_cast', 'socket_slots_loop'] as const
const features = loadableNames(socketFeatures)

for (const program of programs) {
  const own = new Set<string>(features)
  if (program === 'socket_slots') own.delete('bpf_rdonly_cast')
  if (program === 'socket_slots_loop') own.delete('bpf_iter__bpf_map_elem')
  const options = slotProgram(own) === program ? {} : { skip: `this kernel has no ${program}` }

  describe(program, options, () => {
    let namespace: Namespace
    let peers: Peers
    let probe: SocketProbe
    let older: Truth

    before(async () => {
      namespace = createNamespace()
      namespace.run('nft', 'add table inet quiet')
      peers = startPeers(namespace)
      older = await keep()
      const scope = { netns: namespace.inode, ringBytes: 1 << 22 }
      probe = openSocketProbe(scope, suspendedNs, own)
      probe.dump()
    })
    after(async () => {
      probe?.close()
      await peers?.stop()
      namespace?.remove()
    })

    const keep = () => peers.ask<Truth>('keep', { up: 70_001, down: 33 })
    const changes = () => readRecords(probe.dump({ onlyChanges: true }))
    const everything = () => readRecords(probe.dump())

    /** As `ss` has it. */
    const hasSocket = (state: string, port: number) =>
      namespace.run('ss', '-Htn', 'state', state, `sport = :${port}`).trim() !== ''

    async function withoutSegments(work: () => Promise<void>): Promise<void> {
      namespace.run('nft', 'add chain inet quiet input { type filter hook input priority 0; }')
      namespace.run('nft', 'add rule inet quiet input meta l4proto tcp drop')
      try {
        await work()
      } finally {
        namespace.run('nft', 'delete chain inet quiet input')
      }
    }

    test('is the one in use', () => {
      const states = programs.map((name) => probe.programs.find((one) => one.name === name)?.state)
      assert.deepEqual(
        states,
        programs.map((name) => (name === program ? 'ready' : 'off')),
      )
    })

    for (const age of ['younger', 'older'] as const) {
      test(`${age} than the probe, closed with octets unacknowledged: in every dump, with its owner`, async () => {
        const [first, second] =
          age === 'older' ? [older, await keep()] : [await keep(), await keep()]
        everything()
        await peers.ask('finish_sending', { port: second.client_port })
        await withoutSegments(async () => {
          await peers.ask('orphan', { port: first.client_port, count: 99 })
          await peers.ask('orphan_server', { port: second.client_port, count: 7 })
          assert.ok(hasSocket('fin-wait-1', first.client_port))
          assert.ok(hasSocket('last-ack', second.server_port))
          for (const dump of [changes(), everything(), everything()]) {
            const closing = endsOf(dump, first).client
            const last = endsOf(dump, second).server
            assert.deepEqual([closing?.state, last?.state], [FIN_WAIT1, LAST_ACK])
            assert.deepEqual([closing?.sent_bytes, closing?.received_bytes], [70_001 + 99, 33])
            assert.deepEqual([last?.sent_bytes, last?.received_bytes], [33 + 7, 70_001])
            for (const end of [closing, last]) assert.equal(end?.tgid, peers.pid)
            for (const end of [closing, last]) assert.equal(end?.owner_source, ownerSource.CLOSE)
          }
        })
      })
    }

    test('two sockets with one slot are both shown, and both end', async () => {
      const first = await keep()
      const request = { port: first.client_port, up: 12, down: 345 }
      const second = await peers.ask<Truth & { cookie: number; other: number }>('collide', request)
      assert.equal(second.cookie % 65_536, second.other % 65_536)
      assert.notEqual(second.cookie, second.other)
      for (const dump of [changes(), everything()]) {
        for (const truth of [first, second]) {
          const { client } = endsOf(dump, truth)
          assert.deepEqual([client?.sent_bytes, client?.received_bytes], [truth.up, truth.down])
          assert.deepEqual([client?.role, client?.state], [socketRole.INITIATOR, ESTABLISHED])
          assert.ok((client?.start_ns ?? 0n) > 0n)
        }
      }
      const ended: SocketRecord[] = []
      for (const truth of [second, first]) {
        await peers.ask('release', { port: truth.client_port })
        await drainUntil(probe, ended, () => endsOf(ended, truth).client !== undefined)
        const { client } = endsOf(ended, truth)
        assert.deepEqual([client?.sent_bytes, client?.received_bytes], [truth.up, truth.down])
        assert.equal(endsOf(everything(), truth).client, undefined)
      }
    })

    test('while connections come and go, no record is of another socket or of after its end', async () => {
      const ended = new Map<bigint, SocketRecord>()
      const live: SocketRecord[] = []
      const drain = () =>
        probe.drain((_, octets, word) => {
          const record = readRecord(octets, word * 4)
          ended.set(record.cookie, record)
        })
      let busy = true
      const load = peers.ask('rate', { count: 4000 }).finally(() => {
        busy = false
      })
      for (let dumps = 0; busy || dumps < 10; dumps++) {
        drain()
        const shown = readRecords(probe.dump({ onlyChanges: dumps % 2 === 1 }))
        for (const { cookie } of shown) assert.ok(!ended.has(cookie), 'its end was reported before')
        live.push(...shown)
        await new Promise(setImmediate)
      }
      await load
      drain()
      let compared = 0
      for (const record of live) {
        const end = ended.get(record.cookie)
        if (!end) continue
        compared++
        assert.deepEqual(identity(record), identity(end))
        assert.ok(record.sent_bytes <= end.sent_bytes, `${record.sent_bytes} of ${end.sent_bytes}`)
        assert.ok(record.received_bytes <= end.received_bytes)
      }
      assert.ok(compared > 0, 'no dump met a connection that ended, so nothing was proven')
    })
  })
}

const walking = new Set<string>(features)
for (const name of ['bpf_iter__bpf_map_elem', 'bpf_iter_num_new']) walking.delete(name)
const hasStorage = walking.has('BPF_FUNC_sock_from_file')
const skip = hasStorage ? false : 'before 5.11 the walk is the dump anyway'

test('where nothing may read slots the walk shows what is held, changes alone too', {
  skip,
}, async () => {
  assert.equal(slotProgram(walking), undefined)
  const namespace = createNamespace()
  const peers = startPeers(namespace)
  const request = { up: 70_001, down: 33 }
  const older = await peers.ask<Truth>('keep', request)
  const scope = { netns: namespace.inode, ringBytes: 1 << 22 }
  const probe = openSocketProbe(scope, suspendedNs, walking)
  try {
    assert.equal(probe.seesUnheld, false)
    const younger = await peers.ask<Truth>('keep', request)
    const dump = readRecords(probe.dump())
    assert.equal(dump.length, 4)
    for (const truth of [older, younger]) {
      const { client, server } = endsOf(dump, truth)
      assert.deepEqual([client?.sent_bytes, client?.received_bytes], [truth.up, truth.down])
      assert.deepEqual([server?.sent_bytes, server?.received_bytes], [truth.down, truth.up])
      for (const end of [client, server]) assert.equal(end?.tgid, peers.pid)
    }
    assert.deepEqual(readRecords(probe.dump({ onlyChanges: true })), [])
    assert.equal(readRecords(probe.dump()).length, 4)
    await peers.ask('finish_sending', { port: younger.client_port })
    const changed = readRecords(probe.dump({ onlyChanges: true }))
    assert.deepEqual(
      changed.filter(({ local_port }) => local_port === older.client_port),
      [],
    )
    assert.ok(endsOf(changed, younger).server)
  } finally {
    probe.close()
    await peers.stop()
    namespace.remove()
  }
})

/** What of a socket never changes. */
function identity({ start_ns, local, remote, local_port, remote_port, netns }: SocketRecord) {
  return { start_ns, local, remote, local_port, remote_port, netns }
}
