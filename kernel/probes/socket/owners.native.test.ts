// Whose a connection is: the process that read, wrote or closed last, not the one that listens.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { openSocketProbe, ownerSource, type SocketProbe, socketFlag } from '../../mod.ts'
import { tellsIo } from '../../testing/features.ts'
import { createNamespace, type Namespace, type Peers, startPeers } from '../../testing/peers.ts'
import { drainUntil, endsOf, readRecords, type SocketRecord } from '../../testing/record.ts'

interface Served {
  readonly server_port: number
  /** Client port and the pid that served it, as the server said over the connection. */
  readonly served: readonly (readonly [number, number])[]
  readonly pid: number
}

const count = 40

describe('owner of an accepted connection', () => {
  let namespace: Namespace
  let peers: Peers
  let probe: SocketProbe

  before(() => {
    namespace = createNamespace()
    peers = startPeers(namespace)
    probe = openSocketProbe({ netns: namespace.inode, ringBytes: 1 << 20 })
  })
  after(async () => {
    probe?.close()
    await peers?.stop()
    namespace?.remove()
  })

  for (const kind of ['single', 'prefork', 'fork', 'passed']) {
    test(`${kind} server: the process that serves, for every connection`, async (t) => {
      if (
        kind === 'passed' &&
        !probe.programs.some((one) => one.name === 'socket_send' && one.id > 0)
      ) {
        t.skip('this kernel has no sock_send_length')
        return
      }
      const records: SocketRecord[] = []
      const truth = await peers.ask<Served>('owners', { kind, count })
      const both = (port: number) => {
        const { client, server } = endsOf(records, {
          client_port: port,
          server_port: truth.server_port,
        })
        return client !== undefined && server !== undefined
      }
      await drainUntil(probe, records, () => truth.served.every(([port]) => both(port)))
      let foreign = 0
      for (const [port, pid] of truth.served) {
        const ends = endsOf(records, { client_port: port, server_port: truth.server_port })
        assert.equal(ends.client?.tgid, truth.pid)
        assert.equal(ends.server?.tgid, pid, `${kind}: served by ${pid}`)
        assert.ok((ends.server?.owner_source ?? 0) >= ownerSource.IO)
        if (pid !== truth.pid) foreign++
      }
      assert.equal(foreign, count, 'the server is another process, else nothing is proven')
    })
  }
})

describe('owner of what is older or shared', () => {
  let namespace: Namespace
  let peers: Peers
  let probe: SocketProbe

  before(async () => {
    namespace = createNamespace()
    peers = startPeers(namespace)
    await peers.ask('listen_on', { address: '127.0.0.1', port: 7005 })
    probe = openSocketProbe({ netns: namespace.inode, ringBytes: 1 << 20 })
  })
  after(async () => {
    probe?.close()
    await peers?.stop()
    namespace?.remove()
  })

  test('reset before any read or write: the listener, also one older than the probe', async () => {
    const records: SocketRecord[] = []
    probe.dump() // meets the listener with its holder
    const { port } = await peers.ask<{ port: number }>('connect_to', {
      address: '127.0.0.1',
      port: 7005,
    })
    await peers.ask('reset', { who: 'client' })
    const ports = { client_port: port, server_port: 7005 }
    await drainUntil(probe, records, () => endsOf(records, ports).server !== undefined)
    const { client, server } = endsOf(records, ports)
    assert.deepEqual([server?.owner_source, server?.tgid], [ownerSource.LISTENER, peers.pid])
    assert.deepEqual([client?.owner_source, client?.tgid], [ownerSource.CLOSE, peers.pid])
  })

  test('two listen on one port: who listened on the address that was called', async () => {
    const others = [startPeers(namespace), startPeers(namespace), startPeers(namespace)] as const
    const records: SocketRecord[] = []
    try {
      await others[0].ask('listen_on', { address: '127.0.0.1', port: 7006 })
      await others[1].ask('listen_on', { address: '::1', port: 7006, family: 'v6' })
      await others[2].ask('listen_on', { address: '127.0.0.2', port: 7006 })
      for (const [address, listener] of [
        ['127.0.0.1', others[0]],
        ['::1', others[1]],
        ['127.0.0.2', others[2]],
      ] as const) {
        const { port } = await peers.ask<{ port: number }>('connect_to', { address, port: 7006 })
        await peers.ask('reset', { who: 'client' })
        const ports = { client_port: port, server_port: 7006 }
        await drainUntil(probe, records, () => endsOf(records, ports).server !== undefined)
        const { server } = endsOf(records, ports)
        const owner = [server?.owner_source, server?.tgid]
        assert.deepEqual(owner, [ownerSource.LISTENER, listener.pid], address)
      }
    } finally {
      for (const other of others) await other.stop()
    }
  })

  test('a listener that is gone owns nothing: who listens on any address now', async () => {
    const [gone, now] = [startPeers(namespace), startPeers(namespace)]
    const records: SocketRecord[] = []
    try {
      await gone.ask('listen_on', { address: '127.0.0.1', port: 7007 })
      await gone.stop()
      await now.ask('listen_on', { address: '0.0.0.0', port: 7007 })
      const { port } = await peers.ask<{ port: number }>('connect_to', {
        address: '127.0.0.1',
        port: 7007,
      })
      await peers.ask('reset', { who: 'client' })
      const ports = { client_port: port, server_port: 7007 }
      await drainUntil(probe, records, () => endsOf(records, ports).server !== undefined)
      const { server } = endsOf(records, ports)
      assert.deepEqual([server?.owner_source, server?.tgid], [ownerSource.LISTENER, now.pid])
    } finally {
      await gone.stop()
      await now.stop()
    }
  })

  test('held by two: one record each, the lowest pid first, the other marked', async () => {
    const kept = await peers.ask<{ client_port: number; server_port: number }>('keep', {})
    const { pid } = await peers.ask<{ pid: number }>('share')
    const idle = readRecords(probe.dump()).filter((one) => one.local_port === kept.client_port)
    assert.deepEqual(
      idle.map((one) => one.flags & socketFlag.SHARED),
      [0, socketFlag.SHARED],
    )
    assert.equal(new Set(idle.map((one) => one.cookie)).size, 1)
    // We have written to it: that is better knowledge than who holds it.
    const source = tellsIo(probe) ? ownerSource.IO : ownerSource.HOLDER
    assert.deepEqual(
      idle.map((one) => one.owner_source),
      [source, source],
    )
    if (tellsIo(probe))
      assert.deepEqual(
        idle.map((one) => one.tgid),
        [pid, pid],
      )
    else assert.ok((idle[0]?.tgid ?? 0) < (idle[1]?.tgid ?? 0), 'the lowest pid first')
    await peers.ask('unshare')
    const again = readRecords(probe.dump()).filter((one) => one.local_port === kept.client_port)
    assert.equal(again.length, 1)
  })
})
