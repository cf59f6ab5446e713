// The same packets in every link that is read and every form of capture files, against tshark.

import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { AppError } from '../../common/mod.ts'
import { openReplay, type Replay } from '../../kernel/mod.ts'
import { frameOf } from '../../kernel/testing/frames.ts'
import { playCapture } from './capture.ts'
import { type Link, type Order, pcap, pcapng } from './encapsulations.fake.ts'

const folder = mkdtempSync(join(tmpdir(), 'weir-links-'))
let replay: Replay | undefined
before(() => {
  try {
    replay = openReplay()
  } catch (error) {
    assert.equal((error as AppError).code, 'unsupported_feature')
  }
})
after(() => {
  replay?.close()
  rmSync(folder, { recursive: true })
})

const ethernetBytes = 14
const hex = (text: string) => Buffer.from(text, 'hex')
const typed = (frame: Buffer) => frame.subarray(12)
const packet = (frame: Buffer) => frame.subarray(ethernetBytes)
const isSix = (frame: Buffer) => frame.readUInt16BE(12) === 0x86dd
const behind = (head: string) => (frame: Buffer) => Buffer.concat([hex(head), packet(frame)])
const either = (four: string, six: string) => (frame: Buffer) =>
  Buffer.concat([hex(isSix(frame) ? six : four), packet(frame)])
const tagged = (tags: string) => (frame: Buffer) =>
  Buffer.concat([frame.subarray(0, 12), hex(tags), typed(frame)])

/** What stands before the packet, by LINKTYPE. */
const links: readonly Link[] = [
  { type: 1, wrap: (frame) => frame },
  { type: 1, wrap: tagged('81000007') },
  { type: 1, wrap: tagged('88a8000781000008') },
  { type: 1, wrap: (frame) => snap(frame) },
  { type: 1, wrap: (frame) => Buffer.concat([frame.subarray(0, 12), mpls(frame)]) },
  { type: 1, wrap: (frame) => Buffer.concat([frame.subarray(0, 12), pppoe(frame)]) },
  { type: 101, wrap: packet },
  { type: 12, wrap: packet },
  {
    type: 113,
    wrap: (frame) => Buffer.concat([hex('0000000100060200000000010000'), typed(frame)]),
  },
  {
    type: 276,
    wrap: (frame) =>
      Buffer.concat([
        typed(frame).subarray(0, 2),
        hex('000000000003000100060200000000010000'),
        packet(frame),
      ]),
  },
  { type: 0, wrap: either('02000000', '1c000000') },
  { type: 0, wrap: either('00000002', '0000001e') },
  { type: 108, wrap: either('00000002', '00000018') },
  { type: 9, wrap: either('0021', '0057') },
  { type: 50, wrap: either('ff030021', 'ff030057') },
]

function snap(frame: Buffer): Buffer {
  const body = Buffer.concat([hex('aaaa03000000'), typed(frame)])
  const length = Buffer.alloc(2)
  length.writeUInt16BE(body.length)
  return Buffer.concat([frame.subarray(0, 12), length, body])
}

function mpls(frame: Buffer): Buffer {
  return behind('88470001004000020140')(frame)
}

function pppoe(frame: Buffer): Buffer {
  const length = Buffer.alloc(2)
  length.writeUInt16BE(packet(frame).length + 2)
  return Buffer.concat([hex('886411000007'), length, either('0021', '0057')(frame)])
}

/** Of each link a few packets, each with a port of its own. */
function framesOf(at: number): readonly Buffer[] {
  const four = { source: '192.0.2.1', destination: '198.51.100.7' }
  const six = { source: '2001:db8::1', destination: '2001:db8::2' }
  const ports = [1000 + at, 443] as const
  return [
    frameOf({ ...four, protocol: 6, ports, kind: 2 }),
    frameOf({ ...four, protocol: 6, ports, kind: 0x18, payloadBytes: 100 + at }),
    frameOf({ ...six, protocol: 6, ports, kind: 0x11, payloadBytes: 3 }),
    frameOf({ ...four, protocol: 17, ports, payloadBytes: 30 }),
    frameOf({ ...six, protocol: 17, ports, payloadBytes: at }),
    frameOf({ ...four, protocol: 1, payloadBytes: 60 }),
    frameOf({ ...six, protocol: 1, kind: 128 }),
    frameOf({ ...four, protocol: 47, payloadBytes: 9 }),
  ]
}

const fields = [
  ...['ip.src', 'ip.dst', 'ip.proto', 'ip.len', 'ipv6.src', 'ipv6.dst', 'ipv6.nxt', 'ipv6.plen'],
  ...['tcp.srcport', 'tcp.dstport', 'udp.srcport', 'udp.dstport', 'tcp.flags'],
] as const

/** Packets, bytes and flags of each flow. */
type Flows = Map<string, [number, number, number]>

function add(flows: Flows, key: readonly unknown[], [bytes, flags]: readonly [number, number]) {
  const flow = flows.get(key.join()) ?? [0, 0, 0]
  flows.set(key.join(), [flow[0] + 1, flow[1] + bytes, flow[2] | flags])
}

function tsharkFlows(file: string): Flows {
  const form = ['-T', 'fields', '-E', 'occurrence=f', ...fields.flatMap((name) => ['-e', name])]
  const text = execFileSync('tshark', ['-n', '-r', file, ...form], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const flows: Flows = new Map()
  for (const line of text.trimEnd().split('\n')) {
    const values = line.split('\t')
    const of = (name: (typeof fields)[number]) => values[fields.indexOf(name)] ?? ''
    const number = (name: (typeof fields)[number]) => Number(of(name))
    const isFour = of('ip.src') !== ''
    const bytes = isFour ? number('ip.len') : number('ipv6.plen') + 40
    const sport = number('tcp.srcport') || number('udp.srcport')
    const dport = number('tcp.dstport') || number('udp.dstport')
    const ends = isFour ? [of('ip.src'), of('ip.dst')] : [of('ipv6.src'), of('ipv6.dst')]
    const proto = isFour ? number('ip.proto') : number('ipv6.nxt')
    add(flows, [...ends, sport, dport, proto], [bytes, number('tcp.flags')])
  }
  return flows
}

async function ourFlows(file: string): Promise<Flows> {
  const { flows, nonIp, damage, truncated } = await playCapture(file, replay as Replay)
  assert.deepEqual([nonIp, damage, truncated], [0, '', 0], file)
  return new Map(
    flows.map(({ src, dst, sport, dport, proto, packets, bytes, tcp_flags }) => [
      [src, dst, sport, dport, proto].join(),
      [packets, bytes, tcp_flags],
    ]),
  )
}

const sorted = (flows: Flows) => [...flows].map((flow) => flow.join(' ')).sort()

async function assertEqual(name: string, octets: Buffer, packets: number): Promise<void> {
  const file = join(folder, name)
  writeFileSync(file, octets)
  const found = await ourFlows(file)
  assert.deepEqual(sorted(found), sorted(tsharkFlows(file)), name)
  assert.equal(
    [...found.values()].reduce((sum, [count]) => sum + count, 0),
    packets,
    name,
  )
}

const orders: readonly Order[] = ['little', 'big']
const without = 'captures are read from Linux 5.19 on'
const noTshark = spawnSync('tshark', ['--version']).error ? 'there is no tshark' : false

test('pcap: each link, in both orders of octets, in micro- and nanoseconds', {
  skip: noTshark,
}, async (t) => {
  if (!replay) return t.skip(without)
  for (const [at, link] of links.entries()) {
    const [order, nano] = [orders[at % 2] as Order, at % 3 === 0]
    const frames = framesOf(at).map(link.wrap)
    await assertEqual(`${at}.pcap`, pcap(link.type, frames, { order, nano }), frames.length)
  }
})

for (const order of orders) {
  test(`pcapng, ${order} endian: every link as an interface, blocks of every kind between packets`, {
    skip: noTshark,
  }, async (t) => {
    if (!replay) return t.skip(without)
    const frames = links.map((link, at) => framesOf(at).map(link.wrap))
    const types = links.map(({ type }) => type)
    const count = frames.flat().length
    await assertEqual(`${order}.pcapng`, pcapng(types, frames, order), count)
  })
}

test('802.11 is not read: each packet is counted, and the link is named', async (t) => {
  if (!replay) return t.skip(without)
  const file = join(folder, 'wlan.pcap')
  writeFileSync(file, pcap(105, framesOf(0), { order: 'little', nano: false }))
  const { packets, flows, unparsed } = await playCapture(file, replay)
  assert.deepEqual([packets, flows, unparsed], [8, [], { 'link type 105': 8 }])
})
