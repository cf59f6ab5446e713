// Whatever happens to the process or to the interfaces while the flow probe watches: nothing of it stays attached, nothing
// of others is touched, and no packet is left out without a count.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { after, before, test } from 'node:test'
import { until } from '../../../common/until.fake.ts'
import { type Attacher, startAttacher } from '../../testing/attach.ts'
import { kernelAtLeast } from '../../testing/features.ts'
import {
  type FlowRecord,
  type FlowWatcher,
  startFlows,
  sumOf,
  watchFlows,
} from '../../testing/flow.ts'
import { createPair, type Pair, untilUp } from '../../testing/pair.ts'
import type { Namespace } from '../../testing/peers.ts'

const hooks = ['tcx', 'clsact', 'socket-filter'] as const
const noTcx = 'tcx is in Linux 6.6 and later'
const limitMs = 150_000
const extraInterfaces = 24

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

const far = (direction: 'ingress' | 'egress') => ({
  interface: 'far0',
  netns: pair.far.path,
  direction,
})

/** What is attached to far0 by whichever hook, in both directions. */
async function attachedTo(hook: (typeof hooks)[number]): Promise<number> {
  if (hook === 'socket-filter') {
    return pair.far.run('cat', '/proc/net/packet').trim().split('\n').length - 1
  }
  // The attacher takes one question at a time.
  const incoming = await weir.attached(hook, far('ingress'))
  const outgoing = await weir.attached(hook, far('egress'))
  return incoming.length + outgoing.length
}

const isCounted = ({ protocol, dst_port, direction }: FlowRecord) =>
  protocol === 17 && dst_port === 9999 && direction === 1

for (const hook of hooks) {
  for (const phase of ['idle', 'dumping'] as const) {
    test(`${hook}: killed while ${phase}, nothing stays attached, or it goes at the next start`, async (t) => {
      if (hook === 'tcx' && !kernelAtLeast(6, 6)) return t.skip(noTcx)
      const watcher = await watchFlows(pair.far, { interfaces: ['far0'], hook })
      const attached = await attachedTo(hook)
      await watcher.kill(phase)
      assert.ok(attached > 0)
      await assertGone(hook)
    })
  }

  test(`${hook}: killed while it attaches to many interfaces, nothing stays attached`, async (t) => {
    if (hook === 'tcx' && !kernelAtLeast(6, 6)) return t.skip(noTcx)
    const names = Array.from({ length: extraInterfaces }, (_, index) => `more${index}`)
    for (const name of names) addCable(pair.far, name)
    try {
      const { child, said } = startFlows(pair.far, { interfaces: ['all'], hook })
      const exited = once(child, 'exit')
      const isAttaching = async () => {
        assert.ok(child.exitCode === null, said())
        return (await attachedTo(hook)) > 0
      }
      try {
        // Often enough to meet it in the middle, with a pause that leaves it the CPU of an emulated machine.
        await until('the first to be attached', isAttaching, limitMs, 10)
      } finally {
        child.kill('SIGKILL')
        await exited
      }
      await assertGone(hook)
    } finally {
      for (const name of names) pair.far.run('ip', 'link', 'delete', name)
    }
  })
}

/** An interface with another end, `peer-NAME`: every kernel has these. */
function addCable(namespace: Namespace, name: string): void {
  namespace.run('ip', 'link', 'add', name, 'type', 'veth', 'peer', 'name', `peer-${name}`)
}

/** Links and sockets end with their process, perhaps a moment later; filters are removed at the next start. */
async function assertGone(hook: (typeof hooks)[number]): Promise<void> {
  if (hook === 'clsact') {
    const next = await watchFlows(pair.far, { interfaces: ['far0'], hook })
    await next.close()
  }
  await until(`${hook} to be gone`, async () => (await attachedTo(hook)) === 0)
}

test('a qdisc and a tcx program of others stay where they are, beside ours and after us', async (t) => {
  pair.far.run('tc', 'qdisc', 'add', 'dev', 'far0', 'clsact')
  const qdiscs = () => pair.far.run('tc', 'qdisc', 'show', 'dev', 'far0')
  const before = qdiscs()
  try {
    for (const hook of hooks.filter((one) => one !== 'tcx')) await watchAndKill(hook)
    assert.equal(qdiscs(), before)
    if (!kernelAtLeast(6, 6)) return t.diagnostic(noTcx)
    const other = await weir.attach('tcx', 'other_tc', far('egress'))
    const programs = () => weir.attached('tcx', far('egress'))
    const alone = await programs()
    await watchAndKill('tcx')
    await until('tcx to be gone', async () => (await programs()).length <= alone.length)
    assert.deepEqual(await programs(), alone)
    await weir.detach(other)
  } finally {
    pair.far.run('tc', 'qdisc', 'delete', 'dev', 'far0', 'clsact')
  }
})

async function watchAndKill(hook: (typeof hooks)[number]): Promise<void> {
  const watcher = await watchFlows(pair.far, { interfaces: ['far0'], hook })
  try {
    pair.send(3, 20)
    assert.equal(await countedBy(watcher, 3), 3)
  } finally {
    await watcher.kill('idle')
  }
  if (hook !== 'tcx') await assertGone(hook)
}

/** Packets until there are so many: the kernel may take them in a little after they were sent. */
async function countedBy(watcher: FlowWatcher, packets: number): Promise<number> {
  let sum = 0
  await until('all packets', async () => {
    sum += sumOf((await watcher.dump()).records.filter(isCounted), 'packets')
    return sum >= packets
  })
  return sum
}

for (const hook of ['tcx', 'socket-filter'] as const) {
  test(`${hook}: two agents at one interface each count every packet, and one that goes leaves the other`, async (t) => {
    if (hook === 'tcx' && !kernelAtLeast(6, 6)) return t.skip(noTcx)
    const watchers = [
      await watchFlows(pair.far, { interfaces: ['far0'], hook }),
      await watchFlows(pair.far, { interfaces: ['far0'], hook }),
    ] as const
    try {
      pair.send(5, 20)
      for (const watcher of watchers) assert.equal(await countedBy(watcher, 5), 5)
      await watchers[0].kill('idle')
      pair.send(4, 20)
      assert.equal(await countedBy(watchers[1], 4), 4)
    } finally {
      await watchers[1].close()
    }
  })
}

test('clsact: a second agent is refused with the first one named, which goes on', async () => {
  const watcher = await watchFlows(pair.far, { interfaces: ['far0'], hook: 'clsact' })
  try {
    await assert.rejects(
      watchFlows(pair.far, { interfaces: ['far0'], hook: 'clsact' }),
      /another process of Weir/,
    )
    pair.send(5, 20)
    assert.equal(await countedBy(watcher, 5), 5)
  } finally {
    await watcher.close()
  }
})

test("packets that another program took first are unseen, by the interface's own count", async (t) => {
  if (!kernelAtLeast(6, 6)) return t.skip(noTcx)
  const watcher = await watchFlows(pair.far, { interfaces: ['far0'], hook: 'tcx' })
  try {
    pair.send(5, 20)
    assert.equal((await watcher.dump()).counters['unseen'], 0)
    const other = await weir.attach('tcx', 'other_tc', far('ingress'))
    const carried = received()
    pair.send(11, 20)
    const { records, counters } = await watcher.dump()
    const more = received() - carried
    await weir.detach(other)
    assert.equal(sumOf(records.filter(isCounted), 'packets'), 0)
    assert.ok(more >= 11)
    assert.equal(counters['unseen'], more - sumOf(records.filter(isIncoming), 'packets'))
    pair.send(2, 20)
    const later = await watcher.dump()
    assert.equal(later.counters['unseen'], counters['unseen'], 'each is reported once')
    assert.equal(sumOf(later.records.filter(isCounted), 'packets'), 2)
  } finally {
    await watcher.close()
  }
})

const isIncoming = ({ direction }: FlowRecord) => direction === 1

/** What far0 has received, by its own counter. */
function received(): number {
  const [link] = JSON.parse(pair.far.run('ip', '-j', '-s', 'link', 'show', 'far0')) as readonly {
    readonly stats64: { readonly rx: { readonly packets: number } }
  }[]
  return link?.stats64.rx.packets ?? 0
}

test('what was seen and then dropped behind the program is in excess, not lost', async (t) => {
  if (!kernelAtLeast(6, 6)) return t.skip(noTcx)
  const near = { interface: 'near0', netns: pair.near.path, direction: 'egress' }
  const other = await weir.attach('tcx', 'other_tc', near)
  const watcher = await watchFlows(pair.near, { interfaces: ['near0'], hook: 'tcx' })
  try {
    pair.send(9, 20)
    const { records, counters } = await watcher.dump()
    const sent = records.filter(({ dst_port, direction }) => dst_port === 9999 && direction === 2)
    assert.equal(sumOf(sent, 'packets'), 9)
    assert.ok((counters['excess'] ?? 0) >= 9)
    assert.equal(counters['unseen'], 0)
    assert.equal(counters['lost'], 0)
  } finally {
    await watcher.close()
    await weir.detach(other)
  }
})

test('an interface that is renamed keeps its programs: no packet is missed on the way', async () => {
  const watcher = await watchFlows(pair.far, { interfaces: ['far*'] })
  const address = ['address', 'add', '10.77.0.2/24', 'dev']
  try {
    pair.send(4, 20)
    await rename('far0', 'far9')
    await watcher.tick()
    pair.send(6, 20)
    const { records } = await watcher.dump()
    const counted = records.filter(isCounted)
    assert.equal(sumOf(counted, 'packets'), 10)
    assert.ok(counted.every((record) => record.interface === 'far9'))
  } finally {
    await rename('far9', 'far0')
    await watcher.close()
  }

  async function rename(from: string, to: string): Promise<void> {
    pair.far.run('ip', 'link', 'set', from, 'down')
    pair.far.run('ip', 'link', 'set', from, 'name', to)
    pair.far.run('ip', 'link', 'set', to, 'up')
    const there = pair.far.run('ip', '-4', '-o', 'address', 'show', 'dev', to)
    if (!there.includes('10.77.0.2')) pair.far.run('ip', ...address, to)
    const neighbour = ['10.77.0.1', 'lladdr', '02:00:00:00:00:01', 'dev', to, 'nud', 'permanent']
    pair.far.run('ip', 'neighbour', 'replace', ...neighbour)
    untilUp(pair.far, to)
    untilUp(pair.near, 'near0')
  }
})

test('an interface that comes is watched at the next tick, from its first packet on', async () => {
  const watcher = await watchFlows(pair.near, { interfaces: ['all'] })
  try {
    addCable(pair.near, 'new0')
    pair.near.run('ip', 'link', 'set', 'peer-new0', 'up')
    await watcher.tick()
    pair.near.run('ip', 'link', 'set', 'new0', 'up')
    untilUp(pair.near, 'new0')
    pair.near.run('ip', 'address', 'add', '10.79.0.1/24', 'dev', 'new0')
    const send =
      'import socket\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n[s.sendto(b"x", ("10.79.0.2", 9)) for _ in range(5)]'
    const neighbour = [
      '10.79.0.2',
      'lladdr',
      '02:00:00:00:00:09',
      'dev',
      'new0',
      'nud',
      'permanent',
    ]
    pair.near.run('ip', 'neighbour', 'replace', ...neighbour)
    pair.near.run('/usr/bin/python3', '-c', send)
    const { records } = await watcher.dump()
    const own = records.filter((record) => record.interface === 'new0' && record.dst_port === 9)
    assert.equal(sumOf(own, 'packets'), 5)
  } finally {
    await watcher.close()
    pair.near.run('ip', 'link', 'delete', 'new0')
  }
})

test('the counters add up to the packet: seen = left out + counted + lost, and what was counted is in records', async () => {
  const before = pair.received()
  const watcher = await watchFlows(pair.far, { interfaces: ['far0'], sample: 3 })
  try {
    pair.send(3000, 20)
    await until('all packets', () => pair.received().packets - before.packets >= 3000)
    const { records, counters } = await watcher.dump()
    const { seen, sampled_out: out, counted, lost, taken } = counters as Record<string, number>
    assert.ok((seen as number) >= 3000)
    assert.equal(seen, (out as number) + (counted as number) + (lost as number))
    assert.equal(taken, counted)
    assert.equal(sumOf(records, 'packets'), taken)
    assert.equal(pair.received().packets - before.packets, 3000)
    // Of 3,000 packets a third; the chance to be off by 200 is below 1 in 10^14.
    const few = sumOf(records.filter(isCounted), 'packets')
    assert.ok(few > 800 && few < 1200, String(few))
  } finally {
    await watcher.close()
  }
})
