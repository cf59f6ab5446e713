// Captures through the probe's program. The oracle is another program: tshark's flows of the captures of nDPI and tcpdump,
// where those are (the folder WEIR_PCAPS, else ../shared/pcaps beside the repository).

import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import type { AppError } from '../../common/mod.ts'
import { openReplay, type Replay } from '../../kernel/mod.ts'
import { type PlayedCapture, playCapture } from './capture.ts'

const folder = mkdtempSync(join(tmpdir(), 'weir-replay-'))
const corpora =
  process.env['WEIR_PCAPS'] ?? fileURLToPath(new URL('../../../shared/pcaps', import.meta.url))
const needsDynptr = 'captures are read from Linux 5.19 on'
let replay: Replay | undefined
before(() => {
  replay = openOrNot()
})
after(() => {
  replay?.close()
  rmSync(folder, { recursive: true })
})

function openOrNot(): Replay | undefined {
  try {
    return openReplay()
  } catch (error) {
    assert.equal((error as AppError).code, 'unsupported_feature')
    return undefined
  }
}

type Expected = readonly [number, string, number, string, number, number, number, number, number]
interface Truth {
  readonly file: string
  readonly packets: number
  readonly truncated: number
  readonly non_ip: number
  readonly flows: readonly Expected[]
}

for (const suite of ['ndpi', 'tcpdump']) {
  const truths = join(corpora, suite, 'expected.jsonl')
  test(`${suite}: flows, packets, bytes and flags are those of tshark`, async (t) => {
    if (!existsSync(truths)) return t.skip(`${truths} is not there`)
    if (replay === undefined) return t.skip(needsDynptr)
    let equal = 0
    for (const line of readFileSync(truths, 'utf8').trim().split('\n')) {
      const truth = JSON.parse(line) as Truth
      const path = join(corpora, suite, truth.file)
      const played = await playCapture(path, replay)
      assert.equal(played.packets, truth.packets, `${truth.file}: packets`)
      const counted = played.flows.reduce((sum, { packets }) => sum + packets, played.nonIp)
      assert.equal(counted, truth.packets, `${truth.file}: no packet is left out`)
      const unparsed = Object.values(played.unparsed).reduce((sum, count) => sum + count, 0)
      assert.equal(unparsed, played.nonIp, `${truth.file}: every other packet has a cause`)
      if (truth.truncated > 0 || !isEthernet(path)) continue
      assert.deepEqual(sorted(flowsOf(played)), sorted(truth.flows), truth.file)
      assert.equal(played.nonIp, truth.non_ip, truth.file)
      equal++
    }
    t.diagnostic(`${equal} captures equal`)
    assert.ok(equal > 100)
  })
}

function flowsOf({ flows }: PlayedCapture): readonly Expected[] {
  return flows.map((flow): Expected => {
    const { family, src, sport, dst, dport, proto, packets, bytes, tcp_flags } = flow
    return [family, src, sport, dst, dport, proto, packets, bytes, tcp_flags]
  })
}

function sorted(flows: readonly Expected[]): readonly string[] {
  return flows.map((flow) => JSON.stringify(flow)).sort()
}

/** Link type 1 alone, read here from the file's own header, not by the reader under test. */
function isEthernet(path: string): boolean {
  const octets = readFileSync(path)
  if (octets.readUInt32BE(0) !== 0x0a0d0d0a) {
    const little = octets[0] !== 0xa1
    return ((little ? octets.readUInt32LE(20) : octets.readUInt32BE(20)) & 0xffff) === 1
  }
  const little = octets.readUInt32LE(8) === 0x1a2b3c4d
  const u32 = (at: number) => (little ? octets.readUInt32LE(at) : octets.readUInt32BE(at))
  for (let at = 0; at + 12 <= octets.length; at += u32(at + 4)) {
    if (u32(at) === 1 && (u32(at + 8) & (little ? 0xffff : 0xffff0000)) !== (little ? 1 : 0x10000))
      return false
  }
  return true
}

/** UDP from 10.0.0.1 to 10.0.0.2, its source port `port`. */
function frame(port: number, payload = 4): Buffer {
  const octets = Buffer.alloc(42 + payload)
  octets.write('02000000000202000000000108004500', 0, 'hex')
  octets.writeUInt16BE(28 + payload, 16)
  octets[22] = 64
  octets[23] = 17
  octets.write('0a0000010a000002', 26, 'hex')
  octets.writeUInt16BE(port, 34)
  octets.writeUInt16BE(53, 36)
  octets.writeUInt16BE(8 + payload, 38)
  return octets
}

function pcap(frames: readonly Buffer[], { linkType = 1 } = {}): Buffer {
  const header = Buffer.from('d4c3b2a1020004000000000000000000ffff000001000000', 'hex')
  header.writeUInt32LE(linkType, 20)
  const records = frames.flatMap((octets, index) => {
    const record = Buffer.alloc(16)
    record.writeUInt32LE(1_700_000_000 + index, 0)
    record.writeUInt32LE(octets.length, 8)
    record.writeUInt32LE(octets.length, 12)
    return [record, octets]
  })
  return Buffer.concat([header, ...records])
}

async function played(name: string, octets: Uint8Array): Promise<PlayedCapture> {
  const path = join(folder, name)
  writeFileSync(path, octets)
  return playCapture(path, replay as Replay)
}

test('a file larger than the window, packed or not, is the same', async (t) => {
  if (replay === undefined) return t.skip(needsDynptr)
  const octets = pcap(Array.from({ length: 40_000 }, (_, index) => frame(index, 100)))
  const files: readonly [string, Uint8Array][] = [
    ['plain.pcap', octets],
    ['packed.pcap.gz', gzipSync(octets)],
    ['packed.pcap.zst', zstdCompressSync(octets)],
  ]
  for (const [name, file] of files) {
    const { packets, flows, nonIp, damage } = await played(name, file)
    assert.deepEqual([packets, flows.length, nonIp, damage], [40_000, 40_000, 0, ''], name)
    assert.deepEqual([flows[0]?.sport, flows[39_999]?.sport], [0, 39_999], 'in their order')
    assert.ok(flows.every((flow) => flow.bytes === 128 && flow.packets === 1))
  }
})

test('more flows than the map has room for are all there', async (t) => {
  if (replay === undefined) return t.skip(needsDynptr)
  const flows = replay.flowsMax + 30_000
  const frames = Array.from({ length: flows }, (_, index) => {
    const octets = frame(index & 0xffff)
    octets.writeUInt16BE(index >>> 16, 28)
    return octets
  })
  const found = await played('many.pcap', pcap(frames))
  assert.deepEqual([found.packets, found.flows.length], [flows, flows])
})

test('a packet larger than the window counts once, and those behind it too', async (t) => {
  if (replay === undefined) return t.skip(needsDynptr)
  const large = Buffer.concat([frame(7), Buffer.alloc(5 << 20)])
  const { packets, flows } = await played('large.pcap', pcap([frame(1), large, frame(2)]))
  assert.deepEqual([packets, flows.map(({ sport }) => sport)], [3, [1, 7, 2]])
})

test('a file that ends within a record says so, and keeps what came before', async (t) => {
  if (replay === undefined) return t.skip(needsDynptr)
  const octets = pcap([frame(1), frame(2)])
  const cut = await played('cut.pcap', octets.subarray(0, octets.length - 10))
  assert.deepEqual([cut.packets, cut.flows.length], [2, 2])
  assert.match(cut.damage, /within a record/)
  const claims = pcap([frame(1)])
  claims.writeUInt32LE(0xffffffff, 24 + 8)
  assert.match((await played('claims.pcap', claims)).damage, /cannot be/)
})

test('a link that is not read is counted by its number', async (t) => {
  if (replay === undefined) return t.skip(needsDynptr)
  const { nonIp, unparsed } = await played(
    'radio.pcap',
    pcap([frame(1), frame(2)], { linkType: 105 }),
  )
  assert.deepEqual([nonIp, unparsed], [2, { 'link type 105': 2 }])
})

test('what is no capture, or not there, is an error that names the file', async (t) => {
  if (replay === undefined) return t.skip(needsDynptr)
  await assert.rejects(played('text', Buffer.from('a text, no capture at all')), {
    code: 'capture_unknown',
  })
  await assert.rejects(played('empty', Buffer.alloc(0)), { code: 'capture_unknown' })
  await assert.rejects(playCapture(join(folder, 'absent'), replay), { code: 'capture_unreadable' })
  await assert.rejects(played('bad.gz', Buffer.from('1f8b0800ffff', 'hex')), {
    code: 'capture_unreadable',
  })
})
