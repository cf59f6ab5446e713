// Dumps of what has changed: nothing is shown twice, nothing that changed is left out.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { ownerSource, type SocketProbe, socketFlag, tcpState } from '../../mod.ts'
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

const families = ['v4', 'v6', 'mapped'] as const
/** Longer than an acknowledgement is delayed. */
const quietMs = 250
const quietLimitMs = 10_000

describe('a dump of changes', () => {
  let namespace: Namespace
  let peers: Peers
  let probe: SocketProbe
  const kept: Ports[] = []

  before(async () => {
    namespace = createNamespace()
    peers = startPeers(namespace)
    for (const family of families) kept.push(await keep(family)) // older than the probe
    probe = openSocketProbe({ netns: namespace.inode, ringBytes: 1 << 20 })
    for (const family of families) kept.push(await keep(family))
  })
  after(async () => {
    probe?.close()
    await peers?.stop()
    namespace?.remove()
  })

  const keep = (family: string) => peers.ask<Ports>('keep', { family, up: 5, down: 7 })
  const changes = () => readRecords(probe.dump({ onlyChanges: true }))
  const everything = () => readRecords(probe.dump())

  /** Delayed acknowledgements are changes too: until none comes any more. */
  function quiet(known = new Map<bigint, SocketRecord>()): void {
    const startedMs = performance.now()
    let movedMs = startedMs
    while (performance.now() - movedMs < quietMs) {
      assert.ok(movedMs - startedMs < quietLimitMs, 'sockets that nobody uses kept changing')
      for (const one of changes()) {
        known.set(one.cookie, one)
        movedMs = performance.now()
      }
    }
  }

  test('what no dump has shown is a change, once; everything is still to be had', () => {
    assert.equal(changes().length, kept.length * 2)
    quiet()
    assert.equal(everything().length, kept.length * 2)
    assert.equal(changes().length, 0)
  })

  test('octets, a half-closed state and a new connection are changes, of their sockets alone', async () => {
    const [moved, half] = [kept[1] as Ports, kept[4] as Ports]
    quiet()
    await peers.ask('more', { port: moved.client_port, up: 3 })
    const { client, server } = endsOf(changes(), moved)
    assert.deepEqual([client?.sent_bytes, server?.received_bytes], [8, 8])
    quiet()
    await peers.ask('release', { port: half.client_port, how: 'client' })
    // The last acknowledgement may come after close() has returned.
    await drainUntil(probe, [], (ended) => endsOf(ended, half).server !== undefined)
    const fresh = await keep('v4')
    const shown = changes()
    assert.deepEqual(new Set(shown.map(portsOf)), new Set([portsOf(fresh)]))
    assert.equal(endsOf(shown, fresh).client?.state, tcpState.ESTABLISHED)
  })

  test('another process reads what was there already: a change without a segment', async (t) => {
    if (!tellsIo(probe)) return t.skip('this kernel does not tell who reads')
    const [one] = kept as [Ports]
    await peers.ask('leave', { port: one.client_port })
    quiet()
    const { child } = await peers.ask<{ child: number }>('taken_by_child', {
      port: one.client_port,
    })
    const shown = changes()
    const { server } = endsOf(shown, one)
    assert.deepEqual([server?.tgid, server?.owner_source], [child, ownerSource.IO])
    assert.equal(shown.length, 1)
  })

  test('changes on top of a whole dump are the next whole dump', async () => {
    const known = new Map(everything().map((one) => [one.cookie, one]))
    const ports = [kept[0], kept[2], kept[3], kept[5]] as Ports[]
    for (let round = 0; round < 40; round++) {
      const { client_port } = ports[(round * 7) % ports.length] as Ports
      await peers.ask('more', { port: client_port, up: (round * 31) % 900, down: round % 5 })
      for (const one of changes()) known.set(one.cookie, one)
    }
    quiet(known)
    const now = everything()
    assert.equal(known.size, now.length)
    for (const one of now) {
      assert.deepEqual(timeless(known.get(one.cookie)), timeless(one))
    }
  })
})

const portsOf = (one: Ports | SocketRecord) =>
  'client_port' in one
    ? [one.client_port, one.server_port].toSorted().join()
    : [one.local_port, one.remote_port].toSorted().join()

function timeless(record: SocketRecord | undefined) {
  assert.ok(record)
  // Who shares a socket is as the last walk met it.
  return { ...record, time_ns: 0, flags: record.flags & ~socketFlag.SHARED }
}
