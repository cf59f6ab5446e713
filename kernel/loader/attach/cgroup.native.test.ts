// Programs on a cgroup of a test's own: packets of its sockets as nftables counts them, sockets made in it, programs
// as bpftool lists them; another's that wants to be alone stays.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, rmdirSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { cgroupMounts } from '../../probes/doctor.ts'
import { attachInProcess, counting } from '../../testing/attach.ts'
import { assertGone } from '../../testing/bpffs.ts'
import { listAll, openAttachObject } from '../../testing/loader.ts'
import { createNamespace, type Namespace } from '../../testing/peers.ts'
import { readText } from '../host.ts'
import { createMapEntries } from '../map-batch.ts'
import { sumOverCpus } from '../map-sum.ts'
import type { LoadedObject } from '../object.ts'
import { cgroup } from './cgroup.ts'

const { cgroupRoot } = cgroupMounts(readText('/proc/self/mountinfo'))
const path = join(cgroupRoot, `weir-test-${process.pid}`)
let object: LoadedObject
let namespace: Namespace
before(() => {
  mkdirSync(path)
  namespace = createNamespace()
  namespace.run('nft', 'add table ip seen')
  namespace.run('nft', 'add chain ip seen out { type filter hook output priority 0; }')
  namespace.run('nft', 'add rule ip seen out udp dport 9999 counter')
  object = openAttachObject()
})
after(() => {
  object?.close()
  namespace?.remove()
  rmdirSync(path)
})

const place = (event: 'ingress' | 'egress' | 'sock_create') => ({ path, event })

/** Datagrams from a process of the cgroup, or not of it, to itself over loopback; one socket. */
function send(count: number, payloadBytes: number, inside = true): void {
  const script = [
    'import socket',
    's = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)',
    's.bind(("127.0.0.1", 9999))',
    `for _ in range(${count}):`,
    `    s.sendto(bytes(${payloadBytes}), ("127.0.0.1", 9999))`,
    '    s.recv(65536)',
  ].join('\n')
  const join = inside ? `echo $$ > ${path}/cgroup.procs; ` : ''
  namespace.run('sh', '-c', `${join}exec /usr/bin/python3 -c '${script}'`)
}

function counted(who: number): readonly number[] {
  const map = object.map('counted')
  const entries = createMapEntries()
  map.read(entries)
  const at = Array.from({ length: entries.count }, (_, index) => entries.keyWords[index]).indexOf(
    who,
  )
  return [0, 8].map((offset) => {
    const sums = new Float64Array(entries.count)
    sumOverCpus(map, entries, { offset, octets: 8 }, sums)
    return sums[at] ?? 0
  })
}

function sent(): readonly number[] {
  const [, packets, octets] =
    /counter packets (\d+) bytes (\d+)/.exec(namespace.run('nft', 'list chain ip seen out')) ?? []
  return [Number(packets), Number(octets)]
}

/** Programs that links hold on the cgroup, by bpftool; a cgroup's id is its folder's inode. */
function shown(): readonly number[] {
  interface CgroupLink {
    readonly prog_id: number
    readonly cgroup_id?: number
  }
  const id = statSync(path).ino
  const links = listAll<CgroupLink>('link').filter((link) => link.cgroup_id === id)
  return links.map((link) => link.prog_id)
}

test('the features are there; a folder that is no cgroup is named', () => {
  for (const event of ['ingress', 'egress', 'sock_create', 'sock_release'] as const) {
    assert.deepEqual(cgroup.feature({ path, event }), { state: 'available' }, event)
  }
  for (const [folder, reason] of [
    [tmpdir(), /it is no folder of cgroup2/],
    ['/nowhere', /ENOENT/],
  ] as const) {
    const wrong = { path: folder, event: 'egress' } as const
    assert.equal(cgroup.feature(wrong).state, 'unknown')
    assert.throws(() => cgroup.attached(wrong), { code: 'cgroup_missing', message: reason })
    assert.throws(() => object.attach('weir_cgroup_out', cgroup, wrong), {
      code: 'cgroup_missing',
      message: reason,
    })
  }
})

test('packets and octets of the cgroup, both directions, are those of nftables; of others none', () => {
  const out = object.attach('weir_cgroup_out', cgroup, place('egress'))
  const into = object.attach('weir_cgroup_in', cgroup, place('ingress'))
  assert.deepEqual(shown().toSorted(), [out.programId, into.programId].toSorted())
  const { programId, linkId } = out
  assert.deepEqual(cgroup.attached(place('egress')), [
    { programId, linkId, name: 'weir_cgroup_out', owner: 'this', details: 'egress' },
  ])
  send(13, 0)
  send(8, 3000)
  assert.deepEqual(counted(counting.cgroupOut), sent())
  assert.deepEqual(counted(counting.cgroupIn), sent())
  assert.equal(sent()[0], 21)
  const before = counted(counting.cgroupOut)
  send(5, 0, false)
  assert.deepEqual(counted(counting.cgroupOut), before)
  out.detach()
  into.detach()
  assert.deepEqual(shown(), [])
  send(5, 0)
  assert.deepEqual(counted(counting.cgroupOut), before)
})

test('each socket that is made in the cgroup runs the program once', () => {
  const attached = object.attach('weir_sock_made', cgroup, place('sock_create'))
  const before = object.variables().get('runs')
  for (let times = 0; times < 3; times++) send(1, 0)
  send(1, 0, false)
  assert.equal(object.variables().get('runs'), before + 3n)
  attached.detach()
})

test("another's program runs beside ours, and one that wants to be alone is named and stays", () => {
  const id = object.programs.find(({ name }) => name === 'other_cgroup')?.id
  const run = (...args: readonly string[]) => execFileSync('bpftool', ['cgroup', ...args])
  run('attach', path, 'egress', 'id', String(id), 'multi')
  const attached = object.attach('weir_cgroup_out', cgroup, place('egress'))
  assert.deepEqual(
    cgroup
      .attached(place('egress'))
      .map(({ name }) => name)
      .toSorted(),
    ['other_cgroup', 'weir_cgroup_out'],
  )
  attached.detach()
  // bpftool refuses to detach what is not there.
  run('detach', path, 'egress', 'id', String(id))
  run('attach', path, 'egress', 'id', String(id))
  try {
    assert.throws(() => object.attach('weir_cgroup_out', cgroup, place('egress')), {
      code: 'hook_occupied',
      message: /program \d+ \(other_cgroup, egress\) is there, and is never replaced/,
    })
  } finally {
    run('detach', path, 'egress', 'id', String(id))
  }
})

test('kill -9 leaves nothing attached', async () => {
  const killed = await attachInProcess('cgroup', 'weir_cgroup_in', place('ingress'))
  assert.deepEqual(shown(), [killed.programId])
  await killed.kill()
  assertGone('link', killed.linkId)
  assert.deepEqual(shown(), [])
})

test('a program of another kind is refused with the reason', () => {
  assert.throws(() => object.attach('weir_sock_made', cgroup, place('egress')), {
    code: 'attach_refused',
    message: /^attaching weir_sock_made to egress of cgroup /,
  })
})
