// Filters of packet sockets between two namespaces and on a bridge: packets as nftables counts them, sockets as ss
// lists them, with the two capabilities alone.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type Attacher, attachInProcess, counting, startAttacher } from '../../testing/attach.ts'
import { assertGone } from '../../testing/bpffs.ts'
import { openAttachObject } from '../../testing/loader.ts'
import { createPair, type Pair } from '../../testing/pair.ts'

const object = openAttachObject()
const others = object.programs.map(({ name }) => name).filter((name) => name !== 'weir_filter')
object.close()
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

const place = (name = 'far0') => ({ interface: name, netns: pair.far.path })
/** Packet sockets as ss lists them: `p_raw UNCONN 0 0 *:far0 *`. */
const sockets = (name = 'far0') =>
  pair.far
    .run('ss', '-0', '-H', '-a')
    .split('\n')
    .filter((line) => line.includes(`:${name} `)).length

async function countedBy(work: () => void): Promise<readonly number[]> {
  const [packets = 0, octets = 0] = await weir.counted(counting.socketFilter)
  work()
  const [packetsNow = 0, octetsNow = 0] = await weir.counted(counting.socketFilter)
  return [packetsNow - packets, octetsNow - octets]
}

function receivedBy(work: () => void): readonly number[] {
  const before = pair.received()
  work()
  const { packets, octets } = pair.received()
  return [packets - before.packets, octets - before.octets]
}

test('the feature is there', async () => {
  assert.deepEqual(await weir.feature('socketFilter'), ['available'])
})

test('packets and octets are those of nftables, from the attachment to the detachment', async () => {
  assert.equal(sockets(), 0)
  const attached = await weir.attach('socketFilter', 'weir_filter', place())
  assert.equal(sockets(), 1)
  const [found] = await weir.attached('socketFilter', place())
  assert.deepEqual(
    [found?.programId, found?.name, found?.owner],
    [attached.programId, 'weir_filter', 'this'],
  )
  let received: readonly number[] = []
  const counted = await countedBy(() => {
    received = receivedBy(() => {
      pair.deliver(25, 0)
      pair.deliver(9, 1400)
    })
  })
  assert.deepEqual(counted, received)
  assert.equal(counted[0], 34)
  await weir.detach(attached)
  assert.equal(sockets(), 0)
  assert.deepEqual(await weir.attached('socketFilter', place()), [])
  assert.deepEqual(await countedBy(() => pair.send(5, 0)), [0, 0])
})

test("another's packet socket is listed, left alone, and sees all that ours sees", async () => {
  const other = await attachInProcess('socketFilter', 'weir_filter', place())
  const attached = await weir.attach('socketFilter', 'weir_filter', place())
  try {
    assert.equal(sockets(), 2)
    const owners = (await weir.attached('socketFilter', place())).map(({ owner }) => owner)
    assert.deepEqual(owners.toSorted(), ['other', 'this'])
    assert.deepEqual((await countedBy(() => pair.deliver(11, 0)))[0], 11)
  } finally {
    await weir.detach(attached)
    assert.equal(sockets(), 1)
    await other.kill()
  }
})

test('kill -9 leaves nothing attached', async () => {
  const killed = await attachInProcess('socketFilter', 'weir_filter', place())
  assert.equal(sockets(), 1)
  await killed.kill()
  assert.equal(sockets(), 0)
  assertGone('prog', killed.programId)
})

test('a bridge is read without being changed', async () => {
  pair.far.run('ip', 'link', 'add', 'bridge0', 'type', 'bridge')
  pair.far.run('ip', 'link', 'set', 'bridge0', 'up')
  pair.far.run('ip', 'link', 'set', 'far0', 'master', 'bridge0')
  pair.far.run('ip', 'address', 'del', '10.77.0.2/24', 'dev', 'far0')
  pair.far.run('ip', 'address', 'add', '10.77.0.2/24', 'dev', 'bridge0')
  // The bridge answers for the address that near knows.
  pair.far.run('ip', 'link', 'set', 'bridge0', 'address', '02:00:00:00:00:02')
  try {
    const attached = await weir.attach('socketFilter', 'weir_filter', place('bridge0'))
    let received: readonly number[] = []
    const counted = await countedBy(() => {
      received = receivedBy(() => pair.deliver(20, 100))
    })
    assert.deepEqual(counted, received)
    assert.equal(counted[0], 20)
    await weir.detach(attached)
  } finally {
    pair.far.run('ip', 'link', 'del', 'bridge0')
    pair.far.run('ip', 'address', 'add', '10.77.0.2/24', 'dev', 'far0')
  }
})

/** Attaches inside the far namespace, as nobody with these capabilities alone. */
function attachWith(...capabilities: readonly string[]): string {
  const script = fileURLToPath(new URL('../../testing/attach-once.ts', import.meta.url))
  const list = `-all,${capabilities.map((name) => `+${name}`).join(',')}`
  const rights = [`--inh-caps=${list}`, `--ambient-caps=${list}`, `--bounding-set=${list}`]
  // By its path: a shell may have a command of its own by that name.
  const nobody = ['/usr/bin/setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', ...rights]
  const request = JSON.stringify({ place: { interface: 'far0' }, without: others })
  // Before 5.11 the kernel counts maps as locked memory.
  const unlimited = ['sh', '-c', 'ulimit -l unlimited 2>/dev/null; exec "$@"', 'sh']
  return pair.far.run(...unlimited, ...nobody, process.execPath, script, request)
}

test('CAP_BPF and CAP_NET_RAW are enough, and what is missing is named', () => {
  assert.equal(attachWith('bpf', 'net_raw'), 'available attached\n')
  assert.match(attachWith('bpf'), /^refused .*missing CAP_NET_RAW/)
})
