// What the probe looks at and what it leaves behind: filters, namespaces, address translation, its own end.

import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, rmdirSync, statSync, writeFileSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { doctor, networkNamespaces, socketRole } from '../../mod.ts'
import { listAll } from '../../testing/loader.ts'
import { createNamespace, type Namespace, type Peers, startPeers } from '../../testing/peers.ts'
import {
  drainUntil,
  endsOf,
  type Ports,
  readRecords,
  type SocketRecord,
} from '../../testing/record.ts'
import type { ProbeOptions } from '../spec.ts'
import { openSocketProbe } from './socket.ts'

const ringBytes = 1 << 20

describe('filters', () => {
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

  test('another network namespace is counted as filtered', async () => {
    const probe = openSocketProbe({ netns: 1, ringBytes })
    try {
      await peers.ask('keep')
      await peers.ask('exchange', { up: 5 })
      await until(() => {
        const { seen, filtered } = probe.counters()
        return filtered >= 2 && seen === filtered
      }, 'not all that was seen is filtered')
      assert.equal(
        probe.drain(() => assert.fail('nothing is selected')),
        0,
      )
      assert.equal(probe.counters().closed, 0)
      assert.equal(probe.dump().length, 0)
      assert.ok(probe.counters().dump_filtered >= 2)
    } finally {
      probe.close()
    }
  })

  test('a cgroup is selected with all below it', async (t) => {
    const { cgroupRoot } = doctor()
    if (cgroupRoot === '') return t.skip('this host has no cgroup2 mount')
    const parent = `${cgroupRoot}/weir-test-${process.pid}`
    const child = `${parent}/inner`
    mkdirSync(parent)
    mkdirSync(child)
    const inside = startPeers(namespace)
    const probe = openSocketProbe({ cgroupId: statSync(parent, { bigint: true }).ino, ringBytes })
    try {
      writeFileSync(`${child}/cgroup.procs`, String(inside.pid))
      const truth = await inside.ask<Ports>('exchange', { up: 1 })
      await peers.ask('exchange', { up: 2 })
      const records: SocketRecord[] = []
      await drainUntil(probe, records, () => endsOf(records, truth).server !== undefined)
      assert.equal(records.length, 2)
      assert.equal(records[0]?.cgroup_id, statSync(child, { bigint: true }).ino)
      await until(() => probe.counters().filtered >= 2, 'the other exchange is not filtered')
    } finally {
      probe.close()
      await inside.stop()
      rmdirSync(child)
      rmdirSync(parent)
    }
  })
})

describe('selection by port and process', () => {
  let namespace: Namespace
  let wanted: Peers
  let others: Peers
  before(() => {
    namespace = createNamespace()
    wanted = startPeers(namespace)
    others = startPeers(namespace)
  })
  after(async () => {
    await wanted?.stop()
    await others?.stop()
    namespace?.remove()
  })

  /** What the probe reports of one exchange of each, once both have been seen or left out. */
  async function exchangeOf(options: ProbeOptions): Promise<readonly SocketRecord[]> {
    const probe = openSocketProbe({ ...options, ringBytes })
    try {
      await others.ask('exchange', { up: 2 })
      const truth = await wanted.ask<Ports>('exchange', { up: 1 })
      const records: SocketRecord[] = []
      await drainUntil(probe, records, () => endsOf(records, truth).server !== undefined)
      await until(() => {
        const { seen, filtered, closed } = probe.counters()
        return filtered >= 2 && seen === filtered + closed
      }, 'the other exchange is not counted as filtered')
      return records
    } finally {
      probe.close()
    }
  }

  test('a process is selected by its id: both ends, when both are its own', async () => {
    const records = await exchangeOf({ pid: wanted.pid, netns: namespace.inode })
    assert.deepEqual(
      records.map(({ tgid }) => tgid),
      [wanted.pid, wanted.pid],
    )
  })

  test('a port selects both ends of its connections, whichever end has it, eighth of eight too', async () => {
    await wanted.ask('listen_on', { address: '127.0.0.1', port: 7108 })
    const ports = [7101, 7102, 7103, 7104, 7105, 7106, 7107, 7108]
    const probe = openSocketProbe({ ports, netns: namespace.inode, ringBytes })
    try {
      await others.ask('exchange', { up: 2 })
      await wanted.ask('connect_to', { address: '127.0.0.1', port: 7108 })
      const live = readRecords(probe.dump())
      assert.ok(live.length >= 1)
      for (const { local_port, remote_port } of live) {
        assert.ok(local_port === 7108 || remote_port === 7108)
      }
      assert.equal(
        probe.drain(() => assert.fail('the other exchange is on none of the ports')),
        0,
      )
      await until(() => probe.counters().filtered >= 2, 'the other exchange is not filtered')
    } finally {
      probe.close()
    }
  })

  test('a process is selected by its whole name, not by the beginning of it', async () => {
    await wanted.ask('listen_on', { address: '127.0.0.1', port: 7109 })
    await wanted.ask('connect_to', { address: '127.0.0.1', port: 7109 })
    const comm = readFileSync(`/proc/${wanted.pid}/comm`, 'utf8').trimEnd()
    for (const [processName, expected] of [
      [comm, true],
      [comm.slice(0, -1), false],
    ] as const) {
      const probe = openSocketProbe({ processName, netns: namespace.inode, ringBytes })
      try {
        assert.equal(probe.dump().length > 0, expected, processName)
      } finally {
        probe.close()
      }
    }
  })

  test('more ports or a longer name than the programs hold is refused, not cut', () => {
    const ports = [1, 2, 3, 4, 5, 6, 7, 8, 9]
    assert.throws(() => openSocketProbe({ ports }), { code: 'selection_too_large' })
    assert.throws(() => openSocketProbe({ processName: 'sixteen-octets-x' }), {
      code: 'selection_too_large',
    })
  })
})

describe('namespaces', () => {
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

  test('are all listed, those without a process too', () => {
    const found = networkNamespaces()
    assert.ok(found.some((one) => one.inode === namespace.inode))
    assert.ok(found.some((one) => one.inode === statSync('/proc/self/ns/net').ino))
    assert.equal(new Set(found.map((one) => one.inode)).size, found.length)
  })

  test('the main thread may not change its own', () => {
    const probe = openSocketProbe({ ringBytes })
    try {
      assert.throws(() => probe.dumpNamespace(namespace.path), { code: 'namespace_main_thread' })
    } finally {
      probe.close()
    }
  })

  test('a worker reads sockets that no process holds, and comes back', async () => {
    await peers.ask('listen_on', { address: '127.0.0.1', port: 7004 })
    await peers.ask('connect_to', { address: '127.0.0.1', port: 7004 })
    const worker = new Worker(new URL('../../testing/namespace-worker.ts', import.meta.url), {
      workerData: { path: namespace.path, netns: namespace.inode },
      trackUnmanagedFds: false,
    })
    const answer = await new Promise<WorkerAnswer>((resolve, reject) => {
      worker.once('message', resolve)
      worker.once('error', reject)
    })
    await worker.terminate()
    assert.equal(answer.homeAfter, answer.homeBefore)
    assert.equal(answer.missing, 'namespace_refused')
    const held = readRecords(answer.held)
    const all = readRecords(answer.all)
    assert.equal(held.length, 1, 'the connecting end alone has a descriptor')
    assert.equal(all.length, 2, 'the end not yet accepted is in the table')
    assert.deepEqual(all.map((one) => one.role).sort(), [
      socketRole.INITIATOR,
      socketRole.RESPONDER,
    ])
    const later = readRecords(answer.later)
    assert.equal(later.length, answer.seesUnheld ? 2 : 1, 'once met, each dump shows it')
  })
})

interface WorkerAnswer {
  readonly homeBefore: number
  readonly homeAfter: number
  readonly missing: string
  readonly held: Uint8Array
  readonly all: Uint8Array
  readonly later: Uint8Array
  readonly seesUnheld: boolean
}

describe('address translation', () => {
  const made: Namespace[] = []
  const programs: Peers[] = []
  after(async () => {
    for (const one of programs) await one.stop()
    for (const one of made) one.remove()
  })

  test('both ends give the same pair through DNAT and masquerade', async () => {
    const [client, router, server] = [createNamespace(), createNamespace(), createNamespace()]
    made.push(client, router, server)
    join(client, router, '10.81.1')
    join(server, router, '10.81.2')
    router.run('sysctl', '-qw', 'net.ipv4.ip_forward=1')
    router.run('nft', 'add table ip n')
    router.run('nft', 'add chain ip n pre { type nat hook prerouting priority -100; }')
    router.run('nft', 'add chain ip n post { type nat hook postrouting priority 100; }')
    router.run('nft', 'add rule ip n pre tcp dport 80 dnat to 10.81.2.2:7001')
    router.run('nft', 'add rule ip n post ip daddr 10.81.2.2 masquerade')
    const near = startPeers(client)
    const far = startPeers(server)
    programs.push(near, far)
    const probe = openSocketProbe({ ringBytes })
    try {
      await far.ask('listen_on', { address: '10.81.2.2', port: 7001 })
      await near.ask('connect_to', { address: '10.81.1.1', port: 80 })
      await far.ask('accept_one')
      await near.ask('say', { who: 'client', count: 16 })
      await far.ask('hear', { who: 'accepted', count: 16 })
      const live = readRecords(probe.dump())
      const there = live.find((one) => one.netns === client.inode) as SocketRecord
      const here = live.find((one) => one.netns === server.inode) as SocketRecord
      assert.equal(there.remote_port, 80)
      assert.equal(here.local_port, 7001)
      assert.notEqual(there.remote, here.local)
      assert.notEqual(there.initiator_seq, 0)
      assert.deepEqual(
        [there.initiator_seq, there.responder_seq],
        [here.initiator_seq, here.responder_seq],
      )
      assert.deepEqual([there.sent_bytes, here.received_bytes], [16, 16])
    } finally {
      probe.close()
    }
  })
})

function join(one: Namespace, router: Namespace, net: string): void {
  const device = `to${net.slice(-1)}`
  router.run('ip', 'link', 'add', device, 'type', 'veth', 'peer', 'name', 'wan', 'netns', one.name)
  router.run('ip', 'address', 'add', `${net}.1/24`, 'dev', device)
  router.run('ip', 'link', 'set', device, 'up')
  one.run('ip', 'address', 'add', `${net}.2/24`, 'dev', 'wan')
  one.run('ip', 'link', 'set', 'wan', 'up')
  one.run('ip', 'route', 'add', 'default', 'via', `${net}.1`)
}

describe('the end', () => {
  const kinds = ['prog', 'map', 'link'] as const

  /** Ids of what this process holds, from its descriptors; a link's names its program too. */
  function heldIds(kind: string): number[] {
    const ids = readdirSync('/proc/self/fdinfo').flatMap((fd) => {
      const id = new RegExp(`^${kind}_id:\\s*(\\d+)`, 'm').exec(readInfo(fd))?.[1]
      return id === undefined ? [] : [Number(id)]
    })
    return [...new Set(ids)]
  }

  function listedIds(kind: (typeof kinds)[number]): ReadonlySet<number> {
    return new Set(listAll<{ id: number }>(kind).map((one) => one.id))
  }

  test('leaves no program, map or link of ours', async () => {
    const probe = openSocketProbe({ ringBytes })
    const held = kinds.map((kind) => ({ kind, ids: heldIds(kind) }))
    for (const { kind, ids } of held) {
      assert.ok(ids.length >= 3, `${kind}: ${ids}`)
      assert.ok(
        ids.every((id) => listedIds(kind).has(id)),
        kind,
      )
    }
    const programs = probe.programs.filter((one) => one.state !== 'off').map((one) => one.id)
    assert.deepEqual(new Set(held[0]?.ids), new Set(programs))
    probe.close()
    probe.close()
    for (const { kind, ids } of held) {
      assert.deepEqual(heldIds(kind), [], kind)
      await until(() => ids.every((id) => !listedIds(kind).has(id)), `${kind}s are left`)
    }
    assert.throws(() => probe.dump(), { code: 'probe_closed' })
    assert.throws(() => probe.drain(() => {}), { code: 'probe_closed' })
  })

  test('a bad ring size is refused before anything is loaded', () => {
    for (const bytes of [0, 1000, 12288, 2 ** 33]) {
      assert.throws(() => openSocketProbe({ ringBytes: bytes }), { code: 'ring_size' })
    }
  })

  test('a full ring loses records and says how many', async () => {
    const namespace = createNamespace()
    const peers = startPeers(namespace)
    const probe = openSocketProbe({ netns: namespace.inode, ringBytes: 4096 })
    try {
      await peers.ask('rate', { count: 30 })
      await until(() => {
        const { seen, filtered, closed, lost_ring: lost } = probe.counters()
        return closed + lost >= 60 && seen === filtered + closed + lost // others of the host are filtered
      }, 'not all ends are counted')
      const { closed, lost_ring: lost } = probe.counters()
      assert.ok(lost > 0)
      assert.equal(closed + lost, 60)
      assert.equal(
        probe.drain(() => {}),
        closed,
      )
    } finally {
      probe.close()
      await peers.stop()
      namespace.remove()
    }
  })
})

function readInfo(fd: string): string {
  try {
    return readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8')
  } catch {
    return '' // the descriptor of the listing itself
  }
}

/** The kernel frees programs after a grace period, and may take in the last acknowledgement after close() has returned. */
async function until(condition: () => boolean, what: string): Promise<void> {
  const end = Date.now() + 60_000
  while (!condition()) {
    if (Date.now() > end) assert.fail(what)
    await pause(20)
  }
}
