// XDP between two namespaces, generic and native: packets as nftables counts them, `ip -d link` and bpftool as the
// other opinions, another's program never replaced.

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, afterEach, before, test } from 'node:test'
import { type Attacher, attachInProcess, counting, startAttacher } from '../../testing/attach.ts'
import { assertGone, type Bpffs, mountBpffs } from '../../testing/bpffs.ts'
import { bpftool, openAttachObject } from '../../testing/loader.ts'
import { createPair, type Pair } from '../../testing/pair.ts'
import { openPinnedLink } from './link.ts'

let pair: Pair
let weir: Attacher
let bpffs: Bpffs
before(() => {
  pair = createPair()
  weir = startAttacher()
  bpffs = mountBpffs()
})
after(async () => {
  await weir?.stop()
  bpffs?.remove()
  pair?.remove()
})
afterEach(() => assert.deepEqual(shown(), undefined, 'a program is left on far0'))

const at = (mode: string) => ({ interface: 'far0', netns: pair.far.path, mode })

/** What iproute2 says: mode 1 is native, 2 generic. */
function shown(): { readonly mode: number; readonly id: number } | undefined {
  interface Shown {
    readonly xdp?: { readonly mode: number; readonly prog?: { readonly id: number } }
  }
  const [link] = JSON.parse(pair.far.run('ip', '-j', '-d', 'link', 'show', 'far0')) as Shown[]
  const { mode = 0, prog } = link?.xdp ?? {}
  return prog === undefined ? undefined : { mode, id: prog.id }
}

test('the feature is there', async () => {
  assert.deepEqual(await weir.feature('xdp'), ['available'])
})

for (const [mode, number] of [
  ['native', 1],
  ['generic', 2],
] as const) {
  test(`${mode}: packets and octets are those of nftables, and iproute2 sees program and mode`, async () => {
    const attached = await weir.attach('xdp', 'weir_xdp', at(mode))
    assert.equal(attached['mode'], mode)
    assert.deepEqual(shown(), { mode: number, id: attached.programId })
    const { linkId, programId } = attached
    assert.deepEqual(await weir.attached('xdp', at(mode)), [
      { programId, linkId, name: 'weir_xdp', owner: 'this', details: mode },
    ])
    const [before, [packets = 0, octets = 0]] = [pair.received(), await weir.counted(counting.xdp)]
    pair.deliver(40, 0)
    pair.deliver(10, 1300)
    const now = pair.received()
    assert.equal(now.packets - before.packets, 50)
    assert.deepEqual(await weir.counted(counting.xdp), [
      packets + 50,
      octets + now.octets - before.octets,
    ])
    await weir.detach(attached)
    assertGone('link', linkId)
  })
}

test('auto takes the native mode where the driver has it, else the generic one and says why', async () => {
  const native = await weir.attach('xdp', 'weir_xdp', at('auto'))
  assert.deepEqual([native['mode'], native['nativeRefusal']], ['native', ''])
  await weir.detach(native)
  // veth takes no native program on an interface whose frames are longer than a page.
  pair.near.run('ip', 'link', 'set', 'near0', 'mtu', '9000')
  try {
    const generic = await weir.attach('xdp', 'weir_xdp', at('auto'))
    assert.equal(generic['mode'], 'generic')
    assert.notEqual(generic['nativeRefusal'], '')
    assert.deepEqual(shown(), { mode: 2, id: generic.programId })
    await weir.detach(generic)
  } finally {
    pair.near.run('ip', 'link', 'set', 'near0', 'mtu', '1500')
  }
})

test("another's program is named and stays, whatever mode is asked for", async () => {
  const object = openAttachObject()
  const id = object.programs.find(({ name }) => name === 'other_xdp')?.id
  pair.far.run('bpftool', 'net', 'attach', 'xdpgeneric', 'id', String(id), 'dev', 'far0')
  object.close()
  try {
    assert.deepEqual(await weir.attached('xdp', at('auto')), [
      { programId: id, linkId: 0, name: 'other_xdp', owner: 'other', details: 'generic' },
    ])
    for (const mode of ['generic', 'native', 'auto']) {
      await assert.rejects(weir.attach('xdp', 'weir_xdp', at(mode)), {
        code: 'hook_occupied',
        message:
          `attaching weir_xdp to XDP of far0: program ${id} (other_xdp, generic) is there, ` +
          'and is never replaced',
      })
    }
    assert.equal(shown()?.id, id)
  } finally {
    pair.far.run('bpftool', 'net', 'detach', 'xdpgeneric', 'dev', 'far0')
  }
})

test('a program of another Weir is refused too, and named as such in the list', async () => {
  const other = await attachInProcess('xdp', 'weir_xdp', at('generic'))
  try {
    const [found] = await weir.attached('xdp', at('auto'))
    assert.deepEqual([found?.owner, found?.linkId], ['weir', other.linkId])
    await assert.rejects(weir.attach('xdp', 'weir_xdp', at('native')), { code: 'hook_occupied' })
  } finally {
    await other.kill()
    assertGone('link', other.linkId)
  }
})

test('kill -9 leaves nothing attached', async () => {
  const killed = await attachInProcess('xdp', 'weir_xdp', at('native'))
  assert.equal(shown()?.id, killed.programId)
  await killed.kill()
  assertGone('link', killed.linkId)
  assertGone('prog', killed.programId)
})

test('a pinned link outlives its process and is detached through its pin', async () => {
  const path = join(bpffs.folder, 'far0')
  const other = startAttacher()
  const attached = await other.attach('xdp', 'weir_xdp', at('generic'))
  await other.pin(attached, path)
  await assert.rejects(other.pin(attached, path), { code: 'pin_exists' })
  await other.close()
  await other.stop()
  assert.equal(shown()?.id, attached.programId)
  const { id } = bpftool<{ id: number }>('link', 'show', 'pinned', path)
  const pinned = openPinnedLink(path)
  assert.deepEqual([id, pinned?.linkId], [attached.linkId, attached.linkId])
  pinned?.release()
  assert.equal(shown()?.id, attached.programId, 'letting go of a pinned link changes nothing')
  openPinnedLink(path)?.detach()
  assert.equal(openPinnedLink(path), undefined)
  assertGone('link', attached.linkId)
})

test('an interface that is deleted takes the attachment along', async () => {
  const gone = createPair()
  try {
    const attached = await weir.attach('xdp', 'weir_xdp', {
      ...at('generic'),
      netns: gone.far.path,
    })
    gone.near.run('ip', 'link', 'delete', 'near0')
    await weir.detach(attached)
    assertGone('link', attached.linkId)
  } finally {
    gone.remove()
  }
})

test('an interface that is renamed keeps the attachment, under the new name', async () => {
  const attached = await weir.attach('xdp', 'weir_xdp', at('generic'))
  try {
    pair.far.run('ip', 'link', 'set', 'far0', 'down')
    pair.far.run('ip', 'link', 'set', 'far0', 'name', 'other0')
    const [found] = await weir.attached('xdp', { ...at('generic'), interface: 'other0' })
    assert.equal(found?.linkId, attached.linkId)
  } finally {
    pair.far.run('ip', 'link', 'set', 'other0', 'name', 'far0')
    pair.far.run('ip', 'link', 'set', 'far0', 'up')
    await weir.detach(attached)
  }
})
