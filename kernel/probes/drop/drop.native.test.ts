// The drop probe against nftables' counters, ss and TCP_INFO, in namespaces of the test's own.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { kernelNames } from '../../loader/host.ts'
import { dropKind } from '../../mod.ts'
import {
  type DropRecord,
  hasReason,
  placeOf,
  readDrops,
  saysReasons,
} from '../../testing/drop-record.ts'
import { kernelAtLeast } from '../../testing/features.ts'
import { createPair, type Pair } from '../../testing/pair.ts'
import { type DropProbe, openDropProbe } from './drop.ts'

const near = '10.77.0.1'
const far = '10.77.0.2'
let pair: Pair

before(() => {
  pair = createPair()
})
after(() => pair?.remove())

const python = (side: Pair['near'], ...lines: readonly string[]) =>
  side.run('/usr/bin/python3', '-c', ['import socket, struct, time', ...lines].join('\n'))

/** What one piece of work drops in one namespace. Packets are dropped before `work` returns, or it waits for them. */
function dropsOf(netns: number, work: (probe: DropProbe) => void, entriesMax?: number) {
  const probe = openDropProbe({ netns, ...(entriesMax ? { entriesMax } : {}) })
  try {
    probe.dump()
    work(probe)
    const records = readDrops(new Uint8Array(probe.dump()))
    return { records, counters: probe.counters() }
  } finally {
    probe.close()
  }
}

function assertReason(record: DropRecord | undefined, reason: string, place: RegExp): void {
  assert.ok(record, reason)
  assert.equal(record.reason, saysReasons ? reason : 'unknown')
  assert.match(placeOf(record), place)
}

const sumOf = (records: readonly DropRecord[], of: 'count' | 'bytes') =>
  records.reduce((sum, record) => sum + record[of], 0)

/** nft's own count of what it dropped. */
function nftCount(side: Pair['near']) {
  const text = side.run('nft', 'list chain inet weir_drop here')
  const [, packets, bytes] = /counter packets (\d+) bytes (\d+) drop/.exec(text) ?? []
  return { packets: Number(packets), bytes: Number(bytes) }
}

function dropBy(side: Pair['near'], hook: string, match: string): () => void {
  side.run('nft', 'add table inet weir_drop')
  side.run('nft', `add chain inet weir_drop here { type filter hook ${hook} priority 0; }`)
  side.run('nft', `add rule inet weir_drop here ${match} counter drop`)
  return () => side.run('nft', 'delete table inet weir_drop')
}

test('a closed UDP port over IPv4 and IPv6: tuple, reason, place, interface and length', () => {
  const { records } = dropsOf(pair.near.inode, () =>
    python(
      pair.near,
      's = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("127.0.0.1", 4001))',
      's.sendto(b"x" * 10, ("127.0.0.1", 4002))',
      's = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM); s.bind(("::1", 4003))',
      's.sendto(b"x" * 10, ("::1", 4004))',
    ),
  )
  const udp = records.filter(({ protocol }) => protocol === 17)
  const [v4] = udp.filter(({ destination_port: port }) => port === 4002)
  const [v6] = udp.filter(({ destination_port: port }) => port === 4004)
  assertReason(v4, 'NO_SOCKET', /^__udp4_lib_rcv\+|^udp_/)
  assertReason(v6, 'NO_SOCKET', /^__udp6_lib_rcv\+|^udp/)
  assert.deepEqual([v4?.source, v4?.source_port, v4?.destination], ['127.0.0.1', 4001, '127.0.0.1'])
  assert.deepEqual([v4?.count, v4?.bytes, v4?.packet_bytes, v4?.interface], [1, 38, 38, 'lo'])
  assert.deepEqual([v6?.source, v6?.source_port], ['0:0:0:0:0:0:0:1', 4003])
  assert.equal(v6?.bytes, 58)
})

test('a closed TCP port: the SYN is dropped, and a reset sent and received', () => {
  const { records } = dropsOf(pair.near.inode, () =>
    python(
      pair.near,
      's = socket.socket(); s.bind(("127.0.0.1", 4005))',
      'assert s.connect_ex(("127.0.0.1", 4006)) == 111',
    ),
  )
  const of = (kind: number) =>
    records.filter((record) => record.kind === kind && record.protocol === 6)
  const [syn] = of(dropKind.PACKET)
  assertReason(syn, 'NO_SOCKET', /^tcp_v4_rcv\+/)
  assert.deepEqual([syn?.source_port, syn?.destination_port, syn?.tcp_flags], [4005, 4006, 2])
  // Before 6.10 the tracepoint fires for resets of a socket alone: here nobody has one.
  const reported = kernelNames(['sk_rst_reason']).size > 0 ? [dropKind.RESET_SENT] : []
  assert.equal(reported.length === 1, kernelAtLeast(6, 10))
  for (const kind of [...reported, dropKind.RESET_RECEIVED]) {
    const [reset, ...more] = of(kind)
    assert.deepEqual([reset?.source_port, reset?.destination_port, reset?.count], [4006, 4005, 1])
    assert.deepEqual(more, [])
  }
})

test("a flood that nft drops: packets and octets are nft's, in one entry", () => {
  const undo = dropBy(pair.far, 'input', 'udp dport 4007')
  try {
    const { records, counters } = dropsOf(pair.far.inode, () =>
      python(
        pair.near,
        's = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("", 4008))',
        `for _ in range(20000): s.sendto(b"x" * 100, ("${far}", 4007))`,
      ),
    )
    const { packets, bytes } = nftCount(pair.far)
    const flood = records.filter(({ destination_port: port }) => port === 4007)
    assert.equal(flood.length, 1)
    assertReason(flood[0], 'NETFILTER_DROP', /nf_hook_slow\+|nft_do_chain|ip_local_deliver/)
    assert.ok(packets > 0)
    assert.deepEqual([flood[0]?.count, flood[0]?.bytes], [packets, bytes])
    assert.deepEqual([flood[0]?.source, flood[0]?.interface], [near, 'far0'])
    const { seen, filtered, recorded, map_full: full, taken, interrupted } = counters
    assert.equal(seen, filtered + recorded + full)
    assert.deepEqual([taken, full, interrupted], [recorded, 0, 0])
  } finally {
    undo()
  }
})

test('fragments of one dropped datagram are one drop, as nft counts it', () => {
  const undo = dropBy(pair.far, 'input', 'udp dport 4009')
  // A connection tracker puts fragments together before the filter sees them; so does the socket's layer.
  try {
    const { records } = dropsOf(pair.far.inode, () =>
      python(
        pair.near,
        's = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)',
        `for _ in range(5): s.sendto(b"x" * 8000, ("${far}", 4009))`,
      ),
    )
    const { packets } = nftCount(pair.far)
    const own = records.filter(({ protocol, kind }) => protocol === 17 && kind === dropKind.PACKET)
    assert.equal(packets, 5)
    assert.equal(sumOf(own, 'count'), packets)
  } finally {
    undo()
  }
})

test('a full table costs the tuple and not the number', () => {
  const undo = dropBy(pair.far, 'input', 'udp dport 4010')
  try {
    const { records, counters } = dropsOf(
      pair.far.inode,
      () =>
        python(
          pair.near,
          'for port in range(20000, 20200):',
          '  s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("", port))',
          `  s.sendto(b"x" * 10, ("${far}", 4010)); s.close()`,
        ),
      64,
    )
    const { packets, bytes } = nftCount(pair.far)
    assert.equal(packets, 200)
    assert.equal(sumOf(records, 'count'), packets)
    assert.equal(sumOf(records, 'bytes'), bytes)
    const [rest] = records.filter(({ address }) => address === 0)
    assert.equal(rest?.count, counters.map_full)
    assert.ok(counters.map_full >= 200 - 64, `${counters.map_full}`)
    assert.equal(rest?.reason, saysReasons ? 'NETFILTER_DROP' : 'unknown')
  } finally {
    undo()
  }
})

test('retransmits are segments, as many as arrived again', () => {
  const undo = dropBy(pair.far, 'input', 'tcp dport 4011 tcp flags syn')
  try {
    const { records } = dropsOf(pair.near.inode, () => {
      const answer = python(
        pair.near,
        's = socket.socket(); s.setblocking(False); s.bind(("", 4012))',
        `s.connect_ex(("${far}", 4011))`,
        'end = time.time() + 60; sent = 0',
        'while sent < 1 and time.time() < end:',
        '  time.sleep(0.05)',
        '  sent = struct.unpack("I", s.getsockopt(socket.IPPROTO_TCP, 11, 104)[100:104])[0]',
        'assert sent >= 1, sent',
        'print(sent)',
      )
      assert.ok(Number(answer) >= 1)
    })
    const again = records.filter(({ kind }) => kind === dropKind.RETRANSMIT)
    // Each SYN arrived at the rule of nftables; the first was no retransmit.
    assert.equal(sumOf(again, 'count'), nftCount(pair.far).packets - 1)
    assert.deepEqual([again[0]?.source, again[0]?.source_port], [near, 4012])
    assert.deepEqual([again[0]?.destination, again[0]?.destination_port], [far, 4011])
  } finally {
    undo()
  }
})

test('another namespace is filtered, and counted so', () => {
  const { records, counters } = dropsOf(pair.far.inode, () =>
    python(
      pair.near,
      's = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)',
      'for _ in range(7): s.sendto(b"x", ("127.0.0.1", 4013))',
    ),
  )
  assert.deepEqual(
    records.filter(({ destination_port: port }) => port === 4013),
    [],
  )
  assert.ok(counters.filtered >= 7)
})

const reasonsOf = (records: readonly DropRecord[]) => records.map(({ reason }) => reason)

/** Reasons that a namespace can be made to give; each by one piece of Python in the near one. */
const provoked: readonly {
  readonly reason: string
  readonly side: 'near' | 'far'
  readonly by: readonly string[]
}[] = [
  {
    reason: 'UDP_CSUM',
    side: 'near',
    by: [
      'r = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); r.bind(("127.0.0.1", 4020)); r.settimeout(0.2)',
      's = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP)',
      's.sendto(struct.pack(">HHHH", 4021, 4020, 12, 0x1234) + b"abcd", ("127.0.0.1", 0))',
      'try: r.recv(10)',
      'except TimeoutError: pass',
    ],
  },
  {
    reason: 'SOCKET_RCVBUFF',
    side: 'near',
    by: [
      'r = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); r.bind(("127.0.0.1", 4022))',
      'r.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)',
      's = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)',
      'for _ in range(50): s.sendto(b"x" * 1000, ("127.0.0.1", 4022))',
    ],
  },
  {
    reason: 'TCP_CSUM',
    side: 'near',
    by: [
      's = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP)',
      's.sendto(struct.pack(">HHIIBBHHH", 4023, 4024, 1, 0, 0x50, 2, 100, 0x1234, 0), ("127.0.0.1", 0))',
    ],
  },
  {
    reason: 'IP_NOPROTO',
    side: 'near',
    by: [
      's = socket.socket(socket.AF_INET, socket.SOCK_RAW, 253); t = s',
      's = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)',
      'h = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 24, 0, 0, 64, 252, 0, socket.inet_aton("127.0.0.1"), socket.inet_aton("127.0.0.1"))',
      's.sendto(h + b"abcd", ("127.0.0.1", 0))',
    ],
  },
  {
    reason: 'IP_INVALID_SOURCE',
    side: 'far',
    by: [
      's = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)',
      `h = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 28, 0, 0, 64, 17, 0, socket.inet_aton("224.0.0.1"), socket.inet_aton("${far}"))`,
      `s.sendto(h + struct.pack(">HHHH", 1, 2, 8, 0), ("${far}", 0))`,
    ],
  },
]

for (const { reason, side, by } of provoked) {
  test(`${reason} is said of a packet that has it`, (t) => {
    const { records } = dropsOf(pair[side].inode, () => python(pair.near, ...by))
    const packets = records.filter(({ kind }) => kind === dropKind.PACKET)
    assert.ok(packets.length > 0, 'something was dropped')
    if (!hasReason(reason)) return t.skip(`this kernel has no reason ${reason}`)
    assert.ok(reasonsOf(packets).includes(reason), `${reasonsOf(packets)}`)
  })
}
