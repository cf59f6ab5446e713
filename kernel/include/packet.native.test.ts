// The parser of packets through every door, on frames written out here from the RFCs.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { kernelAtLeast } from '../testing/features.ts'
import { type Door, openParser, type Parser, type ReadPacket } from '../testing/packet.ts'

let parser: Parser
/** A run takes no less of a frame that says IPv4. */
const frameBytesMin = 34
/** Of a frame on a cable. */
const ethernetBytesMin = 60
const noMemory = 'this kernel has no dynptr'
before(() => {
  parser = openParser()
  assert.equal(parser.hasMemory, kernelAtLeast(5, 19))
})
after(() => parser?.close())

const macs = '020000000002 020000000001'
const v4 = '00000000000000000000ffff'
const [here, there] = [`${v4}0a000001`, `${v4}0a000002`]
const [here6, there6] = ['20010db8000000000000000000000001', '20010db8000000000000000000000002']

/** IPv4 from 10.0.0.1 to 10.0.0.2. */
function ip4(
  protocol: number,
  payload: string,
  { options = '', fragment = '0000', length = -1 } = {},
) {
  const header = 20 + octetsOf(options).length
  const total = length < 0 ? header + octetsOf(payload).length : length
  const first = (0x40 | (header / 4)).toString(16)
  return `${first}00 ${be16(total)} 0001${fragment} 40${octet(protocol)}0000 0a000001 0a000002 ${options} ${payload}`
}

/** IPv6 from 2001:db8::1 to 2001:db8::2. */
function ip6(next: number, payload: string, length = octetsOf(payload).length) {
  return `60000000 ${be16(length)} ${octet(next)}40 ${here6} ${there6} ${payload}`
}

const tcp = '1f90 c350 00000001 00000002 5012 ffff 0000 0000'
const udp = '1f90 c350 000c 0000 01020304'
const ports = { src_port: 8080, dst_port: 50000 }

/** Frames of Ethernet and what they are; every door must say so. */
const cases: readonly (readonly [string, string, Partial<ReadPacket>])[] = [
  ['TCP', `${macs} 0800 ${ip4(6, tcp)}`, { ...ports, tcp_flags: 0x12, bytes: 40, upper_bytes: 20 }],
  ['padding', `${macs} 0800 ${ip4(17, udp)} ${'00'.repeat(14)}`, { ...ports, bytes: 32 }],
  ['UDP of IPv6', `${macs} 86dd ${ip6(17, udp)}`, { ...ports, bytes: 52 }],
  ['a tag', `${macs} 8100 0064 0800 ${ip4(17, udp)}`, { ...ports, ip_offset: 18 }],
  ['two tags', `${macs} 88a8 0064 8100 0065 86dd ${ip6(6, tcp)}`, { ...ports, protocol: 6 }],
  ['twenty tags', `${macs} ${'8100 0001'.repeat(20)} 0800 ${ip4(17, udp)}`, ports],
  ['MPLS', `${macs} 8847 00001000 00002140 ${ip4(17, udp)}`, { ...ports, ip_offset: 22 }],
  ['PPPoE', `${macs} 8864 1100 0001 0022 0057 ${ip6(17, udp)}`, ports],
  ['SNAP', `${macs} 0028 aaaa03 000000 0800 ${ip4(17, udp)}`, ports],
  ['NSH', `${macs} 894f 0fc6 0103 000001ff ${'00'.repeat(16)} ${macs} 0800 ${ip4(17, udp)}`, ports],
  [
    'options',
    `${macs} 0800 ${ip4(6, tcp, { options: '94040000 00000000' })}`,
    { ...ports, bytes: 48 },
  ],
  [
    'first fragment',
    `${macs} 0800 ${ip4(17, udp, { fragment: '2000' })}`,
    { ...ports, fragment: 0 },
  ],
  [
    'later fragment',
    `${macs} 0800 ${ip4(17, udp, { fragment: '2010' })}`,
    { src_port: 0, fragment: 1 },
  ],
  [
    'hop-by-hop',
    `${macs} 86dd ${ip6(0, `1100 0502 0000 0100 ${udp}`)}`,
    { ...ports, protocol: 17 },
  ],
  [
    'routing, then destination options',
    `${macs} 86dd ${ip6(43, `3c00 0000 00000000 0600 0104 00000000 ${tcp}`)}`,
    { ...ports, protocol: 6, tcp_flags: 0x12 },
  ],
  [
    'AH',
    `${macs} 86dd ${ip6(51, `1104 0000 ${'00'.repeat(20)} ${udp}`)}`,
    { ...ports, protocol: 17 },
  ],
  ['ESP', `${macs} 86dd ${ip6(50, udp)}`, { protocol: 50, src_port: 0 }],
  [
    'later fragment of IPv6',
    `${macs} 86dd ${ip6(44, `1100 0101 00000001 ${udp}`)}`,
    { protocol: 17, fragment: 1 },
  ],
  ['SCTP', `${macs} 0800 ${ip4(132, `1f90 c350 ${'00'.repeat(8)}`)}`, ports],
  ['UDP-Lite', `${macs} 0800 ${ip4(136, udp)}`, ports],
  ['DCCP', `${macs} 0800 ${ip4(33, udp)}`, { protocol: 33, src_port: 0 }],
  ['an echo', `${macs} 0800 ${ip4(1, '0800 0000 1234 0001')}`, { icmp_type: 8, icmp_id: 0x1234 }],
  ['too big', `${macs} 86dd ${ip6(58, '0200 0000 0000 05dc')}`, { icmp_type: 2, icmp_id: 0 }],
  ['IP in IP', `${macs} 0800 ${ip4(4, ip4(17, udp))}`, { protocol: 4, bytes: 52, src_port: 0 }],
  ['a length of 0', `${macs} 0800 ${ip4(6, tcp, { length: 0 })}`, { ...ports, bytes: 40 }],
  ['15 octets of TCP', `${macs} 0800 ${ip4(6, tcp.slice(0, -12))}`, { ...ports, tcp_flags: 0 }],
]

/** No IP packets, and why not (enum packet_fault). */
const faults: readonly (readonly [string, string, number])[] = [
  ['ARP', `${macs} 0806 0001 0800 0604 0001 ${'00'.repeat(20)}`, 1],
  ['a tag without a type', `${macs} 8100 00`, 2],
  ['a cut header', `${macs} 86dd 6000 0000 0000 1140`, 3],
  ['IPv6 that says it is IPv4', `${macs} 0800 ${ip6(17, udp)}`, 4],
  ['a header of 16 octets', `${macs} 0800 44${ip4(17, udp).slice(2)}`, 5],
  ['less than its header', `${macs} 0800 ${ip4(17, udp, { length: 19 })}`, 5],
  ['thirty tags', `${macs} ${'8100 0001'.repeat(30)} 0800 ${ip4(17, udp)}`, 6],
]

for (const [name, frame, expected] of cases) {
  test(`reads ${name}, through every door the same`, () => {
    const packet = everyDoor(octetsOf(frame))
    assert.equal(packet.fault, 0)
    const isV6 = frame.includes(here6)
    const ends = isV6
      ? { family: 6, src: here6, dst: there6 }
      : { family: 4, src: here, dst: there }
    for (const [field, value] of Object.entries({ ...ends, ...expected })) {
      assert.equal(packet[field as keyof ReadPacket], value, field)
    }
  })
}

for (const [name, frame, fault] of faults) {
  test(`says why it is no IP packet: ${name}`, (t) => {
    const octets = octetsOf(frame)
    if (!parser.hasMemory && octets.length < frameBytesMin) return t.skip(noMemory)
    const packet = everyDoor(octets)
    assert.deepEqual([packet.family, packet.fault], [0, fault])
  })
}

test('BIG TCP: a jumbogram counts its option if the frame can hold it', (t) => {
  if (!parser.hasMemory) return t.skip(noMemory)
  const jumbo = ip6(0, `0600 c204 00011170 ${tcp}`, 0)
  const octets = octetsOf(`${macs} 86dd ${jumbo}`)
  const { bytes, src_port } = parser.parse('memory', octets, 1, 70_000 + 54)
  assert.deepEqual([bytes, src_port], [70_040, 8080])
  assert.equal(parser.parse('memory', octets, 1).bytes, 40, 'an impossible claim')
  const plain = octetsOf(`${macs} 86dd ${ip6(6, tcp, 0)}`)
  assert.equal(parser.parse('memory', plain, 1, 80_054).bytes, 80_040)
})

test('other links: raw, cooked, loopback, PPP', (t) => {
  if (!parser.hasMemory) return t.skip(noMemory)
  const packet = ip4(17, udp)
  const links: readonly (readonly [number, string])[] = [
    [2, packet],
    [3, `0000 0001 0006 020000000001 0000 0800 ${packet}`],
    [4, `0800 0000 00000002 0001 00 06 020000000001 0000 ${packet}`],
    [5, `02000000 ${packet}`],
    [5, `00000002 ${packet}`],
    [6, `ff03 0021 ${packet}`],
    [6, `0021 ${packet}`],
  ]
  for (const [link, octets] of links) {
    const { family, src_port, bytes } = parser.parse('memory', octetsOf(octets), link)
    assert.deepEqual([family, src_port, bytes], [4, 8080, 32], `link ${link}`)
  }
  assert.equal(parser.parse('memory', octetsOf(packet), 99).fault, 7)
})

/** The same frame through all doors; a frame of less than the kernel takes goes through memory alone. */
function everyDoor(frame: Uint8Array): ReadPacket {
  const packet = parser.parse(parser.hasMemory ? 'memory' : 'xdp', frame)
  const doors: readonly Door[] = frame.length < frameBytesMin ? [] : ['xdp', 'tc']
  for (const door of doors) assert.deepEqual(parser.parse(door, frame), packet, door)
  return packet
}

test('a socket filter reads the same behind the link header', () => {
  const { ip_offset, upper_offset, ...packet } = parser.parse('socket', octetsOf(ip4(6, tcp)))
  const whole = parser.parse('tc', octetsOf(`${macs} 0800 ${ip4(6, tcp)}`))
  assert.deepEqual({ ...packet, ip_offset: ip_offset + 14, upper_offset: upper_offset + 14 }, whole)
})

/** More in the long mode: WEIR_CASES=1000000. */
const randomCases = Number(process.env['WEIR_CASES'] ?? 3000)

test('frames with random octets changed, cut and added: every door says the same, and each has a family or a fault', () => {
  const random = randomOf(20_251_129)
  const frames = [...cases, ...faults].map(([, hex]) => octetsOf(hex))
  for (let number = 0; number < randomCases; number++) {
    const octets = mutated(frames[random(frames.length)] as Uint8Array, random)
    const packet = parser.parse('tc', octets)
    const hex = Buffer.from(octets).toString('hex')
    assert.deepEqual(parser.parse('xdp', octets), packet, hex)
    if (parser.hasMemory && number % 16 === 0) {
      assert.deepEqual(parser.parse('memory', octets), packet, hex)
    }
    assert.equal(packet.family === 0, packet.fault !== 0, hex)
    if (packet.family === 0) assert.equal(packet.src, '0'.repeat(32), hex)
  }
})

function mutated(frame: Uint8Array, random: (below: number) => number): Uint8Array {
  const octets = new Uint8Array(Math.max(ethernetBytesMin, frame.length + random(60) - 30))
  octets.set(frame.subarray(0, octets.length))
  for (let times = random(6); times > 0; times--) octets[random(octets.length)] = random(256)
  return octets
}

/** mulberry32: the same numbers each time. */
function randomOf(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296) * below)
  }
}

function octetsOf(hex: string): Uint8Array {
  return Buffer.from(hex.replaceAll(' ', ''), 'hex')
}
function octet(value: number): string {
  return value.toString(16).padStart(2, '0')
}
function be16(value: number): string {
  return value.toString(16).padStart(4, '0')
}
