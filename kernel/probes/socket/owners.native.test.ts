// Whose a connection is: the process that read, wrote or closed last, not the one that listens.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { openSocketProbe, ownerSource, type SocketProbe } from '../../mod.ts'
import { createNamespace, type Namespace, type Peers, startPeers } from '../../testing/peers.ts'
import { drainUntil, endsOf, type SocketRecord } from '../../testing/record.ts'

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
