// clsact between two namespaces: packets as nftables counts them, filters as tc lists them. What a killed process
// left behind is removed, what others attached is not.

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, afterEach, before, test } from 'node:test'
import { type Attacher, attachInProcess, counting, startAttacher } from '../../testing/attach.ts'
import { type Bpffs, mountBpffs } from '../../testing/bpffs.ts'
import { bpftool, openAttachObject } from '../../testing/loader.ts'
import { createPair, type Pair } from '../../testing/pair.ts'

interface Shown {
  readonly pref: number
  readonly protocol: string
  readonly options?: {
    readonly handle?: string
    readonly bpf_name?: string
    readonly prog?: { readonly id: number }
  }
}

let pair: Pair
let weir: Attacher
let bpffs: Bpffs
before(() => {
  pair = createPair()
  weir = startAttacher()
  bpffs = mountBpffs()
  pinOther()
})
after(async () => {
  await weir?.stop()
  bpffs?.remove()
  pair?.remove()
})
afterEach(() => assert.ok(!hasQdisc(), 'a clsact is left on far0'))

const into = () => ({ interface: 'far0', netns: pair.far.path, direction: 'ingress' })
const outOf = () => ({ interface: 'far0', netns: pair.far.path, direction: 'egress' })
const nearOut = () => ({ interface: 'near0', netns: pair.near.path, direction: 'egress' })

function other(): string {
  return join(bpffs.folder, 'other')
}

function pinOther(): void {
  const object = openAttachObject()
  const id = object.programs.find(({ name }) => name === 'other_tc')?.id
  bpftool('prog', 'pin', 'id', String(id), other())
  object.close()
}

const tc = (...args: readonly string[]) => pair.far.run('tc', ...args)
const hasQdisc = () => tc('qdisc', 'show', 'dev', 'far0').includes('clsact')

/** Filters as tc lists them; a line without options is the head of a priority. */
function filters(direction = 'ingress'): readonly Shown[] {
  const text = tc('-j', 'filter', 'show', 'dev', 'far0', direction)
  return (JSON.parse(text) as Shown[]).filter(({ options }) => options?.prog !== undefined)
}

function addOther(...at: readonly string[]): void {
  tc('filter', 'add', 'dev', 'far0', 'ingress', ...at, 'bpf', 'da', 'pinned', other())
}

test('the feature is there, and trying it out leaves no trace', async () => {
  assert.deepEqual(await weir.feature('clsact'), ['available'])
})

test('packets and octets of both directions are those of nftables, and tc lists the filters', async () => {
  const attached = await weir.attach('clsact', 'weir_tc_in', into())
  const out = await weir.attach('clsact', 'weir_tc_out', nearOut())
  const [shown] = filters()
  assert.deepEqual(
    [shown?.pref, shown?.protocol, shown?.options?.prog?.id],
    [1, 'all', attached.programId],
  )
  const [found] = await weir.attached('clsact', into())
  const { programId, name, owner } = found ?? {}
  assert.deepEqual([programId, name, owner], [attached.programId, 'weir_tc_in', 'this'])
  const before = [pair.sent(), pair.received()]
  pair.deliver(30, 0)
  pair.deliver(12, 1400)
  const sums = [pair.sent(), pair.received()].map(({ packets, octets }, at) => [
    packets - before[at]!.packets,
    octets - before[at]!.octets,
  ])
  assert.deepEqual([await weir.counted(counting.tcOut), await weir.counted(counting.tcIn)], sums)
  assert.equal(sums[1]?.[0], 42)
  await weir.detach(attached)
  await weir.detach(out)
  assert.deepEqual(filters(), [])
  pair.send(5, 0)
  assert.deepEqual(await weir.counted(counting.tcIn), sums[1], 'nothing is counted afterwards')
})

test('the qdisc goes with the last of our filters, whichever that is', async () => {
  const first = await weir.attach('clsact', 'weir_tc_in', into())
  const second = await weir.attach('clsact', 'weir_tc_out', outOf())
  await weir.detach(first)
  assert.ok(hasQdisc())
  assert.equal(filters('egress').length, 1)
  await weir.detach(second)
  assert.ok(!hasQdisc())
})

test("another's qdisc and filter stay, and ours sees what that filter drops", async () => {
  tc('qdisc', 'add', 'dev', 'far0', 'clsact')
  try {
    addOther('pref', '7')
    const there = filters()
    const attached = await weir.attach('clsact', 'weir_tc_in', into())
    const list = await weir.attached('clsact', into())
    assert.deepEqual(
      list.map(({ name, owner }) => [name, owner]),
      [
        ['weir_tc_in', 'this'],
        ['other_tc', 'other'],
      ],
    )
    const [before, [counted = 0]] = [pair.received(), await weir.counted(counting.tcIn)]
    pair.send(20, 10)
    assert.equal((await weir.counted(counting.tcIn))[0], counted + 20)
    assert.deepEqual(pair.received(), before, 'the other one has dropped all')
    await weir.detach(attached)
    assert.ok(hasQdisc())
    assert.deepEqual(filters(), there)
  } finally {
    tc('qdisc', 'del', 'dev', 'far0', 'clsact')
  }
})

test('a filter that somebody adds to the qdisc that Weir made keeps the qdisc', async () => {
  const attached = await weir.attach('clsact', 'weir_tc_in', into())
  try {
    addOther('pref', '7')
    await weir.detach(attached)
    assert.deepEqual(
      filters().map(({ pref }) => pref),
      [7],
    )
  } finally {
    tc('qdisc', 'del', 'dev', 'far0', 'clsact')
  }
})

test('another filter of our priority is shared if its kind is ours, else named and left', async () => {
  tc('qdisc', 'add', 'dev', 'far0', 'clsact')
  try {
    addOther('pref', '1')
    const attached = await weir.attach('clsact', 'weir_tc_in', into())
    const [counted = 0] = await weir.counted(counting.tcIn)
    pair.send(3, 0)
    assert.equal((await weir.counted(counting.tcIn))[0], counted + 3)
    await weir.detach(attached)
    assert.equal(filters().length, 1)
    tc('filter', 'del', 'dev', 'far0', 'ingress')
    addOther('protocol', 'ip', 'pref', '1')
    const there = filters()
    await assert.rejects(weir.attach('clsact', 'weir_tc_in', into()), {
      code: 'hook_occupied',
      message:
        /^attaching weir_tc_in to clsact ingress of far0: program \d+ \(other_tc, priority 1 /,
    })
    assert.deepEqual(filters(), there)
  } finally {
    tc('qdisc', 'del', 'dev', 'far0', 'clsact')
  }
})

test('the older qdisc `ingress` excludes clsact, and is named and left', async () => {
  tc('qdisc', 'add', 'dev', 'far0', 'ingress')
  try {
    await assert.rejects(weir.attach('clsact', 'weir_tc_in', into()), {
      code: 'hook_occupied',
      message: /a qdisc `ingress`, which excludes clsact, is there, and is never replaced/,
    })
    assert.match(tc('qdisc', 'show', 'dev', 'far0'), /qdisc ingress ffff:/)
  } finally {
    tc('qdisc', 'del', 'dev', 'far0', 'ingress')
  }
})

test('a living process of Weir is not replaced; what it leaves when it is killed is, at the next start', async () => {
  const killed = await attachInProcess('clsact', 'weir_tc_in', into())
  await assert.rejects(weir.attach('clsact', 'weir_tc_in', into()), {
    code: 'hook_occupied',
    message: /another process of Weir is there/,
  })
  assert.equal(await weir.removeLeftFilters(pair.far.path), 0)
  const [living] = await weir.attached('clsact', into())
  assert.deepEqual([living?.programId, living?.owner], [killed.programId, 'weir'])
  await killed.kill()
  assert.deepEqual(
    filters().map(({ options }) => options?.prog?.id),
    [killed.programId],
  )
  const attached = await weir.attach('clsact', 'weir_tc_in', into())
  assert.deepEqual(
    filters().map(({ options }) => options?.prog?.id),
    [attached.programId],
  )
  await weir.detach(attached)
})

test('what killed processes left is removed without attaching anew, and nothing else', async () => {
  for (const place of [into(), outOf()]) {
    const killed = await attachInProcess('clsact', 'weir_tc_out', place)
    await killed.kill()
  }
  const attached = await weir.attach('clsact', 'weir_tc_in', into())
  addOther('pref', '7')
  assert.equal(filters('egress').length, 1)
  assert.equal(await weir.removeLeftFilters(pair.far.path), 1)
  assert.equal(filters('egress').length, 0)
  assert.deepEqual(
    filters().map(({ pref }) => pref),
    [1, 7],
  )
  tc('filter', 'del', 'dev', 'far0', 'ingress', 'pref', '7')
  await weir.detach(attached)
  const killed = await attachInProcess('clsact', 'weir_tc_in', into())
  await killed.kill()
  assert.equal(await weir.removeLeftFilters(pair.far.path), 1)
})

test('interface and namespace may be gone when it is detached, and neither is kept by us', async () => {
  const gone = createPair()
  const place = { ...into(), netns: gone.far.path }
  const attached = await weir.attach('clsact', 'weir_tc_in', place)
  gone.remove()
  await weir.detach(attached)
  const again = createPair()
  try {
    const second = await weir.attach('clsact', 'weir_tc_in', { ...into(), netns: again.far.path })
    again.near.run('ip', 'link', 'delete', 'near0')
    await weir.detach(second)
  } finally {
    again.remove()
  }
})

test('a program of another kind is refused with the reason, and no qdisc is left', async () => {
  await assert.rejects(weir.attach('clsact', 'weir_xdp', into()), {
    code: 'attach_refused',
    message: /^attaching weir_xdp to clsact ingress of far0: /,
  })
})
