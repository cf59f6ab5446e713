// What the probe reads out of packets that it did not make: tags, extension headers, quoted packets, and octets that
// lie. All of them come in over a cable and are dropped by a rule of nftables, which counts them too.

import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, test } from 'node:test'
import { type DropRecord, saysReasons } from '../../testing/drop-record.ts'
import { type DropRule, dropRule, dropsOf, runPython, sumOf } from '../../testing/drops.ts'
import { createPair, type Pair } from '../../testing/pair.ts'
import { far, far6, near, near6 } from '../../testing/provoked.ts'

let pair: Pair
let rule: DropRule

before(() => {
  pair = createPair()
})
after(() => pair?.remove())
beforeEach(() => {
  rule = dropRule(pair.far, 'ingress device far0', '')
})
afterEach(() => rule.remove())

const isByRule = ({ reason }: DropRecord) => !saysReasons || reason === 'NETFILTER_DROP'

/** What became of `sent` frames: none is missing, and those that the rule dropped are as many as nftables says. */
function droppedOf(sent: number, ...lines: readonly string[]): readonly DropRecord[] {
  const { records, counters } = dropsOf(
    { netns: pair.far.inode },
    () => void runPython(pair, lines),
    (seen) => sumOf(seen, 'count') >= sent,
  )
  assert.equal(sumOf(records, 'count'), sent)
  if (saysReasons) assert.equal(sumOf(records.filter(isByRule), 'count'), rule.count().packets)
  assert.equal(counters.seen, counters.filtered + counters.recorded + counters.map_full)
  assert.equal(counters.taken, counters.recorded)
  return records
}

const ports = ({ protocol, source_port: from, destination_port: to }: DropRecord) =>
  [protocol, from, to].join(' ')
const between = (records: readonly DropRecord[], source: string, destination: string) =>
  records.filter((record) => record.source === source && record.destination === destination)

test('the tuple and L3 length behind one and behind two VLAN tags are those of the packet inside', () => {
  const inside = (port: number) => `ipv4(udp(b'x' * 10, 5001, ${port}), 17)`
  const records = droppedOf(
    18,
    `put(ethernet(${inside(6001)}, tags=[(0x8100, 5)]), 3)`,
    `put(ethernet(${inside(6002)}, tags=[(0x88a8, 10), (0x8100, 20)]), 4)`,
    `put(ethernet(${inside(6003)}, tags=[(0x8100, 10), (0x8100, 20)]), 5)`,
    "put(ethernet(ipv6(udp(b'x' * 10, 5001, 6004), 17), 0x86dd, tags=[(0x88a8, 10), (0x8100, 20)]), 6)",
  )
  const v4 = between(records, near, far)
  assert.deepEqual(v4.map(ports).sort(), ['17 5001 6001', '17 5001 6002', '17 5001 6003'])
  const v6 = between(records, near6, far6)
  assert.deepEqual(v6.map(ports), ['17 5001 6004'])
  for (const [index, count] of [3, 4, 5].entries()) {
    const [record] = v4.filter(({ destination_port: port }) => port === 6001 + index)
    assert.deepEqual([record?.count, record?.bytes], [count, count * 38])
  }
  assert.deepEqual([v6[0]?.count, v6[0]?.bytes], [6, 6 * 58])
})

test('a tag around something else than IP is reported as what is inside', () => {
  const records = droppedOf(2, "put(ethernet(b'x' * 50, 0x88b5, tags=[(0x8100, 5)]), 2)")
  const own = records.filter(({ link_protocol: type }) => type === 0x88b5)
  assert.deepEqual(
    own.map(({ count, protocol }) => [count, protocol]),
    [[2, 0]],
  )
})

test('ports stand behind the extension headers of IPv6, and a later fragment has none', () => {
  const options = 'bytes([{next}, 0, 1, 4, 0, 0, 0, 0])'
  const header = (next: number) => options.replace('{next}', String(next))
  const datagram = (port: number) => `udp(b'x', 5001, ${port}, (NEAR6, FAR6))`
  const put = (body: string, following: number) =>
    `put(ethernet(ipv6(${body}, ${following}), 0x86dd))`
  const records = droppedOf(
    8,
    put(`${header(60)} + ${header(17)} + ${datagram(6001)}`, 0),
    put(`bytes([17, 2, 0, 0]) + b'\\0' * 20 + ${datagram(6002)}`, 43),
    put(`bytes([17, 0, 0, 1, 0, 0, 0, 9]) + ${datagram(6003)}`, 44),
    put(`bytes([17, 0, 0, 9, 0, 0, 0, 9]) + ${datagram(6004)}`, 44),
    put(`bytes([17, 4, 0, 0]) + b'\\0' * 20 + ${datagram(6005)}`, 51),
    put(`${Array(5).fill(header(60)).join(' + ')} + ${header(17)} + ${datagram(6006)}`, 60),
    put(`${Array(6).fill(header(60)).join(' + ')} + ${header(17)} + ${datagram(6007)}`, 60),
    put(`bytes([17, 200, 1, 4, 0, 0, 0, 0]) + ${datagram(6008)}`, 60),
  )
  const own = between(records, near6, far6)
  assert.deepEqual(own.map((record) => `${ports(record)} × ${record.count}`).sort(), [
    '17 0 0 × 2', // a later fragment; a length that leads out of the packet
    '17 5001 6001 × 1',
    '17 5001 6002 × 1',
    '17 5001 6003 × 1',
    '17 5001 6005 × 1',
    '17 5001 6006 × 1',
    '60 0 0 × 1', // seven headers are more than are walked
  ])
})

test('ports stand behind the options of IPv4, and a later fragment has none', () => {
  const records = droppedOf(
    3,
    "put(ethernet(ipv4(udp(b'x', 5001, 6001), 17, options=b'\\1' * 8)))",
    "put(ethernet(ipv4(tcp(5001, 6002, SYN | ACK), 6, options=b'\\1' * 40)))",
    "put(ethernet(ipv4(udp(b'x', 5001, 6003), 17, offset=100)))",
  )
  const own = between(records, near, far)
  assert.deepEqual(own.map(ports).sort(), ['17 0 0', '17 5001 6001', '6 5001 6002'])
  assert.equal(own.find(({ protocol }) => protocol === 6)?.tcp_flags, 0x12)
})

test('an ICMP error is reported as itself, not as the packet that it quotes', () => {
  const records = droppedOf(
    5,
    "quoted = ipv4(udp(b'x' * 8, 6002, 6001), 17, FAR, NEAR)",
    "put(ethernet(ipv4(icmp(3, 3, b'\\0' * 4 + quoted), 1)), 2)",
    "quoted6 = ipv6(udp(b'x' * 8, 6002, 6001), 17, FAR6, NEAR6)",
    "put(ethernet(ipv6(icmp6(1, 4, b'\\0' * 4 + quoted6), 58), 0x86dd), 3)",
  )
  const v4 = between(records, near, far)
  assert.deepEqual(
    v4.map((record) => [ports(record), record.count]),
    [['1 0 0', 2]],
  )
  const v6 = between(records, near6, far6)
  assert.deepEqual(
    v6.map((record) => [ports(record), record.count]),
    [['58 0 0', 3]],
  )
  assert.deepEqual([...between(records, far, near), ...between(records, far6, near6)], [])
})

/** Good packets of all kinds, each with some octets changed and cut off somewhere; the same in each run. */
const hostileFrames = [
  'import random',
  'dice = random.Random(20261129)',
  "udp4, tcp4 = ipv4(udp(b'x' * 30, 1, 2), 17), ipv4(tcp(3, 4, SYN, options=b'\\1' * 20), 6, options=b'\\1' * 12)",
  "udp6 = ipv6(udp(b'x' * 30, 5, 6), 17)",
  'many = ipv6(bytes([60, 0, 1, 4, 0, 0, 0, 0]) * 5 + bytes([6, 0, 1, 4, 0, 0, 0, 0]) + tcp(7, 8, ACK), 60)',
  'kinds = [(udp4, 0x800, ()), (tcp4, 0x800, ()), (udp6, 0x86dd, ()), (many, 0x86dd, ())]',
  'kinds += [(packet, kind, [(0x88a8, 1), (0x8100, 2)]) for packet, kind, _ in kinds]',
  'kinds += [(many, 0x800, ()), (udp4, 0x86dd, ()), (udp4, 0x8100, ()), (b"", 0x800, ()), (b"", 0x8100, ())]',
  "cable = socket.socket(socket.AF_PACKET, socket.SOCK_RAW); cable.bind(('near0', 0))",
  'def hostile(packet, kind, tags):',
  '  octets = bytearray(ethernet(packet, kind, tags=tags))',
  '  for _ in range(dice.randrange(6)):',
  '    if len(octets) > 14: octets[dice.randrange(14, len(octets))] = dice.choice([0, 1, 255, dice.randrange(256)])',
  '  return bytes(octets[:dice.randrange(14, len(octets) + 1)])',
  'for _ in range(6000): cable.send(hostile(*dice.choice(kinds)))',
]

test('six thousand packets with octets that lie are each counted once, as nftables counts them', () => {
  const records = droppedOf(6000, ...hostileFrames)
  assert.ok(rule.count().packets > 5000, 'the rest did not get as far as the rule')
  const lengths = records.filter(({ packet_bytes: bytes }) => bytes > 1514)
  assert.deepEqual(lengths, [], 'no length is larger than the frame')
})

test('the same packets, taken by the whole stack: what is seen is recorded', () => {
  rule.remove()
  try {
    const work = () => void runPython(pair, hostileFrames)
    const { records, counters } = dropsOf({ netns: pair.far.inode }, work)
    assert.equal(counters.seen, counters.filtered + counters.recorded + counters.map_full)
    assert.equal(sumOf(records, 'count'), counters.recorded)
    assert.ok(counters.recorded > 1000, `${counters.recorded}`)
  } finally {
    rule = dropRule(pair.far, 'ingress device far0', '')
  }
})
