// The flow probe on a cable between two namespaces: packets and octets as nftables and the interface count them.

import assert from 'node:assert/strict'
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface, type Interface as Lines } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { flowDirection, flowFlag } from '../../layout/flow-record.ts'
import { kernelAtLeast } from '../../testing/features.ts'
import { createPair, type Pair } from '../../testing/pair.ts'
import type { Namespace } from '../../testing/peers.ts'
import type { ProbeOptions } from '../spec.ts'

interface Record {
  readonly interface: string
  readonly family: number
  readonly protocol: number
  readonly direction: number
  readonly src_port: number
  readonly dst_port: number
  readonly flags: number
  readonly bytes: number
  readonly packets: number
  readonly frames: number
  readonly frame_bytes: number
}

interface Answer {
  readonly records: readonly Record[]
  readonly counters: Readonly<{ [name: string]: number }>
}

interface Watcher {
  dump(): Promise<Answer>
  close(): Promise<void>
}

const entry = fileURLToPath(new URL('../../testing/flow-process.ts', import.meta.url))
let pair: Pair
before(() => {
  pair = createPair()
})
after(() => pair?.remove())

/** A probe in a process of its own inside the namespace. */
async function watch(namespace: Namespace, options: ProbeOptions): Promise<Watcher> {
  const args = [`--net=${namespace.path}`, process.execPath, entry, JSON.stringify(options)]
  const child: ChildProcessByStdio<Writable, Readable, Readable> = spawn('nsenter', args, {
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  let said = ''
  child.stderr.on('data', (text: Buffer) => {
    said += text.toString()
  })
  const lines: Lines = createInterface({ input: child.stdout })
  const next = async () => {
    const ended = once(child, 'exit').then(() => Promise.reject(new Error(said)))
    ended.catch(() => undefined)
    const [line] = (await Promise.race([once(lines, 'line'), ended])) as [string]
    return line
  }
  assert.equal(await next(), 'open')
  return {
    dump: async () => {
      const answer = next()
      child.stdin.write('dump\n')
      return JSON.parse(await answer) as Answer
    },
    close: async () => {
      const exited = once(child, 'exit')
      child.stdin.end()
      await exited
    },
  }
}

const isCounted = ({ protocol, dst_port, direction }: Record) =>
  protocol === 17 && dst_port === 9999 && direction === flowDirection.INGRESS

function sum(records: readonly Record[], field: 'bytes' | 'packets' | 'frames'): number {
  return records.reduce((total, record) => total + record[field], 0)
}

for (const hook of ['tcx', 'clsact', 'socket-filter', 'auto'] as const) {
  test(`${hook}: datagrams are those that nftables counts, over several dumps`, async (t) => {
    if (hook === 'tcx' && !kernelAtLeast(6, 6)) return t.skip('tcx is in Linux 6.6 and later')
    const before = pair.received()
    const watcher = await watch(pair.far, { interfaces: ['far0'], hook })
    try {
      const records: Record[] = []
      for (const count of [100, 1, 50]) {
        pair.send(count, 333)
        records.push(...(await watcher.dump()).records)
      }
      const after = pair.received()
      const counted = records.filter(isCounted)
      assert.equal(sum(counted, 'packets'), after.packets - before.packets)
      assert.equal(sum(counted, 'bytes'), after.octets - before.octets)
      assert.equal(sum(counted, 'packets'), 151)
      assert.ok(counted.every((record) => record.interface === 'far0' && record.family === 4))
    } finally {
      await watcher.close()
    }
  })
}

test('the two directions are two flows', async () => {
  const watcher = await watch(pair.near, { interfaces: ['near*'] })
  try {
    pair.send(7, 10)
    const { records } = await watcher.dump()
    const sent = records.filter(({ dst_port }) => dst_port === 9999)
    assert.ok(sent.every(({ direction }) => direction === flowDirection.EGRESS))
    assert.equal(sum(sent, 'packets'), 7)
  } finally {
    await watcher.close()
  }
})

test('a full map loses nothing: the rest is in the remainders, by protocol', async () => {
  const before = pair.received()
  const flowsMax = 256
  const watcher = await watch(pair.far, { interfaces: ['all'], flowsMax })
  try {
    const lines = [
      'import socket',
      'for port in range(3000):',
      ' s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)',
      ' s.bind(("10.77.0.1", 20000 + port))',
      ' [s.sendto(bytes(100), ("10.77.0.2", 9999)) for _ in range(2)]',
      ' s.close()',
    ]
    pair.near.run('/usr/bin/python3', '-c', lines.join('\n'))
    const { records, counters } = await watcher.dump()
    const after = pair.received()
    const incoming = records.filter((record) => record.protocol === 17 && record.direction === 1)
    const rest = incoming.filter(({ flags }) => (flags & flowFlag.REMAINDER) !== 0)
    assert.equal(after.packets - before.packets, 6000)
    assert.equal(sum(incoming, 'packets'), 6000)
    assert.equal(sum(incoming, 'bytes'), after.octets - before.octets)
    assert.ok(rest.length === 1 && sum(rest, 'packets') > 5000)
    assert.equal(counters['lost'], 0)
    const later = (await watcher.dump()).records.filter(({ flags }) => flags & flowFlag.REMAINDER)
    assert.deepEqual(later, [], 'the remainder is reported once')
  } finally {
    await watcher.close()
  }
})

const retransmits =
  'h, v = [l.split() for l in open("/proc/net/snmp") if l.startswith("Tcp:")]\nprint(v[h.index("RetransSegs")])'

test('a super-packet is its segments, each with its headers', async (t) => {
  const watcher = await watch(pair.near, { interfaces: ['near0'] })
  const payload = 5_000_000
  try {
    const server =
      'import socket\ns = socket.create_server(("10.77.0.2", 7001))\nprint("up", flush=True)\nc, _ = s.accept()\nn = 0\nwhile d := c.recv(1 << 20): n += len(d)\nprint(n, flush=True)'
    const listening = spawn('nsenter', [`--net=${pair.far.path}`, '/usr/bin/python3', '-c', server])
    const lines = createInterface({ input: listening.stdout })
    await once(lines, 'line')
    const received = once(lines, 'line')
    const client = `import socket\nc = socket.create_connection(("10.77.0.2", 7001))\nc.sendall(bytes(${payload}))\nc.close()`
    pair.near.run('/usr/bin/python3', '-c', client)
    assert.equal(Number((await received)[0]), payload)
    const { records } = await watcher.dump()
    const sent = records.filter(({ dst_port, direction }) => dst_port === 7001 && direction === 2)
    const [packets, bytes] = [sum(sent, 'packets'), sum(sent, 'bytes')]
    // 20 octets of IP, 32 of TCP with a time stamp; the SYN has 40.
    const repeated = bytes - packets * 52 - 8 - payload
    assert.ok(repeated >= 0, `${bytes} bytes in ${packets} packets`)
    const retransmitted = pair.near.run('/usr/bin/python3', '-c', retransmits)
    if (retransmitted.trim() === '0') assert.equal(repeated, 0)
    else t.diagnostic('segments were sent again: only a bound was checked')
    assert.ok(sum(sent, 'frames') < packets, 'there were super-packets')
    assert.ok(sent.every(({ flags }) => flags & flowFlag.SYN))
  } finally {
    await watcher.close()
  }
})

test('an interface that comes later is followed, one that goes is forgotten', async () => {
  const watcher = await watch(pair.near, { interfaces: ['all', '!lo'] })
  try {
    pair.near.run('ip', 'link', 'add', 'late0', 'type', 'veth', 'peer', 'name', 'late1')
    pair.near.run('ip', 'link', 'set', 'late1', 'up')
    await watcher.dump() // looks for interfaces
    pair.near.run('ip', 'link', 'set', 'late0', 'up')
    pair.near.run('ip', 'address', 'add', '10.78.0.1/24', 'dev', 'late0')
    const neighbour = [
      '10.78.0.2',
      'lladdr',
      '02:00:00:00:00:09',
      'dev',
      'late0',
      'nud',
      'permanent',
    ]
    pair.near.run('ip', 'neighbour', 'replace', ...neighbour)
    const send =
      'import socket\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n[s.sendto(b"x", ("10.78.0.2", 9)) for _ in range(5)]'
    pair.near.run('/usr/bin/python3', '-c', send)
    const { records } = await watcher.dump()
    const late = records.filter((record) => record.interface === 'late0' && record.dst_port === 9)
    assert.equal(sum(late, 'packets'), 5)
    pair.near.run('ip', 'link', 'delete', 'late0')
    await watcher.dump()
    pair.send(3, 10)
    const rest = (await watcher.dump()).records.filter(({ dst_port }) => dst_port === 9999)
    assert.equal(sum(rest, 'packets'), 3)
  } finally {
    await watcher.close()
  }
})

test('no interface of that name is an error that lists those that are', async () => {
  await assert.rejects(
    watch(pair.near, { interfaces: ['eth*'] }),
    /no interface is named eth\*.*near0/s,
  )
})
