// What is attached, pinned and taken off, with real packets between two namespaces. nftables is behind XDP: it counts
// what passed, the sender's side what was sent.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { inspect } from 'node:util'
import { until } from '../../../common/until.fake.ts'
import { bootNs } from '../../loader/clock.ts'
import { parseAddress } from '../../rules/address.ts'
import { parseRules } from '../../rules/text.ts'
import { type Bpffs, mountBpffs } from '../../testing/bpffs.ts'
import { createPair, type Pair } from '../../testing/pair.ts'
import { placeOf } from './attach.ts'
import { attachPinnedXdp, detachPinnedXdp, pinnedXdpStatus } from './door.ts'
import type { XdpEvent } from './packet-event.ts'
import { openPinned, pinFolder } from './pinned.ts'
import { protect, readProtected } from './protected.ts'
import { openReader } from './readers.ts'
import { applyRules, confirmRules, lastingRules, rulesInForce } from './rule-store.ts'

let pair: Pair
let bpffs: Bpffs
let root: string
before(() => {
  pair = createPair()
  bpffs = mountBpffs()
  root = join(bpffs.folder, 'weir')
})
after(() => {
  bpffs?.remove()
  pair?.remove()
})
const target = () => ({ interface: 'far0', netns: pair.far.path, root })

/** The program that iproute2 sees on far0. */
function shown(): number | undefined {
  const [link] = JSON.parse(pair.far.run('ip', '-j', '-d', 'link', 'show', 'far0')) as {
    xdp?: { prog?: { id: number } }
  }[]
  return link?.xdp?.prog?.id
}

/** With the maps of what is attached to far0. */
function withMaps<T>(work: (maps: ReturnType<typeof openPinned>['maps']) => T): T {
  const pinned = openPinned(placeOf(target()))
  try {
    return work(pinned.maps)
  } finally {
    pinned.close()
  }
}

function apply(text: string, more: { confirmWithinMs?: number; protect?: boolean } = {}): void {
  const { rules, mistake } = parseRules(text)
  assert.equal(mistake, undefined)
  withMaps((maps) => applyRules(maps, rules, { interface: 'far0', protect: true, ...more }))
}

/** Packets and L3 octets that passed of so many datagrams from near to far. */
function passed(count: number, payload = 100): { packets: number; octets: number } {
  const before = pair.received()
  pair.send(count, payload)
  const now = pair.received()
  return { packets: now.packets - before.packets, octets: now.octets - before.octets }
}

function countsOf(text: string) {
  return withMaps((maps) =>
    rulesInForce(maps, 'far0').rules.find(({ rule }) => rule.label === Number(text)),
  )?.counts
}

test('the counters are those of nftables, over every change of the rules; detach leaves nothing', async () => {
  const { programId } = await attachPinnedXdp(target(), 'generic')
  try {
    assert.equal(shown(), programId)
    assert.equal(passed(10).packets, 10)
    apply('drop from 10.77.0.0/24 label 7')
    assert.equal(passed(20).packets, 0)
    assert.deepEqual(countsOf('7'), {
      packets: 20,
      bytes: 20 * 128,
      droppedPackets: 20,
      droppedBytes: 20 * 128,
    })
    for (let turn = 1; turn <= 3; turn++) {
      apply(`drop from 10.77.0.0/24 label 7\npass from 192.0.2.${turn}`)
      assert.equal(passed(5).packets, 0)
      assert.equal(countsOf('7')?.packets, 20 + turn * 5)
    }
    apply('pass from 10.77.0.0/24 label 8')
    assert.deepEqual(passed(4), { packets: 4, octets: 4 * 128 })
    assert.equal(countsOf('8')?.droppedPackets, 0)
  } finally {
    await detachPinnedXdp(target())
  }
  assert.equal(shown(), undefined)
  assert.equal(existsSync(pinFolder(placeOf(target()))), false)
  await assert.rejects(detachPinnedXdp(target()), { code: 'xdp_not_attached' })
})

for (const [mode, other] of [
  ['native', 'generic'],
  ['generic', 'native'],
] as const) {
  test(`attached twice is refused in either mode, ${mode} is detached without being named`, async () => {
    const { programId, mode: got } = await attachPinnedXdp(target(), mode)
    assert.equal(got, mode)
    for (const again of [mode, other]) {
      await assert.rejects(attachPinnedXdp(target(), again), { code: 'xdp_attached' })
    }
    assert.equal(shown(), programId)
    const [status] = await pinnedXdpStatus(root)
    assert.deepEqual([status?.mode, status?.programId], [mode, programId])
    await detachPinnedXdp(target())
    assert.equal(shown(), undefined)
  })
}

test("another's program is named and stays", async () => {
  const object = (await import('../../testing/loader.ts')).openAttachObject()
  const id = object.programs.find(({ name }) => name === 'other_xdp')?.id
  pair.far.run('bpftool', 'net', 'attach', 'xdpgeneric', 'id', String(id), 'dev', 'far0')
  object.close()
  try {
    await assert.rejects(attachPinnedXdp(target(), 'auto'), {
      code: 'hook_occupied',
      message: new RegExp(`program ${id} \\(other_xdp, generic\\)`),
    })
    assert.equal(shown(), id)
    assert.equal(existsSync(pinFolder(placeOf(target()))), false, 'pins of the attempt are left')
    await assert.rejects(detachPinnedXdp(target()), { code: 'xdp_not_attached' })
    assert.equal(shown(), id)
  } finally {
    pair.far.run('bpftool', 'net', 'detach', 'xdpgeneric', 'dev', 'far0')
  }
})

test('rules that nobody confirms are taken back by the clock of the kernel', async () => {
  await attachPinnedXdp(target(), 'generic')
  try {
    apply('pass from 10.77.0.0/24 label 1')
    apply('drop from 10.77.0.0/24 label 2', { confirmWithinMs: 600_000 })
    assert.equal(passed(3).packets, 0)
    assert.throws(() => apply('pass from any'), { code: 'rules_unconfirmed' })
    withMaps((maps) => confirmRules(maps, 'far0'))
    assert.equal(passed(3).packets, 0, 'confirmed rules stay')
    apply('pass from 10.77.0.0/24 label 1')
    apply('drop from 10.77.0.0/24 label 2', { confirmWithinMs: 1000 })
    const latest = bootNs() + 1_000_000_000n
    await until('the deadline', () => bootNs() > latest)
    assert.equal(passed(3).packets, 3, 'no process of ours did anything')
    assert.deepEqual(
      withMaps((maps) => lastingRules(maps, 'far0')).map(({ label }) => label),
      [1],
    )
    assert.throws(() => withMaps((maps) => confirmRules(maps, 'far0')), {
      code: 'nothing_to_confirm',
    })
  } finally {
    await detachPinnedXdp(target())
  }
})

test('a rule ends with its ttl, a rule in shadow mode only counts', async () => {
  await attachPinnedXdp(target(), 'generic')
  try {
    apply('drop from 10.77.0.0/24 label 3 ttl 1s')
    const end = bootNs() + 1_100_000_000n
    await until('the end of the rule', () => bootNs() > end)
    assert.equal(passed(2).packets, 2)
    apply('drop from 10.77.0.0/24 label 4 shadow')
    assert.equal(passed(6).packets, 6)
    assert.deepEqual(countsOf('4'), {
      packets: 6,
      bytes: 6 * 128,
      droppedPackets: 6,
      droppedBytes: 6 * 128,
    })
  } finally {
    await detachPinnedXdp(target())
  }
})

test('ARP always passes, and a protected TCP connection outlives a rule that drops everything', async () => {
  await attachPinnedXdp(target(), 'generic')
  const server = spawn(
    'nsenter',
    [
      `--net=${pair.far.path}`,
      '/usr/bin/python3',
      '-c',
      'import socket\ns = socket.create_server(("10.77.0.2", 5555))\nprint("up", flush=True)\nwhile True:\n  c, _ = s.accept()\n  c.sendall(c.recv(100))\n  c.close()',
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  const talk = (limit: string) =>
    pair.near.run(
      '/usr/bin/python3',
      '-c',
      `import socket\ntry:\n  c = socket.create_connection(("10.77.0.2", 5555), ${limit})\n  c.sendall(b"x")\n  print(c.recv(9).decode())\nexcept TimeoutError:\n  print("cut off")`,
    )
  try {
    await once(server.stdout, 'data')
    withMaps((maps) => protect(maps, [{ destinationPort: 5555 }], 'command'))
    apply('drop from any label 9')
    const said = talk('20').trim()
    assert.equal(said, 'x', inspect([countsOf('9'), withMaps((maps) => readProtected(maps))]))
    assert.equal(passed(3).packets, 0)
    // Without a neighbour the question for it must come through, and its answer.
    pair.near.run('ip', 'neighbour', 'del', '10.77.0.2', 'dev', 'near0')
    assert.equal(talk('20').trim(), 'x')
    const source = parseAddress('10.77.0.1')!
    withMaps((maps) => protect(maps, [{ source, sourcePort: 1 }], 'command'))
    assert.equal(talk('1').trim(), 'cut off')
    withMaps((maps) => protect(maps, [{ destinationPort: 5555 }], 'command'))
    apply('drop from any label 9', { protect: false })
    assert.equal(talk('1').trim(), 'cut off', '--no-protect')
  } finally {
    server.kill('SIGKILL')
    await detachPinnedXdp(target())
    pair.near.run(
      'ip',
      'neighbour',
      'replace',
      '10.77.0.2',
      'lladdr',
      '02:00:00:00:00:02',
      'dev',
      'near0',
      'nud',
      'permanent',
    )
  }
})

test('a rate lets its burst through, and a ban all of what follows', async () => {
  await attachPinnedXdp(target(), 'generic')
  try {
    // One packet a second: a second one passes only if the machine stood still for a second.
    apply('limit 1pps from 10.77.0.0/24 ban 1h label 5')
    assert.equal(passed(1).packets, 1)
    pair.send(2, 0)
    assert.equal(passed(10).packets, 0, 'banned')
    const counts = countsOf('5')
    assert.equal(counts?.packets, 13)
    assert.ok((counts?.droppedPackets ?? 0) >= 11)
  } finally {
    await detachPinnedXdp(target())
  }
})

test('100,000 prefixes are loaded and each decides', async () => {
  await attachPinnedXdp(target(), 'generic')
  try {
    const lines = Array.from({ length: 100_000 }, (_, at) => {
      return `drop from 10.${100 + (at >> 16)}.${(at >> 8) & 255}.${at & 255}`
    })
    apply([...lines, 'drop from 10.77.0.1 label 6'].join('\n'))
    assert.equal(passed(7).packets, 0)
    assert.equal(countsOf('6')?.packets, 7)
    assert.equal(withMaps((maps) => lastingRules(maps, 'far0')).length, 100_001)
  } finally {
    await detachPinnedXdp(target())
  }
})

test('an interface that is deleted is shown as gone, and its rules are there when it is back', async () => {
  const gone = createPair()
  const there = { interface: 'far0', netns: gone.far.path, root }
  try {
    await attachPinnedXdp(there, 'generic')
    const place = placeOf(there)
    const pinned = openPinned(place)
    applyRules(pinned.maps, parseRules('drop from 10.99.0.0/16 label 4').rules, {
      interface: 'far0',
      protect: true,
    })
    pinned.close()
    gone.near.run('ip', 'link', 'delete', 'near0')
    assert.deepEqual(
      (await pinnedXdpStatus(root)).map(({ mode }) => mode),
      ['gone'],
    )
    gone.far.run('ip', 'link', 'add', 'far0', 'type', 'veth', 'peer', 'name', 'far1')
    const { rules } = await attachPinnedXdp(there, 'generic')
    assert.equal(rules, 1)
    await detachPinnedXdp(there)
  } finally {
    gone.remove()
  }
})

test('each reader gets every packet, and one that was killed leaves its place', async () => {
  await attachPinnedXdp(target(), 'generic')
  try {
    apply('drop from 10.77.0.0/24 label 11')
    withMaps((maps) => {
      const wish = { want: 'all', every: 1, snap: 64, protocols: [17] } as const
      const [one, other] = [openReader(maps, 'far0', wish), openReader(maps, 'far0', wish)]
      const small = openReader(maps, 'far0', { ...wish, ringBytes: 4096 })
      pair.send(100, 300)
      for (const reader of [one, other]) {
        const events: XdpEvent[] = []
        assert.equal(
          reader.drain((event) => events.push(event)),
          100,
        )
        assert.deepEqual(
          [
            ...new Set(
              events.map((event) =>
                [
                  event.label,
                  event.action,
                  event.bytes,
                  event.frameBytes,
                  event.sample.length,
                  event.destinationPort,
                ].join(' '),
              ),
            ),
          ],
          ['11 1 328 342 64 9999'],
        )
      }
      const got = small.drain(() => {})
      assert.ok(got > 0 && got < 100)
      assert.equal(got + small.counts().lost, 100, 'a full ring is counted')
      const more = Array.from({ length: 5 }, () => openReader(maps, 'far0', wish))
      assert.throws(() => openReader(maps, 'far0', wish), { code: 'xdp_readers' })
      for (const reader of [one, other, small, ...more]) reader.close()
    })
  } finally {
    await detachPinnedXdp(target())
  }
})

for (const phase of ['attach', 'apply', 'read'] as const) {
  test(`kill -9 at any moment of ${phase} leaves nothing, or what was there`, async () => {
    const script = new URL('../../testing/xdp-process.ts', import.meta.url).pathname
    const states = new Set<string>()
    for (let turn = 0; turn < 6; turn++) {
      if (phase !== 'attach') {
        await attachPinnedXdp(target(), 'generic')
        apply('drop from 10.77.0.0/24 label 1')
      }
      const child = spawn(process.execPath, [script, phase, pair.far.path, root], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      await once(child.stdout, 'data')
      await new Promise((resolve) => setTimeout(resolve, turn * 15))
      child.kill('SIGKILL')
      await once(child, 'exit')
      if (phase === 'attach') {
        const [status] = await pinnedXdpStatus(root)
        // The kernel ends a link some time after its last descriptor.
        await until('attached exactly if it is pinned', () => {
          return (shown() === undefined) === (status === undefined)
        })
        states.add(String(status === undefined))
        if (status === undefined) {
          await attachPinnedXdp(target(), 'generic')
          assert.equal((await pinnedXdpStatus(root)).length, 1)
        }
      } else {
        // Either set drops what near sends: at no moment did anything pass.
        assert.equal(passed(3).packets, 0)
        apply('pass from 10.77.0.0/24 label 2')
        assert.equal(passed(3).packets, 3)
      }
      await detachPinnedXdp(target())
      assert.equal(shown(), undefined)
    }
  })
}
