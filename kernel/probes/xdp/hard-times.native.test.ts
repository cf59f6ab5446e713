// What happens to an attached program and its rules when the world around them changes: renamed interfaces, namespaces
// that go, full maps, commands that die while rules wait to be confirmed or are taken off.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, before, test } from 'node:test'
import { until } from '../../../common/until.fake.ts'
import { bootNs } from '../../loader/clock.ts'
import { parseAddress } from '../../rules/address.ts'
import { parseRules } from '../../rules/text.ts'
import { assertGone, type Bpffs, mountBpffs } from '../../testing/bpffs.ts'
import { createPair, type Pair, untilUp } from '../../testing/pair.ts'
import { placeOf } from './attach.ts'
import { attachPinnedXdp, detachPinnedXdp, pinnedXdpStatus, watchXdp } from './door.ts'
import { listPinned, openPinned, pinFolder, xdpLayout } from './pinned.ts'
import { type ProtectedConnection, protect, protectOwn, readProtected } from './protected.ts'
import { applyRules, lastingRules, rulesInForce, summarizeRules } from './rule-store.ts'

let bpffs: Bpffs
let root: string
before(() => {
  bpffs = mountBpffs()
  root = join(bpffs.folder, 'weir')
})
after(() => bpffs?.remove())

interface Ground {
  readonly pair: Pair
  readonly target: { readonly interface: string; readonly netns: string; readonly root: string }
  withMaps<T>(work: (maps: ReturnType<typeof openPinned>['maps']) => T): T
  apply(text: string, more?: { readonly confirmWithinMs?: number }): void
  /** Packets of so many datagrams that nftables counts behind XDP. */
  passed(count: number): number
}

/** An own pair with the program attached to its far end; `work` may have taken it off. */
async function withAttached(work: (ground: Ground) => Promise<void>): Promise<void> {
  const pair = createPair()
  const target = { interface: 'far0', netns: pair.far.path, root }
  const withMaps: Ground['withMaps'] = (use) => {
    const pinned = openPinned(placeOf(target))
    try {
      return use(pinned.maps)
    } finally {
      pinned.close()
    }
  }
  const apply: Ground['apply'] = (text, more = {}) =>
    withMaps((maps) =>
      applyRules(maps, parseRules(text).rules, { interface: 'far0', protect: true, ...more }),
    )
  const passed = (count: number) => {
    const before = pair.received().packets
    pair.send(count, 10)
    return pair.received().packets - before
  }
  try {
    await attachPinnedXdp(target, 'generic')
    await work({ pair, target, withMaps, apply, passed })
  } finally {
    if (listPinned(root).length > 0) await detachPinnedXdp(target).catch(() => {})
    pair.remove()
  }
}

test('an interface that is renamed keeps its program and rules; what was pinned for it comes off by its old name', () =>
  withAttached(async ({ pair, target, apply, passed, withMaps }) => {
    apply('drop from 10.77.0.0/24 label 1')
    pair.far.run('ip', 'link', 'set', 'far0', 'down')
    pair.far.run('ip', 'link', 'set', 'far0', 'name', 'other0')
    pair.far.run('ip', 'link', 'set', 'other0', 'up')
    untilUp(pair.far, 'other0')
    untilUp(pair.near, 'near0')
    assert.equal(passed(3), 0)
    const [status] = await pinnedXdpStatus(root)
    assert.deepEqual([status?.interface, status?.mode, status?.rules], ['far0', 'generic', 1])
    assert.equal(
      withMaps((maps) => rulesInForce(maps, 'far0').rules[0]?.counts.packets),
      3,
    )
    // The new name is another interface to Weir; the kernel has one program there, and it is named.
    const renamed = { ...target, interface: 'other0' }
    await assert.rejects(attachPinnedXdp(renamed, 'generic'), { code: 'hook_occupied' })
    await detachPinnedXdp(target)
    await attachPinnedXdp(renamed, 'generic')
    await detachPinnedXdp(renamed)
    assert.equal(existsSync(pinFolder(placeOf(target))), false)
  }))

test('a network namespace that goes leaves pins that are shown and come off, and nothing in the kernel', async () => {
  const pair = createPair()
  const target = { interface: 'far0', netns: pair.far.path, root }
  const place = placeOf(target)
  const { programId } = await attachPinnedXdp(target, 'generic')
  pair.remove()
  // The kernel takes a namespace apart some time after its last user.
  await until('a namespace that is gone', async () => {
    const mode = (await pinnedXdpStatus(root))[0]?.mode
    return mode === 'gone' || mode === 'unknown'
  })
  const [left] = listPinned(root)
  assert.deepEqual(left, place)
  // Its file is gone with it; a command names it by what the status shows.
  await detachPinnedXdp({ ...target, netns: `${place.netns}` })
  assert.deepEqual(listPinned(root), [])
  assertGone('prog', programId)
})

test('the program of another version is named, is not replaced, and comes off', () =>
  withAttached(async ({ target, apply, passed }) => {
    apply('drop from 10.77.0.0/24 label 1')
    const place = placeOf(target)
    // What makes it one of this version.
    unlinkSync(join(pinFolder(place), `layout-${xdpLayout}`))
    const [status] = await pinnedXdpStatus(root)
    assert.deepEqual(
      [status?.interface, status?.mode, status?.isOther, (status?.programId ?? 0) > 0],
      ['far0', 'generic', true, true],
    )
    const refused = { code: 'xdp_other_version', message: /another version of Weir .* on far0/ }
    await assert.rejects(attachPinnedXdp(target, 'generic'), refused)
    await assert.rejects(watchXdp(target, 'generic'), refused)
    assert.throws(() => openPinned(place), refused)
    assert.equal(passed(3), 0, 'its rules go on')
    await detachPinnedXdp(target)
    assert.equal(passed(3), 3)
    assert.deepEqual(await pinnedXdpStatus(root), [])
  }))

test('the list of protected connections is full: an error names it, and no rule has changed', () =>
  withAttached(async ({ withMaps, apply, passed }) => {
    apply('pass from 10.77.0.0/24 label 1')
    const source = parseAddress('192.0.2.1')!
    const many: ProtectedConnection[] = Array.from({ length: 1025 }, (_, at) => ({
      source,
      sourcePort: at + 1,
    }))
    withMaps((maps) => protect(maps, many.slice(1), 'command'))
    assert.throws(() => withMaps((maps) => protect(maps, many, 'command')), { code: 'map_full' })
    assert.equal(withMaps(readProtected).length, 1024, 'the list before')
    assert.equal(passed(2), 2)
    withMaps((maps) => protect(maps, [{ destinationPort: 22 }], 'command'))
    assert.equal(withMaps(readProtected).length, 1, 'a shorter one takes its place')
  }))

test('what Weir found and what a command named do not remove each other', () =>
  withAttached(async ({ withMaps }) => {
    const source = parseAddress('192.0.2.1')!
    const central = { source, sourcePort: 50_051 }
    withMaps((maps) => protect(maps, [{ destinationPort: 22 }, central], 'command'))
    protectOwn(root, [central, { destinationPort: 8080 }])
    const owners = () =>
      withMaps(readProtected)
        .map(({ by, destinationPort, sourcePort }) => `${by} ${destinationPort ?? sourcePort}`)
        .sort()
    assert.deepEqual(owners(), ['command 22', 'command 50051', 'weir 8080'])
    protectOwn(root, [])
    assert.deepEqual(owners(), ['command 22', 'command 50051'])
    withMaps((maps) => protect(maps, [], 'command'))
    assert.deepEqual(owners(), [])
  }))

test('without its last rule an interface has none, and 65 rules behind one prefix are refused as a whole', () =>
  withAttached(async ({ withMaps, apply, passed }) => {
    apply('drop from 10.77.0.0/24 label 1')
    assert.equal(passed(2), 0)
    const long = Array.from({ length: 65 }, (_, at) => `drop proto udp port ${at + 1}`)
    assert.throws(() => apply(long.join('\n')), { code: 'rules_too_many' })
    assert.equal(passed(2), 0, 'the rules before are in force')
    apply('')
    assert.equal(passed(2), 2)
    withMaps((maps) => {
      assert.deepEqual(rulesInForce(maps, 'far0').rules, [])
      assert.deepEqual(lastingRules(maps, 'far0'), [])
      assert.equal(summarizeRules(maps).count, 0)
    })
  }))

test('of more sources than a table of rates has room for none is dropped', () =>
  withAttached(async ({ pair, apply, withMaps }) => {
    // More sources than a table of rates has room for: the least recently used give way.
    apply('limit 1000000pps from 10.0.0.0/8 label 3')
    const script = `import socket, struct
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind(("near0", 0))
head = bytes.fromhex("020000000002020000000001" + "0800" + "4500001c00000000401100000a")
for n in range(70000):
  s.send(head + struct.pack("!I", n)[1:] + bytes([10, 77, 0, 2]) + struct.pack("!HHHH", 1, 9999, 8, 0))
`
    const before = pair.received().packets
    pair.near.run('/usr/bin/python3', '-c', script)
    const counts = withMaps((maps) => rulesInForce(maps, 'far0').rules[0]?.counts)
    assert.equal(counts?.packets, 70_000)
    assert.equal(counts?.droppedPackets, 0)
    assert.ok(pair.received().packets >= before)
  }))

test('kill -9 of whoever applied rules that wait: the kernel takes them back, and another confirms others', () =>
  withAttached(async ({ pair, apply, passed, withMaps }) => {
    apply('pass from 10.77.0.0/24 label 1')
    const script = new URL('../../testing/xdp-process.ts', import.meta.url).pathname
    const child = spawn(process.execPath, [script, 'confirm', pair.far.path, root], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    // Both lines may come in one piece.
    for await (const line of createInterface({ input: child.stdout })) if (line === 'applied') break
    child.kill('SIGKILL')
    await once(child, 'exit')
    const { deadlineNs } = withMaps(summarizeRules)
    // It had said that the rules were in force: until the deadline they drop, afterwards nothing does.
    await until('the deadline', () => bootNs() > deadlineNs)
    assert.equal(passed(3), 3)
    assert.deepEqual(
      withMaps((maps) => lastingRules(maps, 'far0')).map(({ label }) => label),
      [1],
    )
  }))

test('kill -9 at any moment of detach leaves it attached and pinned, or nothing', async () => {
  for (let turn = 0; turn < 6; turn++) {
    await withAttached(async ({ pair, target }) => {
      const script = new URL('../../testing/xdp-process.ts', import.meta.url).pathname
      const child = spawn(process.execPath, [script, 'detach', pair.far.path, root], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      // It ends by itself when it has detached, perhaps before it is killed.
      const exited = once(child, 'exit')
      await once(child.stdout, 'data')
      await new Promise((resolve) => setTimeout(resolve, turn * 10))
      child.kill('SIGKILL')
      await exited
      const isPinned = (await pinnedXdpStatus(root)).length > 0
      // The kernel ends a link some time after its last descriptor.
      await until(isPinned ? 'a program that is there' : 'no program', () => {
        const shown = pair.far.run('ip', '-j', '-d', 'link', 'show', 'far0')
        const [link] = JSON.parse(shown) as { xdp?: unknown }[]
        return (link?.xdp !== undefined) === isPinned
      })
      // Whatever it left, the next command goes on from there.
      if (!isPinned) await attachPinnedXdp(target, 'generic')
      await detachPinnedXdp(target)
      assert.deepEqual(listPinned(root), [])
    })
  }
})
