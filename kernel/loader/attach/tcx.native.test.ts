// tcx between two namespaces: packets as nftables counts them, links as bpftool lists them, others left alone.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type Attacher, attachInProcess, counting, startAttacher } from '../../testing/attach.ts'
import { assertGone } from '../../testing/bpffs.ts'
import { kernelAtLeast } from '../../testing/features.ts'
import { listAll } from '../../testing/loader.ts'
import { createPair, type Pair } from '../../testing/pair.ts'

const here = kernelAtLeast(6, 6)
const skip = here ? false : 'tcx is in Linux 6.6 and later'

let pair: Pair
let weir: Attacher
before(() => {
  pair = createPair()
  weir = startAttacher()
})
after(async () => {
  await weir?.stop()
  pair?.remove()
})

const into = () => ({ interface: 'far0', netns: pair.far.path, direction: 'ingress' })
const outOf = () => ({ interface: 'near0', netns: pair.near.path, direction: 'egress' })

test('the feature test says what the kernel can do, and what to use instead', async () => {
  const [state, message] = await weir.feature('tcx')
  assert.equal(state, here ? 'available' : 'missing')
  if (!here)
    assert.equal(message, 'tcx needs Linux 6.6 or later; instead: clsact, or a socket filter')
})

test('without tcx an attempt is refused with the substitute, and nothing is attached', async () => {
  if (here) return
  await assert.rejects(weir.attach('tcx', 'weir_tc_in', into()), { code: 'unsupported_feature' })
  assert.deepEqual(await weir.attached('tcx', into()), [])
})

test('an interface and a namespace that do not exist are named', async () => {
  for (const which of ['weir_nothing', 'a_name_longer_than_any', 9999, 0]) {
    await assert.rejects(weir.attach('tcx', 'weir_tc_in', { ...into(), interface: which }), {
      code: 'interface_missing',
      message: `there is no interface ${which} in the network namespace ${pair.far.path}`,
    })
  }
  const nowhere = { ...into(), netns: '/run/netns/weir-none' }
  await assert.rejects(weir.attach('tcx', 'weir_tc_in', nowhere), { code: 'namespace_refused' })
  const gone = { ...into(), netns: 1 }
  await assert.rejects(weir.attach('tcx', 'weir_tc_in', gone), {
    code: 'namespace_refused',
    message: /namespace 1: no process and no name stands for it/,
  })
})

describe('attached', { skip }, () => {
  interface ListedLink {
    readonly id: number
    readonly prog_id: number
  }
  const linkOf = (id: number) => listAll<ListedLink>('link').find((one) => one.id === id)

  test('packets and octets of both directions are those of nftables', async () => {
    const attached = [
      await weir.attach('tcx', 'weir_tc_in', into()),
      await weir.attach('tcx', 'weir_tc_out', outOf()),
    ]
    const before = [pair.sent(), pair.received()]
    for (const [count, payload] of [
      [7, 0],
      [50, 100],
      [3, 1400],
    ] as const) {
      pair.send(count, payload)
    }
    const seen = [await weir.counted(counting.tcOut), await weir.counted(counting.tcIn)]
    const sums = [pair.sent(), pair.received()].map(({ packets, octets }, at) => [
      packets - before[at]!.packets,
      octets - before[at]!.octets,
    ])
    assert.deepEqual(seen, sums)
    assert.equal(seen[0]?.[0], 60)
    for (const { linkId, programId } of attached) assert.equal(linkOf(linkId)?.prog_id, programId)
    for (const one of attached) await weir.detach(one)
    for (const { linkId } of attached) assertGone('link', linkId)
    pair.send(5, 10)
    assert.deepEqual(await weir.counted(counting.tcIn), sums[1], 'nothing is counted afterwards')
  })

  test('a namespace by its inode is the same as by its path', async () => {
    const byInode = { ...into(), netns: pair.far.inode, interface: pair.index(pair.far, 'far0') }
    const attached = await weir.attach('tcx', 'weir_tc_in', byInode)
    const { linkId, programId } = attached
    assert.deepEqual(await weir.attached('tcx', into()), [
      { programId, linkId, name: 'weir_tc_in', owner: 'this', details: '' },
    ])
    await weir.detach(attached)
    assert.deepEqual(await weir.attached('tcx', into()), [])
  })

  test("ours sees what another's program drops, before and behind it in time, and leaves it there", async () => {
    const other = await attachInProcess('tcx', 'other_tc', into())
    try {
      const attached = await weir.attach('tcx', 'weir_tc_in', into())
      const list = await weir.attached('tcx', into())
      assert.deepEqual(
        list.map(({ programId, name, owner }) => [programId, name, owner]),
        [
          [attached.programId, 'weir_tc_in', 'this'],
          [other.programId, 'other_tc', 'other'],
        ],
      )
      const [before, [counted = 0]] = [pair.received(), await weir.counted(counting.tcIn)]
      pair.send(20, 10)
      assert.equal((await weir.counted(counting.tcIn))[0], counted + 20)
      assert.deepEqual(pair.received(), before, 'the other one has dropped all')
      await weir.detach(attached)
      const left = await weir.attached('tcx', into())
      assert.deepEqual(
        left.map(({ linkId }) => linkId),
        [other.linkId],
      )
    } finally {
      await other.kill()
    }
    assertGone('link', other.linkId)
    assert.deepEqual(await weir.attached('tcx', into()), [])
  })

  test('kill -9 leaves nothing attached', async () => {
    const killed = await attachInProcess('tcx', 'weir_tc_in', into())
    const [found] = await weir.attached('tcx', into())
    assert.deepEqual([found?.linkId, found?.owner], [killed.linkId, 'weir'])
    await killed.kill()
    assertGone('link', killed.linkId)
    assert.deepEqual(await weir.attached('tcx', into()), [])
    assertGone('prog', killed.programId)
  })

  test('an interface that is deleted takes the attachment along, and detaching is no error', async () => {
    const gone = createPair()
    try {
      const place = { interface: 'far0', netns: gone.far.path, direction: 'ingress' }
      const attached = await weir.attach('tcx', 'weir_tc_in', place)
      gone.near.run('ip', 'link', 'delete', 'near0')
      await assert.rejects(weir.attached('tcx', place), { code: 'interface_missing' })
      await weir.detach(attached)
      assertGone('link', attached.linkId)
    } finally {
      gone.remove()
    }
  })

  test('a program of another kind is refused with the reason', async () => {
    await assert.rejects(weir.attach('tcx', 'weir_xdp', into()), {
      code: 'attach_refused',
      message: /^attaching weir_xdp to tcx ingress of far0: /,
    })
  })
})
