// When a connection began and ended: the kernel's own clock readings against those of the programs.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { besideProcessOne } from '../../../common/process-one.fake.ts'
import type { SocketProbe } from '../../mod.ts'
import { createNamespace, type Namespace, type Peers, startPeers } from '../../testing/peers.ts'
import { drainUntil, endsOf, type Ports, type SocketRecord } from '../../testing/record.ts'
import { openSocketProbe } from './socket.ts'

const hour = 3_600_000_000_000n
const idleMs = 100
let namespace: Namespace
let peers: Peers

before(() => {
  namespace = createNamespace()
  peers = startPeers(namespace)
})
after(async () => {
  await peers?.stop()
  namespace?.remove()
})

interface Times {
  /** Before the end that closes first closed for good, and after both have gone; CLOCK_BOOTTIME, nanoseconds. */
  readonly closing: number
  readonly closed: number
}

async function released(probe: SocketProbe, how: string) {
  const truth = await peers.ask<Ports>('keep')
  await sleep(idleMs)
  const times = await peers.ask<Times>('release', { port: truth.client_port, how, gone: true })
  const records: SocketRecord[] = []
  const ends = () => endsOf(records, truth)
  await drainUntil(probe, records, () => !!ends().client && !!ends().server)
  const { client, server } = ends() as { client: SocketRecord; server: SocketRecord }
  return { client, server, closing: BigInt(times.closing), closed: BigInt(times.closed) }
}

const ways = ['', '_abort', '_half', '_silent'].flatMap((way) => [`client${way}`, `server${way}`])

test('an end has the time at which it came, whatever ended it', async () => {
  const probe = openSocketProbe({ netns: namespace.inode, ringBytes: 1 << 20 })
  try {
    for (const how of ways) {
      const { client, server, closing, closed } = await released(probe, how)
      const silent = how.endsWith('_silent')
      for (const end of silent ? [how === 'client_silent' ? client : server] : [client, server]) {
        assert.ok(end.time_ns >= closing, `${how}: ${closing - end.time_ns} ns early`)
        assert.ok(end.time_ns <= closed, `${how}: ${end.time_ns - closed} ns late`)
      }
      for (const end of [client, server]) {
        const lasted = closed - end.start_ns
        // A timer of Node may come a millisecond early.
        assert.ok(lasted > BigInt(idleMs - 1) * 1_000_000n && lasted < hour, `${how}: ${lasted} ns`)
      }
    }
  } finally {
    probe.close()
  }
})

test('the time that the machine slept is in what TCP read on a clock that stands still meanwhile', async () => {
  let slept = hour
  const probe = openSocketProbe({ netns: namespace.inode, ringBytes: 1 << 20 }, () => slept)
  try {
    const before = await released(probe, 'client')
    assert.ok(before.client.time_ns - before.closed > hour - 10_000_000_000n)
    assert.ok(before.server.start_ns - before.client.start_ns > hour - 1_000_000_000n)
    slept = 2n * hour
    probe.drain(() => {})
    const behind = await released(probe, 'client')
    assert.ok(behind.client.time_ns - behind.closed > 2n * hour - 10_000_000_000n)
  } finally {
    probe.close()
  }
})

test('the handshake of a connect() whose first SYN is lost ends when the kernel has sent it again, before the other end has it', () =>
  besideProcessOne(loseSyn))

/** A timer sends the SYN again, and all that follows comes before it is done. */
async function loseSyn(): Promise<void> {
  const apart = createNamespace()
  const both = startPeers(apart)
  const probe = openSocketProbe({ netns: apart.inode, ringBytes: 1 << 20 })
  try {
    apart.run('nft', 'add table ip lose')
    apart.run('nft', 'add chain ip lose in { type filter hook input priority 0; }')
    const everySecond = 'tcp flags & (syn|ack) == syn numgen inc mod 2 0 counter drop'
    for (const lossy of [false, true]) {
      if (lossy) apart.run('nft', `add rule ip lose in ${everySecond}`)
      const truth = await both.ask<Ports>('exchange', { up: 1 })
      const records: SocketRecord[] = []
      const ends = () => endsOf(records, truth)
      await drainUntil(probe, records, () => !!ends().client && !!ends().server)
      const { client, server } = ends() as { client: SocketRecord; server: SocketRecord }
      const established = client.start_ns + BigInt(client.handshake_us) * 1000n
      assert.ok(client.handshake_us > 0)
      assert.equal(server.handshake_us, 0)
      assert.ok(established <= server.start_ns, `${established - server.start_ns} ns late`)
      // The kernel waits a second before it sends a SYN again; written down to a 512th.
      assert.equal(client.handshake_us > 990_000, lossy, `${client.handshake_us} us`)
    }
  } finally {
    probe.close()
    await both.stop()
    apart.remove()
  }
}
