// Every decoder that reads octets from outside. Refusing is right, as long as the error is one of those that are made for it.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import type { CaptureReader } from '../../agent/replay/format.ts'
import { emptyRecord } from '../../agent/replay/format.ts'
import { openPcap } from '../../agent/replay/pcap.ts'
import { openPcapng } from '../../agent/replay/pcapng.ts'
import { readHello } from '../../central/ingest/hello.ts'
import { fakeDecoder } from '../../central/intake/flows/decode.fake.ts'
import { createTelemetryDecoder } from '../../central/telemetry/frame.ts'
import { AppError } from '../../common/mod.ts'
import { parseRules } from '../../kernel/rules/text.ts'
import {
  conditionsOf,
  createBlockCheck,
  createMessageDecoder,
  encodeJsonMessage,
  encodeMessage,
  flowTable,
  parseFilter,
  readBlock,
  readFrameBlock,
  readFrameHeader,
  schemaNumbers,
  streamPreface,
  tables,
} from '../../wire/mod.ts'
import type { Target } from './target.ts'

const frames = ['flows-3', 'ledger-2', 'events-1', 'programs-1', 'flows-1-zstd'].map((name) =>
  readFileSync(new URL(`../../wire/frame/testdata/${name}.frame`, import.meta.url)),
)
const hello = {
  protocol: 1,
  agent: '00112233-4455-6677-8899-aabbccddeeff',
  boot: 'ffeeddcc-bbaa-9988-7766-554433221100',
  node: 'node',
  version: '0.1.0',
  intervalMs: 5000,
  timeMs: 1_795_917_000_000,
  schemas: schemaNumbers(),
}

/** Only an AppError is an answer. */
function decoder(
  name: string,
  seeds: readonly Uint8Array[],
  decode: (octets: Buffer) => void,
): Target {
  let [taken, refused] = [0, 0]
  return {
    name,
    seeds,
    octetsMax: 4096,
    run: (octets) => {
      try {
        decode(Buffer.from(octets))
        taken++
      } catch (error) {
        if (!(error instanceof AppError)) throw error
        refused++
      }
    },
    end: (cases) => assert.equal(taken + refused, cases),
  }
}

function decodeFrame(octets: Buffer): void {
  const header = readFrameHeader(octets)
  const block = readFrameBlock(octets, header)
  readBlock(createBlockCheck(header.table, header.schema)(block, header))
}

/** Whatever the checksum says: what lies behind it must stand alone. */
function decodeBlock(octets: Buffer): void {
  const claim = { rows: octets[0] ?? 0, timeMin: 0n, timeMax: 2n ** 63n - 1n }
  const table = tables[(octets[1] ?? 0) % tables.length]!
  readBlock(createBlockCheck(table)(octets.subarray(2), claim))
}

const blocks = frames.map((frame) => {
  const header = readFrameHeader(frame)
  const rows = Buffer.from([header.rows, tables.indexOf(header.table)])
  return Buffer.concat([rows, readFrameBlock(frame, header)])
})

function readCapture(octets: Buffer): void {
  const view = new DataView(octets.buffer, octets.byteOffset, octets.length)
  const end = octets.length
  const pcap = openPcap(view, end)
  if (pcap) walk(pcap.reader, view, pcap.headerBytes)
  const pcapng = openPcapng(view, end)
  if (pcapng) walk(pcapng, view, 0)
}

function walk(reader: CaptureReader, view: DataView, from: number): void {
  const record = emptyRecord()
  for (let at = from; at < view.byteLength; ) {
    const octets = reader.next(view, at, view.byteLength, record)
    if (octets <= 0) return
    at += octets
  }
}

const pcap = Buffer.concat([
  Buffer.from('d4c3b2a1020004000000000000000000ffff000001000000', 'hex'),
  Buffer.from('01000000020000000e0000000e000000', 'hex'),
  Buffer.alloc(14, 2),
])
const pcapng = Buffer.from(
  '0a0d0d0a1c0000004d3c2b1a01000000ffffffffffffffff1c000000010000001400000001000000ffff00001400000006000000' +
    '30000000000000000000000001000000' +
    '0e0000000e000000' +
    '0000000000000000000000000000000030000000',
  'hex',
)

const flowDatagrams = [
  '0005 0001 00000001 00000001 00000000 00000001 00 00 0000' +
    ' 0a000001 0a000002 00000000 0001 0002 00000001 00000028 00000000 00000001 0050 c350 00 02 06 00 0000 0000 18 18 0000',
  '000a 0038 00000001 00000001 00000001 0002 001c 0100 0005 0008 0004 000c 0004 0007 0002 000b 0002 0001 0004 0100 0010 0a000001 0a000002',
  '0009 0001 00000001 00000001 00000001 00000001 0000 0014 0100 0003 0008 0004 000c 0004 0001 0004',
].map((text) => Buffer.from(text.replaceAll(' ', ''), 'hex'))

function decodeFlows(): Target {
  const flows = fakeDecoder()
  return {
    name: 'NetFlow, IPFIX, sFlow',
    seeds: flowDatagrams,
    octetsMax: 2048,
    run: (octets, chance) =>
      flows.take(octets, { address: `192.0.2.${chance.number(8)}`, port: 2055 }),
    end: () => {
      flows.end()
      const seen = Object.values(flows.counts).reduce((sum, count) => sum + count, 0)
      assert.ok(seen > 0, 'nothing was counted')
      assert.ok(flows.streams() <= 4096, 'streams are bounded')
    },
  }
}

/** All of them. */
export function decoders(): readonly Target[] {
  const golden = readFileSync(
    new URL('../../central/telemetry/testdata/frames.hex', import.meta.url),
    'utf8',
  )
  const telemetry = golden
    .split('\n')
    .filter((line) => /^[0-9a-f]+$/.test(line))
    .map((line) => Buffer.from(line, 'hex'))
  const stream = Buffer.concat([
    streamPreface,
    encodeJsonMessage('hello', hello),
    encodeMessage('frame', frames[0]!),
  ])
  return [
    decoder('frames', frames, decodeFrame),
    decoder('blocks', blocks, decodeBlock),
    decoder('messages', [stream], (octets) => {
      createMessageDecoder({ preface: true }).push(octets, ({ type, body }) => {
        if (type === 'hello') readHello(body)
      })
    }),
    decoder('HELLO', [Buffer.from(JSON.stringify(hello))], (octets) => void readHello(octets)),
    decoder('XDP telemetry', telemetry, (octets) => {
      createTelemetryDecoder().push(octets, () => {})
    }),
    decodeFlows(),
    decoder('captures', [pcap, pcapng], readCapture),
    decoder(
      'filters',
      ['dst_port = 443 and rtt > 5ms', 'not (a ~ "x" or b in (1, 2))'].map((text) =>
        Buffer.from(text),
      ),
      (octets) =>
        void conditionsOf(parseFilter(octets.toString('latin1'), { table: flowTable, nowNs: 0n })),
    ),
    decoder(
      'rules',
      ['drop from 192.0.2.0/24 label 7', 'limit 20pps proto tcp port 1-9 ban 60s # x'].map((text) =>
        Buffer.from(text),
      ),
      (octets) => void parseRules(octets.toString('latin1')),
    ),
  ]
}
