// Whose a connection is: the process that read, wrote or closed last, not the one that listens.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { basename } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { ownerSource, type SocketProbe, socketFlag } from '../../mod.ts'
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

describe('owner of what kernel threads and runtimes touch', () => {
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

  test('MPTCP at both ends: no kernel thread owns a subflow', async (t) => {
    const ports = await peers
      .ask<Ports & { pid: number }>('mptcp', { up: 5000, down: 70 })
      .catch((error: Error) => error)
    if (ports instanceof Error) {
      return t.skip(`no MPTCP here: ${ports.message}`)
    }
    const records: SocketRecord[] = []
    const ends = () => endsOf(records, ports)
    await drainUntil(probe, records, () => !!ends().client && !!ends().server)
    for (const end of Object.values(ends())) {
      assert.deepEqual([end?.tgid, end?.comm], [ports.pid, 'python3'])
    }
  })

  test('Node is named by its program, not MainThread', async () => {
    const script = `const server = require('net').createServer((one) => one.pipe(one).on('close', () => server.close()))
      server.listen(7010, '127.0.0.1', () => {
        const client = require('net').connect(7010, '127.0.0.1', () => client.end('x')).resume()
      })`
    const command = [`--net=${namespace.path}`, process.execPath, '-e', script]
    execFileSync('nsenter', command, { timeout: 20_000 })
    const records: SocketRecord[] = []
    await drainUntil(probe, records, () => records.length === 2)
    const program = basename(process.execPath).slice(0, 15)
    assert.deepEqual(
      records.map(({ comm }) => comm),
      [program, program],
    )
  })
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

  test('held by two: one record, of the lowest pid, marked while the other holds it', async () => {
    const kept = await peers.ask<{ client_port: number; server_port: number }>('keep', {})
    const shown = () => {
      probe.dump() // before 5.11 a dump marks what the one before it met
      return readRecords(probe.dump()).filter((one) => one.local_port === kept.client_port)
    }
    const { pid, child } = await peers.ask<{ pid: number; child: number }>('share')
    const shared = shown()
    // We have written to it: that is better knowledge than who holds it. Of holders a child may have the lower pid: they
    // begin again from 300 when all are used up.
    const owner = tellsIo(probe)
      ? [pid, ownerSource.IO]
      : [Math.min(pid, child), ownerSource.HOLDER]
    assert.deepEqual(
      shared.map((one) => [one.flags & socketFlag.SHARED, one.tgid, one.owner_source]),
      [[socketFlag.SHARED, ...owner]],
    )
    await peers.ask('unshare')
    assert.deepEqual(
      shown().map((one) => [one.flags & socketFlag.SHARED, one.tgid]),
      [[0, pid]],
    )
  })
})
