// Datagrams that no real exporter sends on demand: late templates, gaps, samplers, damage.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  frameOf,
  ipfixOf,
  netflow9Of,
  octetsOf,
  setOf,
  sflowOf,
  templateOf,
  v4Fields,
  v4Record,
} from './datagrams.fake.ts'
import { fakeDecoder } from './decode.fake.ts'
import { packetOf } from './exporter.fake.ts'
import { streamLimits } from './streams.ts'

const template = setOf(2, templateOf(256, v4Fields))
const bytesOf = (rows: readonly { readonly [name: string]: unknown }[]) =>
  rows.reduce((sum, row) => sum + Number(row['bytes']) + Number(row['reverse_bytes']), 0)

test('records that came before their template were lost', () => {
  const decoder = fakeDecoder()
  decoder.take(ipfixOf(0, [setOf(256, Buffer.concat([v4Record(100, 1), v4Record(200, 2)]))]))
  assert.deepEqual(decoder.rows(), [])
  assert.ok(decoder.waitingBytes() > 0)
  decoder.take(ipfixOf(2, [template]))
  const rows = decoder.rows()
  assert.equal(bytesOf(rows), 300)
  assert.equal(decoder.waitingBytes(), 0)
  assert.deepEqual(
    [rows[0]?.['view'], rows[0]?.['observer'], rows[0]?.['node'], rows[0]?.['sampling']],
    ['interface', 'transit', '192.0.2.9', 0],
  )
  decoder.end()
  assert.deepEqual(decoder.counts, { taken: 2, added: 2 })
})

test('sets whose template never comes do not grow without bound, and each is counted', () => {
  const decoder = fakeDecoder({ ...streamLimits, waitingBytesOfStream: 1_000 })
  const body = Buffer.concat(Array.from({ length: 10 }, () => v4Record(1, 1)))
  for (let index = 0; index < 50; index++) {
    decoder.take(ipfixOf(index, [setOf(256, Buffer.concat([body, octetsOf([index, 4])]))]))
    assert.ok(decoder.waitingBytes() <= 1_000)
  }
  const waiting = Math.floor(1_000 / (body.length + 4 + 128))
  assert.equal(decoder.counts['withoutTemplate'], 50 - waiting)
})

test('sets of few octets or none waited without bound', () => {
  const decoder = fakeDecoder()
  for (const body of [Buffer.alloc(0), Buffer.alloc(1)]) {
    const sets = Array.from({ length: 300 }, (_, index) => setOf(256 + index, body))
    for (let index = 0; index < 100; index++) decoder.take(ipfixOf(index, sets))
  }
  assert.ok(decoder.waitingBytes() <= streamLimits.waitingBytesOfStream)
  const most = streamLimits.waitingBytesOfStream / 128
  assert.ok((decoder.counts['withoutTemplate'] ?? 0) >= 30_000 - most)
})

test('templates of many streams have one bound', () => {
  const decoder = fakeDecoder({ ...streamLimits, templateFields: 100 })
  const large = setOf(
    2,
    templateOf(
      256,
      Array.from({ length: 30 }, () => [1, 4] as const),
    ),
  )
  for (let domain = 0; domain < 5; domain++) decoder.take(ipfixOf(0, [large], domain))
  assert.deepEqual([decoder.counts['taken'], decoder.counts['bad_datagram']], [3, 2])
  decoder.take(ipfixOf(0, [setOf(2, octetsOf([2, 2], [0, 2]))], 0))
  decoder.take(ipfixOf(0, [large], 7))
  assert.equal(decoder.counts['taken'], 5)
})

test('a domain, an exporter and a TCP connection each have templates of their own', () => {
  const decoder = fakeDecoder()
  decoder.take(ipfixOf(0, [template]), { connection: 1 })
  decoder.take(ipfixOf(0, [setOf(256, v4Record(5, 1))]), { connection: 2 })
  decoder.take(ipfixOf(0, [setOf(256, v4Record(5, 1))], 2), { connection: 1 })
  decoder.take(ipfixOf(0, [setOf(256, v4Record(5, 1))]), { address: '192.0.2.8', connection: 1 })
  assert.equal(decoder.rows().length, 0)
  decoder.take(ipfixOf(0, [setOf(256, v4Record(5, 1))]), { connection: 1 })
  assert.equal(decoder.rows().length, 1)
  decoder.closed(1)
  decoder.take(ipfixOf(0, [setOf(256, v4Record(5, 1))]), { connection: 1 })
  assert.equal(decoder.rows().length, 0)
})

test('a template that is withdrawn explains nothing any more; one that is sent anew replaces it', () => {
  const decoder = fakeDecoder()
  decoder.take(ipfixOf(0, [template, setOf(256, v4Record(5, 1))]))
  decoder.take(ipfixOf(1, [setOf(2, octetsOf([256, 2], [0, 2])), setOf(256, v4Record(6, 1))]))
  assert.equal(bytesOf(decoder.rows()), 5)
  const shorter = setOf(
    2,
    templateOf(256, [
      [8, 4],
      [12, 4],
      [1, 1],
    ]),
  )
  const record = octetsOf([0x0a000001, 4], [0x0a000002, 4], [9, 1])
  decoder.take(ipfixOf(3, [shorter, setOf(256, record)]))
  assert.ok(bytesOf(decoder.rows()) >= 9)
})

test('sampled records are estimates, and say so: by record, by sampler, by option', () => {
  const rateInRecord = setOf(2, templateOf(300, [...v4Fields, [34, 4]]))
  const withSampler = setOf(2, templateOf(301, [...v4Fields, [302, 1]]))
  // Options: scope selectorId, then packets taken and packets passed over.
  const fields = [
    [302, 1],
    [305, 4],
    [306, 4],
  ].flatMap(
    ([id, width]) =>
      [
        [id, 2],
        [width, 2],
      ] as [number, number][],
  )
  const options = setOf(3, octetsOf([400, 2], [3, 2], [1, 2], ...fields))
  const decoder = fakeDecoder()
  decoder.take(
    ipfixOf(0, [
      rateInRecord,
      withSampler,
      options,
      setOf(400, octetsOf([9, 1], [1, 4], [99, 4])),
      setOf(300, octetsOf(v4Record(10, 1), [1000, 4])),
      setOf(301, octetsOf(v4Record(10, 1), [9, 1])),
      setOf(301, octetsOf(v4Record(10, 1), [8, 1])),
    ]),
  )
  assert.deepEqual(
    decoder.rows().map(({ bytes, packets, sampling }) => [bytes, packets, sampling]),
    [
      [10_000, 1_000, 1_000],
      [1_000, 100, 100],
      [10, 1, 0],
    ],
  )
  assert.equal(decoder.counts['notFlows'], 1)
})

test('an exporter of v9 that began anew is not asked for the datagrams of before', () => {
  const decoder = fakeDecoder()
  const set = setOf(0, templateOf(256, v4Fields))
  decoder.take(netflow9Of(500, [set, setOf(256, v4Record(1, 1))], 9_000_000))
  decoder.take(netflow9Of(503, [setOf(256, v4Record(2, 1))], 9_001_000))
  decoder.take(netflow9Of(0, [set, setOf(256, v4Record(3, 1))], 1_000))
  decoder.take(netflow9Of(1, [setOf(256, v4Record(4, 1))], 2_000))
  decoder.end()
  assert.equal(bytesOf(decoder.rows()), 10)
  assert.equal(decoder.counts['missing'], 2)
})

test('the same datagram twice counts once', () => {
  const decoder = fakeDecoder()
  const set = setOf(0, templateOf(256, v4Fields))
  const datagram = netflow9Of(1, [set, setOf(256, v4Record(7, 1))])
  decoder.take(datagram)
  decoder.take(datagram)
  assert.equal(bytesOf(decoder.rows()), 7)
  assert.deepEqual([decoder.counts['taken'], decoder.counts['duplicate']], [1, 1])
})

test('a router that reports both sides of a packet counts it once', () => {
  const decoder = fakeDecoder()
  const directed = setOf(2, templateOf(256, [...v4Fields, [61, 1]]))
  const inward = octetsOf(v4Record(50, 1), [0, 1])
  const outward = octetsOf(v4Record(50, 1), [1, 1])
  decoder.take(ipfixOf(0, [directed, setOf(256, Buffer.concat([inward, outward, inward]))]))
  assert.deepEqual(
    decoder.rows().map(({ counted, direction }) => [counted, direction]),
    [
      [true, 'received'],
      [false, 'sent'],
      [true, 'received'],
    ],
  )
})

test('both directions of a connection are one connection with one initiator', () => {
  const decoder = fakeDecoder()
  const back = octetsOf(
    [0x0a000002, 4],
    [0x0a000001, 4],
    [443, 2],
    [40_000, 2],
    [6, 1],
    [9, 4],
    [1, 4],
  )
  decoder.take(ipfixOf(0, [template, setOf(256, Buffer.concat([v4Record(50, 2), back]))]))
  const [one, other] = decoder.rows()
  assert.equal(one?.['connection_id'], other?.['connection_id'])
  assert.deepEqual(
    [one, other].map((row) => [
      row?.['src_address'],
      row?.['dst_port'],
      row?.['bytes'],
      row?.['reverse_bytes'],
    ]),
    [
      ['10.0.0.1', 443, 50, 0],
      ['10.0.0.1', 443, 0, 9],
    ],
  )
})

test('sFlow: a sample stands for as many packets as its rate says, with L3 bytes', () => {
  const decoder = fakeDecoder()
  const packet = {
    src: '10.0.0.1',
    dst: '10.0.0.2',
    srcPort: 40_000,
    dstPort: 443,
    protocol: 6,
    count: 1,
    payload: 960,
  }
  const v6 = { ...packet, src: '2001:db8::1', dst: '2001:db8::2', protocol: 17, payload: 952 }
  decoder.take(
    sflowOf(1, [
      { rate: 400, frame: frameOf(packetOf(packet), [5]), drops: 10 },
      { rate: 100, frame: frameOf(packetOf(v6)), drops: 10 },
      { rate: 100, frame: frameOf(octetsOf([0, 40])), drops: 17 },
    ]),
  )
  const rows = decoder.rows()
  assert.deepEqual(
    rows.map((row) =>
      [
        'src_address',
        'src_port',
        'dst_port',
        'protocol',
        'bytes',
        'packets',
        'sampling',
        'interface',
      ].map((name) => row[name]),
    ),
    [
      ['10.0.0.1', 40_000, 443, 'tcp', 400_000, 400, 400, '3'],
      ['2001:db8::1', 40_000, 443, 'udp', 100_000, 100, 100, '3'],
    ],
  )
  assert.deepEqual([decoder.counts['notFlows'], decoder.counts['notSampled']], [1, 7])
})

test('an estimate that no counter holds is counted, not stored', () => {
  const decoder = fakeDecoder()
  const wide = setOf(
    2,
    templateOf(256, [
      [8, 4],
      [12, 4],
      [1, 8],
      [34, 4],
    ]),
  )
  const record = octetsOf([1, 4], [2, 4], [2n ** 60n, 8], [4_000_000_000, 4])
  decoder.take(ipfixOf(0, [wide, setOf(256, record)]))
  assert.deepEqual([decoder.rows().length, decoder.counts['too_large']], [0, 1])
})

test('too many exporters are refused, not remembered', () => {
  const decoder = fakeDecoder({ ...streamLimits, streams: 10 })
  for (let index = 0; index < 30; index++) decoder.take(ipfixOf(0, [template], index))
  assert.equal(decoder.streams(), 10)
  assert.equal(decoder.counts['refused streams_full'], 20)
})

const wholes = () => {
  const all = setOf(0, templateOf(256, v4Fields))
  const packet = {
    src: '10.0.0.1',
    dst: '10.0.0.2',
    srcPort: 1,
    dstPort: 2,
    protocol: 6,
    count: 1,
    payload: 9,
  }
  const variable = setOf(
    2,
    templateOf(257, [
      [8, 4],
      [12, 4],
      [1, 4],
      [82, 65_535],
    ]),
  )
  const named = octetsOf([1, 4], [2, 4], [3, 4], [3, 1], Buffer.from('abc'))
  const options = setOf(3, octetsOf([258, 2], [2, 2], [1, 2], [10, 2], [4, 2], [82, 2], [8, 2]))
  return [
    netflow9Of(1, [all, setOf(256, v4Record(7, 1))]),
    ipfixOf(1, [template, variable, options, setOf(256, v4Record(7, 1)), setOf(257, named)]),
    sflowOf(1, [{ rate: 10, frame: frameOf(packetOf(packet), [1, 2]) }]),
    octetsOf(
      [5, 2],
      [1, 2],
      [9_000, 4],
      [1_700_000_000, 4],
      [0, 4],
      [1, 4],
      [0, 2],
      [0x4064, 2],
      Buffer.alloc(48, 7),
    ),
  ]
}

test('property: damaged datagrams end nothing, and every one is counted', () => {
  const damage = fc.record({
    which: fc.integer({ min: 0, max: 3 }),
    changes: fc.array(fc.tuple(fc.nat(400), fc.integer({ min: 0, max: 255 })), { maxLength: 8 }),
    length: fc.nat(400),
    isCut: fc.boolean(),
  })
  fc.assert(
    fc.property(fc.array(damage, { minLength: 1, maxLength: 20 }), (all) => {
      const decoder = fakeDecoder()
      for (const { which, changes, length, isCut } of all) {
        const datagram = Buffer.from(wholes()[which] as Buffer)
        for (const [at, octet] of changes) datagram[at % datagram.length] = octet
        decoder.take(isCut ? datagram.subarray(0, length % datagram.length) : datagram)
      }
      decoder.end()
      const { taken = 0, duplicate = 0, bad_datagram: bad = 0 } = decoder.counts
      const refused = decoder.counts['refused bad_datagram'] ?? 0
      assert.equal(taken + duplicate + bad + refused, all.length)
      for (const row of decoder.rows()) {
        assert.ok(Number.isSafeInteger(row['bytes']) && Number(row['bytes']) >= 0)
      }
    }),
    { numRuns: 500 },
  )
})

test('property: octets of chance end nothing', () => {
  const begin = fc.constantFrom('', '0005', '0009', '000a', '00000005')
  fc.assert(
    fc.property(
      fc.array(fc.tuple(begin, fc.uint8Array({ maxLength: 300 })), { minLength: 1 }),
      (all) => {
        const decoder = fakeDecoder()
        for (const [head, rest] of all) {
          const datagram = Buffer.concat([Buffer.from(head, 'hex'), rest])
          if (head === '000a' && datagram.length >= 16) datagram.writeUInt16BE(datagram.length, 2)
          decoder.take(datagram)
        }
        decoder.end()
        decoder.rows()
      },
    ),
    { numRuns: 500 },
  )
})
