// Ends that socket_state missed, as the kernel lets it miss them when it interrupts itself: here it is detached.

import assert from 'node:assert/strict'
import { constants } from 'node:os'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { besideProcessOne } from '../../../common/process-one.fake.ts'
import { until as untilTrue } from '../../../common/until.fake.ts'
import { iterator } from '../../loader/attach/iterator.ts'
import { tracing } from '../../loader/attach/tracing.ts'
import { kernelNames } from '../../loader/host.ts'
import { loadableNames } from '../../loader/map-iterators.ts'
import type { LoadedObject } from '../../loader/object.ts'
import { mapRing } from '../../loader/ring.ts'
import { type RecordSink, socketRole, tcpState } from '../../mod.ts'
import { createNamespace, type Namespace, type Peers, startPeers } from '../../testing/peers.ts'
import {
  drainUntil,
  endsOf,
  type Ports,
  readRecords,
  type SocketRecord,
} from '../../testing/record.ts'
import { createDumps } from './dumps.ts'
import { slotProgram, socketFeatures } from './features.ts'
import { loadSocketObject, openSocketProbe, pageBytes, sumCounters } from './socket.ts'

interface Truth extends Ports {
  readonly up: number
  readonly down: number
}

const ringBytes = 1 << 20
/** Where programs are left out (6.1 and later), and so all that have socket storage, dumps look for missed ends. */
const features = loadableNames(socketFeatures)
const tellsMissed = kernelNames(['BPF_FUNC_sock_from_file']).size > 0
const { ESTABLISHED, SYN_SENT, CLOSE, FIN_WAIT2, LAST_ACK } = tcpState
let namespace: Namespace
let peers: Peers

before(() => {
  namespace = createNamespace()
  peers = startPeers(namespace)
  namespace.run('nft', 'add table inet quiet')
})
after(async () => {
  await peers?.stop()
  namespace?.remove()
})

interface Watch {
  readonly object: LoadedObject
  readonly records: SocketRecord[]
  /** When it is done socket_state sees nothing any more; with `all`, socket_gone neither. */
  miss(all?: 'all'): Promise<void>
  until(done: () => boolean): Promise<void>
}

async function watching(work: (watch: Watch) => Promise<void>): Promise<void> {
  const object = loadSocketObject({ netns: namespace.inode, ringBytes })
  const ring = mapRing(object.mapFd('ended'), ringBytes, pageBytes)
  try {
    const hooks = [
      { program: 'socket_state', place: { tracepoint: 'inet_sock_set_state' } },
      { program: 'socket_gone', place: { tracepoint: 'tcp_destroy_sock' } },
    ].map(({ program, place }) => ({ place, link: object.attach(program, tracing, place) }))
    const records: SocketRecord[] = []
    const drain = { drain: (sink: RecordSink) => ring.drain(sink, Number.POSITIVE_INFINITY) }
    const until = (done: () => boolean) => drainUntil(drain, records, done)
    const miss = async (all?: 'all') => {
      for (const { place, link } of all ? hooks : hooks.slice(0, 1)) {
        link.detach()
        const isAttached = () =>
          tracing.attached(place).some(({ linkId }) => linkId === link.linkId)
        // Whoever lists all links of the host has this one open for a moment.
        await untilTrue('the end of the link', () => !isAttached())
      }
    }
    await work({ object, records, miss, until })
  } finally {
    ring.close()
    object.close()
  }
}

/** The tag of the slot that a socket has. */
function tagOf(object: LoadedObject, cookie: bigint): bigint {
  const slots = object.map('slots')
  const [key, value] = [Buffer.alloc(slots.keyBytes), Buffer.alloc(slots.valueBytes)]
  key.writeUInt32LE(Number(cookie % BigInt(slots.entriesMax)))
  assert.ok(slots.lookup(key, value))
  return value.readBigUInt64LE()
}

/** Nothing arrives while `work` runs. */
async function withoutSegments(work: () => Promise<void>): Promise<void> {
  namespace.run('nft', 'add chain inet quiet input { type filter hook input priority 0; }')
  namespace.run('nft', 'add rule inet quiet input meta l4proto tcp drop')
  try {
    await work()
  } finally {
    namespace.run('nft', 'delete chain inet quiet input')
  }
}

/** An end that comes while process 1 is current is seen by none of our programs: not by the one that it was missed by. */
const storm = () => besideProcessOne(interrupted)
test('every end is reported while timers interrupt the program', storm)

async function interrupted(): Promise<void> {
  const probe = openSocketProbe({ netns: namespace.inode, ringBytes: 1 << 25 })
  try {
    namespace.run('sysctl', '-qw', 'net.ipv4.tcp_syn_retries=1')
    const attempts = { port: 9, attempts: 3_000, seconds: 4 }
    namespace.run('nft', 'add chain inet quiet nine { type filter hook input priority 0; }')
    namespace.run('nft', 'add rule inet quiet nine tcp dport 9 drop')
    const { ends } = await peers.ask<{ ends: number }>('storm', attempts)
    // The last segment of the last pair may still be on its way. What came of it says the assertion.
    await untilTrue('all ends', () => probe.counters().closed >= ends, 30_000).catch(() => {})
    const { closed, lost_ring: lost } = probe.counters()
    assert.deepEqual([closed, lost], [ends, 0])
  } finally {
    probe.close()
    namespace.run('nft', 'flush chain inet quiet nine')
    namespace.run('sysctl', '-qw', 'net.ipv4.tcp_syn_retries=6')
  }
}

/** Timers send the lost segments again. */
const bothClosed = () =>
  watching(async ({ object, records, miss, until }) => {
    const truth = await peers.ask<Truth>('keep', { up: 70_001, down: 33 })
    const request = { port: truth.client_port, how: 'both' }
    let closed = 0n
    await withoutSegments(async () => {
      closed = BigInt((await peers.ask<{ closed: number }>('release', request)).closed)
      await miss()
    })
    await until(() => records.length === 2)
    const { client, server } = endsOf(records, truth) as Record<'client' | 'server', SocketRecord>
    assert.deepEqual([client.sent_bytes, client.received_bytes], [truth.up, truth.down])
    assert.deepEqual([server.sent_bytes, server.received_bytes], [truth.down, truth.up])
    assert.deepEqual([client.role, server.role], [socketRole.INITIATOR, socketRole.RESPONDER])
    // The end whose FIN is sent again first may be acknowledged, and gone, before the other's FIN comes.
    const states = [client.state, server.state]
    assert.ok(states.includes(LAST_ACK), `${states}`)
    assert.ok(
      states.every((state) => state === LAST_ACK || state === FIN_WAIT2),
      `${states}`,
    )
    for (const end of [client, server]) {
      assert.deepEqual([end.error, end.tgid], [0, peers.pid])
      assert.ok(end.time_ns > closed, 'the end came when segments came again')
    }
    const { closed: reported, recovered } = sumCounters(object)
    assert.equal(reported, 2)
    assert.ok(recovered >= 2, 'ends of other processes count too: they are filtered')
  })

test('both closed: octets, time and owners as if nothing had been missed', () =>
  besideProcessOne(bothClosed))

/** The end that was reset: `asked` = the application has asked for the error before it closes. */
async function resetEnd({ records, miss, until }: Watch, asked: boolean) {
  const truth = await peers.ask<Truth>('keep', { up: 5, down: 7 })
  await miss()
  const { at } = await peers.ask<{ at: number }>('abort_server', { port: truth.client_port, asked })
  await sleep(50)
  await peers.ask('discard', { port: truth.client_port })
  await until(() => records.length === 1)
  const { client } = endsOf(records, truth) as { client: SocketRecord }
  assert.deepEqual([client.sent_bytes, client.received_bytes], [truth.up, truth.down])
  assert.ok(client.time_ns <= BigInt(at), 'the time is that of the reset')
  return client
}

test('reset: reported at close, with the time of the reset', () =>
  watching(async (watch) => {
    const { state, error } = await resetEnd(watch, false)
    assert.deepEqual([state, error], [ESTABLISHED, constants.errno.ECONNRESET])
  }))

test('reset and still held: the next dump reports it, once, also one of changes', () =>
  watching(async ({ object, records, miss, until }) => {
    const truth = await peers.ask<Truth>('keep', { up: 5, down: 7 })
    const dumps = createDumps(object, features)
    assert.equal(readRecords(dumps.dump()).length, 2)
    await miss()
    await peers.ask('abort_server', { port: truth.client_port, asked: true })
    for (let i = 0; i < 2; i++) assert.equal(dumps.dump({ onlyChanges: true }).length, 0)
    if (tellsMissed) await until(() => records.length === 1)
    await peers.ask('discard', { port: truth.client_port })
    await until(() => records.length === 1)
    const { client } = endsOf(records, truth) as { client: SocketRecord }
    assert.deepEqual([client.state, client.error, client.tgid], [CLOSE, 0, peers.pid])
    assert.deepEqual([client.sent_bytes, client.received_bytes], [truth.up, truth.down])
    assert.equal(sumCounters(object).closed, 1)
  }))

test('an error that the application took is not made up', () =>
  watching(async (watch) => {
    const { state, error } = await resetEnd(watch, true)
    assert.deepEqual([state, error], [CLOSE, 0])
  }))

test('a connect that was refused', () =>
  watching(async ({ records, miss, until }) => {
    const { port } = await peers.ask<{ port: number }>('closed_port')
    await withoutSegments(async () => {
      await peers.ask('attempt_unread', { port })
      await miss()
    })
    await peers.ask('failed_unread', { port })
    await until(() => records.length === 1)
    const [end] = records as [SocketRecord]
    assert.deepEqual([end.remote_port, end.state], [port, SYN_SENT])
    assert.deepEqual([end.error, end.sent_bytes], [constants.errno.ECONNREFUSED, 0])
  }))

test(
  'an end that no program saw is counted when its socket has gone, once, and its slot is free',
  {
    skip: !slotProgram(features) && 'this kernel has no slots',
  },
  () =>
    watching(async ({ object, records, miss }) => {
      const truth = await peers.ask<Truth>('keep', { up: 5, down: 7 })
      const dumps = createDumps(object, features)
      const cookies = readRecords(dumps.dump()).map(({ cookie }) => cookie)
      assert.equal(cookies.length, 2)
      const tags = () => cookies.map((cookie) => tagOf(object, cookie))
      assert.deepEqual(
        tags(),
        cookies.map((cookie) => cookie << 1n),
      )
      await miss('all')
      await peers.ask('release', { port: truth.client_port, how: 'both' })
      const free = cookies.map((cookie) => (cookie << 1n) | 1n)
      await untilTrue('free slots', () => {
        dumps.dump({ onlyChanges: true })
        return isDeepStrictEqual(tags(), free)
      })
      // Sockets of other processes end at the same time.
      const { closed, unreported } = sumCounters(object)
      assert.deepEqual([records.length, closed], [0, 0])
      assert.ok(unreported >= 2)
    }),
)

test('what never was a connection, or has ended, leaves nothing when it goes', () =>
  watching(async ({ object, records, until }) => {
    const truth = await peers.ask<Truth>('keep')
    await peers.ask('abort_server', { port: truth.client_port })
    object
      .attach('socket_holders', iterator, { target: 'task_file' })
      .read({ bytes: Buffer.alloc(0) })
    await peers.ask('unused')
    await peers.ask('discard', { port: truth.client_port })
    await until(() => records.length >= 2)
    assert.equal(sumCounters(object).closed, 2)
  }))
