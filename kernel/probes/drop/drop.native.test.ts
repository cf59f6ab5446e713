// The drop probe against nftables' counters, ss and TCP_INFO, in namespaces of the test's own.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { besideProcessOne } from '../../../common/process-one.fake.ts'
import { kernelNames } from '../../loader/host.ts'
import { bootNs, dropKind } from '../../mod.ts'
import { type DropRecord, placeOf, saysReasons } from '../../testing/drop-record.ts'
import { dropRule, dropsOf, runPython, sumOf } from '../../testing/drops.ts'
import { kernelAtLeast } from '../../testing/features.ts'
import { createPair, type Pair } from '../../testing/pair.ts'

const near = '10.77.0.1'
const far = '10.77.0.2'
let pair: Pair

before(() => {
  pair = createPair()
})
after(() => pair?.remove())

function assertReason(record: DropRecord | undefined, reason: string, place: RegExp): void {
  assert.ok(record, reason)
  assert.equal(record.reason, saysReasons ? reason : 'unknown')
  assert.match(placeOf(record), place)
}

test('a closed UDP port over IPv4 and IPv6: tuple, reason, place, interface and length', () => {
  const { records } = dropsOf({ netns: pair.near.inode }, () =>
    runPython(pair, [
      's = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("127.0.0.1", 4001))',
      's.sendto(b"x" * 10, ("127.0.0.1", 4002))',
      's = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM); s.bind(("::1", 4003))',
      's.sendto(b"x" * 10, ("::1", 4004))',
    ]),
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
  const { records } = dropsOf({ netns: pair.near.inode }, () =>
    runPython(pair, [
      's = socket.socket(); s.bind(("127.0.0.1", 4005))',
      'assert s.connect_ex(("127.0.0.1", 4006)) == 111',
    ]),
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

const isFlood = ({ destination_port: port }: DropRecord) => port === 4007

test("a flood that nft drops: packets and octets are nft's, in one entry", () => {
  const rule = dropRule(pair.far, 'input', 'udp dport 4007')
  try {
    const begin = bootNs()
    const { records, counters } = dropsOf({ netns: pair.far.inode }, () =>
      runPython(pair, [
        's = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("", 4008))',
        `for _ in range(20000): s.sendto(b"x" * 100, ("${far}", 4007))`,
      ]),
    )
    const { first_ns: first = 0n, last_ns: last = 0n } = records.find(isFlood) ?? {}
    assert.ok(begin < first && first < last && last < bootNs(), `${begin} ${first} ${last}`)
    const { packets, bytes } = rule.count()
    const flood = records.filter(isFlood)
    assert.equal(flood.length, 1)
    assertReason(flood[0], 'NETFILTER_DROP', /nf_hook_slow\+|nft_do_chain|ip_local_deliver/)
    assert.ok(packets > 0)
    assert.deepEqual([flood[0]?.count, flood[0]?.bytes], [packets, bytes])
    assert.deepEqual([flood[0]?.source, flood[0]?.interface], [near, 'far0'])
    const { seen, filtered, recorded, map_full: full, taken, interrupted } = counters
    assert.equal(seen, filtered + recorded + full)
    assert.deepEqual([taken, full, interrupted], [recorded, 0, 0])
  } finally {
    rule.remove()
  }
})

test('fragments of one dropped datagram are one drop, as nft counts it', () => {
  const rule = dropRule(pair.far, 'input', 'udp dport 4009')
  // A connection tracker puts fragments together before the filter sees them; so does the socket's layer.
  try {
    const isOwn = ({ protocol, kind }: DropRecord) => protocol === 17 && kind === dropKind.PACKET
    const send = () =>
      void runPython(pair, [
        's = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)',
        `for _ in range(5): s.sendto(b"x" * 8000, ("${far}", 4009))`,
      ])
    const { records } = dropsOf(
      { netns: pair.far.inode },
      send,
      (seen) => sumOf(seen.filter(isOwn), 'count') >= 5,
    )
    const { packets } = rule.count()
    const own = records.filter(isOwn)
    assert.equal(packets, 5)
    assert.equal(sumOf(own, 'count'), packets)
  } finally {
    rule.remove()
  }
})

test('a full table costs the tuple and not the number, and both halves are what nft dropped', () => {
  const rule = dropRule(pair.far, 'input', 'udp dport 4010')
  try {
    const { records, counters, packets } = dropsOf({ netns: pair.far.inode, entriesMax: 64 }, () =>
      runPython(pair, [
        'for port in range(20000, 20200):',
        '  s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("", port))',
        `  s.sendto(b"x" * 10, ("${far}", 4010)); s.close()`,
      ]),
    )
    const dropped = rule.count()
    const ours = records.filter(({ reason }) => !saysReasons || reason === 'NETFILTER_DROP')
    assert.equal(dropped.packets, 200)
    assert.equal(sumOf(ours, 'count'), dropped.packets)
    assert.equal(sumOf(ours, 'bytes'), dropped.bytes)
    // The ledger: what has left the table, and what is lost because it was full, are all.
    assert.equal(packets, counters.taken)
    assert.equal(packets + counters.map_full, counters.seen - counters.filtered)
    const [rest] = ours.filter(({ address }) => address === 0)
    assert.equal(rest?.count, counters.map_full)
    assert.ok(counters.map_full >= 200 - 64, `${counters.map_full}`)
    assert.equal(rest?.reason, saysReasons ? 'NETFILTER_DROP' : 'unknown')
  } finally {
    rule.remove()
  }
})

test('retransmits are segments, as many as arrived again', () => besideProcessOne(retransmitSyn))

function retransmitSyn(): void {
  const rule = dropRule(pair.far, 'input', 'tcp dport 4011 tcp flags syn')
  try {
    const isAgain = ({ kind }: DropRecord) => kind === dropKind.RETRANSMIT
    const send = () => {
      const answer = runPython(pair, [
        's = socket.socket(); s.setblocking(False); s.bind(("", 4012))',
        `s.connect_ex(("${far}", 4011))`,
        'end = time.time() + 60; sent = 0',
        'while sent < 1 and time.time() < end:',
        '  time.sleep(0.05)',
        '  sent = struct.unpack("I", s.getsockopt(socket.IPPROTO_TCP, 11, 104)[100:104])[0]',
        'assert sent >= 1, sent',
        'print(sent)',
      ])
      assert.ok(Number(answer) >= 1)
    }
    // What the timer sent may still be on its way to the rule.
    const { records, counters } = dropsOf(
      { netns: pair.near.inode },
      send,
      (seen) => sumOf(seen.filter(isAgain), 'count') === rule.count().packets - 1,
    )
    const again = records.filter(isAgain)
    // Each SYN arrived at the rule of nftables; the first was no retransmit.
    assert.equal(sumOf(again, 'count'), rule.count().packets - 1, JSON.stringify(counters))
    assert.deepEqual([again[0]?.source, again[0]?.source_port], [near, 4012])
    assert.deepEqual([again[0]?.destination, again[0]?.destination_port], [far, 4011])
  } finally {
    rule.remove()
  }
}
