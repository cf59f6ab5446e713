// Packets of an interface as events, with real packets between two namespaces: what nftables and the rules counted is
// what the rows say, and the ledger balances.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { createReporter } from '../common/reporter/mod.ts'
import { until } from '../common/until.fake.ts'
import * as xdp from '../kernel/mod.ts'
import { type Bpffs, mountBpffs } from '../kernel/testing/bpffs.ts'
import { frameOf, sendFrames } from '../kernel/testing/frames.ts'
import { createPair, type Pair } from '../kernel/testing/pair.ts'
import { type Row, rowOf } from '../wire/mod.ts'
import { createLocalAgent } from './local.ts'

const reporter = createReporter('test', { level: 'fatal' })
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

interface Watching {
  /** Packet events of datagrams to the port that nftables counts. */
  packets(): readonly Row[]
  all(): readonly Row[]
  flows(): readonly Row[]
  /** Ends the agent; the ledger's rows of the stage hook of the XDP probe, summed. */
  stop(): Promise<Readonly<Record<string, number>>>
}

async function watch(
  from: Pair,
  wish: Partial<xdp.XdpWatch> = {},
  ringBytes = 1 << 20,
): Promise<Watching> {
  const events: Row[] = []
  const ledger: Row[] = []
  const flows: Row[] = []
  const agent = createLocalAgent(
    {
      node: 'test',
      intervalMs: 100,
      filter: { netns: from.far.inode },
      ringBytes,
      xdp: {
        interfaces: [{ name: 'far0', netns: from.far.path }],
        root,
        want: 'all',
        every: 1,
        snap: 0,
        protocols: [],
        label: 0,
        ...wish,
      },
    },
    reporter,
    (batch) => {
      const to = { events, ledger, flows }[batch.table.name]
      for (let row = 0; row < batch.length; row++) to?.push(rowOf(batch, row))
    },
  )
  await agent.start()
  const all = () => events.filter((row) => row['kind'] === 'packet')
  return {
    all,
    flows: () => flows,
    packets: () => all().filter((row) => row['dst_port'] === 9999),
    stop: async () => {
      await agent.stop()
      const rows = ledger.filter((row) => row['probe'] === 'xdp' && row['cause'] === '')
      const sum = (stage: string, name: string) =>
        rows
          .filter((row) => row['stage'] === stage)
          .reduce((total, row) => total + Number(row[name]), 0)
      const [entered = 0, ...parts] = ['entered', 'left', 'filtered', 'sampled', 'lost'].map(
        (name) => sum('hook', name),
      )
      const parted = parts.reduce((total, part) => total + part, 0)
      const last = rows.filter((row) => row['stage'] === 'hook').at(-1)
      assert.equal(entered, parted + Number(last?.['waiting']), 'the ledger balances')
      assert.equal(sum('drain', 'entered'), sum('drain', 'left'), 'what was drained became rows')
      const [left = 0, filtered = 0, sampled = 0, lost = 0] = parts
      return { entered, left, filtered, sampled, lost }
    },
  }
}

function apply(text: string): void {
  const place = xdp.placeOf(target())
  const pinned = xdp.openPinned(place)
  try {
    const { rules } = xdp.parseRules(text)
    xdp.applyRules(pinned.maps, rules, { interface: 'far0', protect: true })
  } finally {
    pinned.close()
  }
}

async function untilPinned(what: string, holds: (all: readonly xdp.XdpStatus[]) => boolean) {
  await until(what, async () => holds(await xdp.pinnedXdpStatus(root)))
}

const pick = (row: Row | undefined, fields: string) =>
  fields.split(' ').map((name) => row?.[name] as unknown)

test('a packet that a rule drops is an event with its rule, its label, its length and its sample', async () => {
  await xdp.attachPinnedXdp(target(), 'generic')
  try {
    apply('drop from 10.77.0.0/24 proto udp label 7')
    const watching = await watch(pair, { snap: 64 })
    const [sent, received] = [pair.sent(), pair.received()]
    pair.send(40, 300)
    await until('40 packets', () => watching.packets().length === 40)
    assert.equal(pair.sent().packets - sent.packets, 40)
    assert.equal(pair.received().packets, received.packets, 'none passed')
    const fields =
      'action label rule count bytes packet_size_bytes interface netns direction protocol src_address dst_address ether_type'
    assert.deepEqual(
      new Set(watching.packets().map((row) => JSON.stringify(pick(row, fields)))),
      new Set([
        JSON.stringify([
          'drop',
          '7',
          'drop from 10.77.0.0/24 proto udp label 7',
          1,
          328,
          328,
          'far0',
          pair.far.inode,
          'received',
          'udp',
          '10.77.0.1',
          '10.77.0.2',
          2048,
        ]),
      ]),
    )
    const sample = Buffer.from(`${watching.packets()[0]?.['payload']}`, 'base64')
    assert.equal(sample.length, 64 - 14, 'from the IP header on')
    assert.deepEqual([sample[0], sample.readUInt16BE(2)], [0x45, 328])

    apply('pass from 10.0.0.0/8 label 9\npass from 192.0.2.0/24')
    pair.send(3, 10)
    await until('3 more', () => watching.packets().length === 43)
    assert.deepEqual(
      watching
        .packets()
        .slice(40)
        .map((row) => pick(row, 'action label rule')),
      Array(3).fill(['pass', '9', 'pass from 10.0.0.0/8 label 9']),
      'the rank of a rule is that of its own set of rules',
    )
    const { left, lost } = await watching.stop()
    assert.equal(left, watching.all().length)
    assert.equal(lost, 0)
    assert.equal((await xdp.pinnedXdpStatus(root)).length, 1, 'what was pinned stays')
  } finally {
    await xdp.detachPinnedXdp(target())
  }
})

test('a flow has the label of its packets, and the events of both name one connection', async () => {
  await xdp.attachPinnedXdp(target(), 'generic')
  const server = spawn(
    'nsenter',
    [
      `--net=${pair.far.path}`,
      '/usr/bin/python3',
      '-c',
      'import socket\ns = [socket.create_server(("10.77.0.2", port)) for port in (7011, 7012)]\nprint("up", flush=True)\nwhile True:\n  for one in s:\n    c, _ = one.accept()\n    c.sendall(c.recv(100))\n    c.close()',
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  try {
    apply('pass proto tcp port 7011 label 12\npass proto tcp port 7000-7100 label 99 shadow')
    await once(server.stdout, 'data')
    const watching = await watch(pair)
    const talk = (port: number) =>
      pair.near.run(
        '/usr/bin/python3',
        '-c',
        `import socket\nc = socket.create_connection(("10.77.0.2", ${port}))\nc.sendall(b"x")\nprint(c.recv(9))\nc.close()`,
      )
    talk(7011)
    talk(7012)
    const ended = await until('both ends', () => {
      const found = watching.flows().filter((row) => row['end'] !== null)
      return found.length >= 2 && found
    })
    const labelled = (port: number) => ended.find((row) => row['dst_port'] === port)
    assert.equal(labelled(7011)?.['label'], '12')
    assert.equal(labelled(7012)?.['label'], '', 'a rule in shadow mode gives none')
    const packets = watching.all().filter((row) => row['dst_port'] === 7011)
    assert.ok(packets.length >= 3)
    assert.deepEqual(new Set(packets.map((row) => row['label'])), new Set(['12']))
    const ids = new Set(packets.map((row) => row['connection_id']))
    assert.ok(ids.has(labelled(7011)?.['connection_id']))
    assert.ok(packets.some((row) => row['dst_process'] !== ''))
    await watching.stop()
  } finally {
    server.kill('SIGKILL')
    await xdp.detachPinnedXdp(target())
  }
})

test('what a sample leaves out, what is not asked for and what the ring loses stand in the ledger', async () => {
  const sampling = await watch(pair, { every: 8, protocols: [17] })
  let before = pair.received().packets
  /** Behind the program: what has arrived here, it has seen. */
  const arrived = () => until('4,000 datagrams', () => pair.received().packets - before === 4000)
  sendFrames(pair.near, 'near0', Array(3).fill(frameOf({ protocol: 1 })))
  pair.send(4000, 10)
  await arrived()
  const counts = await sampling.stop()
  assert.equal(counts['left'], sampling.packets().length)
  assert.equal(counts['sampled'], 4000 - sampling.packets().length)
  assert.ok(Number(counts['filtered']) >= 3, 'pings were not asked for')
  assert.ok(sampling.packets().length > 0)
  assert.ok(sampling.packets().every((row) => row['count'] === 8 && row['bytes'] === 8 * 38))

  const losing = await watch(pair, { protocols: [17] }, 4096)
  before = pair.received().packets
  pair.send(4000, 10)
  await arrived()
  const lost = await losing.stop()
  assert.ok(Number(lost['lost']) > 0, 'a ring of 4 KiB is too small for 4,000 packets at once')
  assert.equal(losing.packets().length, 4000 - Number(lost['lost']))
})

test('an agent attaches to what has no program, and leaves nothing', async () => {
  const shown = () => pair.far.run('ip', '-d', 'link', 'show', 'far0').includes('prog/xdp')
  assert.equal(shown(), false)
  const watching = await watch(pair)
  assert.equal(shown(), true)
  await watching.stop()
  assert.equal(shown(), false)
})

test('one agent watches interfaces of several namespaces, and does without one that is not there', async () => {
  const interfaces = [
    { name: 'nothere0', netns: pair.far.path },
    { name: 'far0', netns: pair.far.path },
    { name: 'near0', netns: pair.near.path },
  ]
  const watching = await watch(pair, { interfaces, protocols: [17] })
  const [there, back] = ['10.77.0.1', '10.77.0.2']
  const ports = [1, 9999] as const
  sendFrames(pair.near, 'near0', Array(3).fill(frameOf({ protocol: 17, ports })))
  const answer = frameOf({ protocol: 17, ports, source: back, destination: there })
  answer.set([2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2])
  sendFrames(pair.far, 'far0', Array(2).fill(answer))
  const seen = () => Map.groupBy(watching.packets(), (row) => `${row['interface']} ${row['netns']}`)
  await until('packets of both', () => watching.packets().length === 5)
  assert.deepEqual([...seen()].map(([name, rows]) => [name, rows.length]).toSorted(), [
    [`far0 ${pair.far.inode}`, 3],
    [`near0 ${pair.near.inode}`, 2],
  ])
  await watching.stop()
})

test('tags, ARP, IPv6 and ICMP are each reported as what they are', async () => {
  const watching = await watch(pair)
  try {
    const [source, destination] = ['2001:db8::1', '2001:db8::2']
    const tagged = frameOf({ protocol: 58, kind: 128, source, destination, vlan: 100 })
    const arp = Buffer.from(`0200000000020200000000010806000108000604${'00'.repeat(22)}`, 'hex')
    sendFrames(pair.near, 'near0', [tagged, arp])
    const seen = await until('both frames', () => {
      const found = watching
        .all()
        .filter((row) => row['vlan'] !== null || row['ether_type'] === 2054)
      return found.length === 2 && found
    })
    const fields =
      'ether_type vlan protocol src_address dst_address icmp_type icmp_code packet_size_bytes'
    assert.deepEqual(
      seen.map((row) => pick(row, fields)),
      [
        [34525, 100, 'icmpv6', '2001:db8::1', '2001:db8::2', 128, 0, 48],
        [2054, null, '', '::', '::', null, null, 28],
      ],
    )
  } finally {
    await watching.stop()
  }
})

test('an interface that goes and comes back is followed, with the rules that it had', async () => {
  const gone = createPair()
  const there = { interface: 'far0', netns: gone.far.path, root }
  await xdp.attachPinnedXdp(there, 'generic')
  const pinned = xdp.openPinned(xdp.placeOf(there))
  const { rules } = xdp.parseRules('pass from 10.99.0.0/24 label 5')
  xdp.applyRules(pinned.maps, rules, { interface: 'far0', protect: true })
  pinned.close()
  const watching = await watch(gone)
  try {
    gone.send(2, 10)
    await until('packets before', () => watching.packets().length === 2)
    gone.near.run('ip', 'link', 'delete', 'near0')
    await untilPinned('the link to be gone', (all) => all.every(({ mode }) => mode === 'gone'))
    gone.near.run(
      'ip',
      'link',
      'add',
      'near0',
      'type',
      'veth',
      'peer',
      'name',
      'far0',
      'netns',
      gone.far.name,
    )
    for (const [namespace, name, address] of [
      [gone.near, 'near0', '10.99.0.1/24'],
      [gone.far, 'far0', '10.99.0.2/24'],
    ] as const) {
      namespace.run('ip', 'address', 'add', address, 'dev', name)
      namespace.run('ip', 'link', 'set', name, 'up')
    }
    await untilPinned('the program to be back', (all) =>
      all.some(({ mode, rules: count }) => mode !== 'gone' && count === 1),
    )
    await until('packets after', () => {
      const line =
        'import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("10.99.0.2", 9999))'
      gone.near.run('/usr/bin/python3', '-c', line)
      return watching.packets().some((row) => row['label'] === '5')
    })
  } finally {
    await watching.stop()
    await xdp.detachPinnedXdp(there)
    gone.remove()
  }
})
