// Exporters and collectors that no one here wrote: softflowd reports packets whose number we know, nfdump and tshark read
// the same datagrams. Three counts have to be one.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { until } from '../../../common/until.fake.ts'
import type { Row } from '../../../wire/mod.ts'
import { missing } from '../../export/installed.fake.ts'
import { createExportsFake, flowRows } from '../../export/rows.fake.ts'
import { readByNfcapd } from '../../nfcapd.fake.ts'
import { frameOf, sflowOf } from './datagrams.fake.ts'
import {
  addSum,
  captureFile,
  type FlowSums,
  type PacketRun,
  packetOf,
  softflowd,
  softflowdOf,
  sorted,
  truthOf,
  udpPacket,
} from './exporter.fake.ts'
import { startFlowIntake } from './flow-intake.fake.ts'

const folder = mkdtempSync(join(tmpdir(), 'weir-intake-'))
after(() => rmSync(folder, { recursive: true, force: true }))

/** Many connections with both directions, and some of other protocols. */
function runsOf(connections: number): readonly PacketRun[] {
  const tcp = Array.from({ length: connections }, (_, index): PacketRun[] => {
    const [src, dst] = [`10.1.${index >> 8}.${index & 255}`, '10.2.0.1']
    const there = { src, dst, srcPort: 40_000 + index, dstPort: 443, protocol: 6 }
    const back = { src: dst, dst: src, srcPort: 443, dstPort: 40_000 + index, protocol: 6 }
    return [
      { ...there, count: 1 + (index % 5), payload: 100 + index },
      { ...back, count: 1 + (index % 3), payload: 900 },
    ]
  })
  const v6 = { src: '2001:db8::7', dst: '2001:db8::8', srcPort: 50_000, dstPort: 80, protocol: 6 }
  const dns = { src: '10.3.0.1', dst: '10.3.0.53', srcPort: 5353, dstPort: 53, protocol: 17 }
  return [...tcp.flat(), { ...v6, count: 7, payload: 500 }, { ...dns, count: 3, payload: 60 }]
}

/** Every direction of every row as a flow of its own, which is how exporters count. */
function sumsOf(rows: readonly Row[]): FlowSums {
  const sums: FlowSums = new Map()
  const numbers: Readonly<Record<string, number>> = { tcp: 6, udp: 17 }
  for (const row of rows) {
    const protocol = numbers[`${row['protocol']}`]
    const [src, dst] = [row['src_address'], row['dst_address']]
    const [srcPort, dstPort] = [row['src_port'], row['dst_port']]
    const [bytes, packets] = [Number(row['bytes']), Number(row['packets'])]
    const back = [Number(row['reverse_bytes']), Number(row['reverse_packets'])] as const
    if (packets > 0) addSum(sums, `${src} ${dst} ${srcPort} ${dstPort} ${protocol}`, bytes, packets)
    if (back[1] > 0) addSum(sums, `${dst} ${src} ${dstPort} ${srcPort} ${protocol}`, ...back)
  }
  return sums
}

/** Captures of nDPI's tests, and what tshark says is in them; where they are. */
const captures =
  process.env['WEIR_PCAPS'] ?? fileURLToPath(new URL('../../../../shared/pcaps', import.meta.url))
const chosen = ['agora-sd-rtn', 'discord', 'kerberos', 'tunnelbear', 'whatsapp', 'synscan']

/** Bytes and packets by addresses and protocol: that is what all tools agree on. */
type PairSums = Map<string, { bytes: number; packets: number }>

function pairsOf(sums: FlowSums): PairSums {
  const pairs: PairSums = new Map()
  for (const [key, { bytes, packets }] of sums) {
    const [src, dst, , , protocol] = key.split(' ')
    addSum(pairs, `${src} ${dst} ${protocol}`, bytes, packets)
  }
  return pairs
}

function capturedPairs(): PairSums {
  const pairs: PairSums = new Map()
  for (const line of readFileSync(join(captures, 'ndpi', 'expected.jsonl'), 'utf8').split('\n')) {
    const { file = '', flows = [] } = line === '' ? {} : JSON.parse(line)
    if (!chosen.includes(file.replace(/\.pcap$/, ''))) continue
    for (const [, src, , dst, , protocol, packets, bytes] of flows) {
      addSum(pairs, `${src} ${dst} ${protocol}`, bytes, packets)
    }
  }
  return pairs
}

for (const [name, version] of [
  ['NetFlow v5', '5'],
  ['NetFlow v9', '9'],
  ['IPFIX', '10'],
] as const) {
  test(`${name} of captured traffic: Weir, nfdump and tshark count the same`, async (t) => {
    const absent = missing('softflowd', 'nfcapd', 'nfdump')
    if (absent) return t.skip(absent)
    if (!existsSync(captures)) return t.skip(`${captures} is not there`)
    const intake = await startFlowIntake()
    const datagrams: Buffer[] = []
    for (const capture of chosen) {
      const file = join(captures, 'ndpi', `${capture}.pcap`)
      const some = await softflowdOf(file, folder, ['-v', version])
      await send(intake.port, some)
      datagrams.push(...some)
    }
    const truth = capturedPairs()
    const found = () => pairsOf(sumsOf(intake.rows))
    const all = (pairs: PairSums) => [...pairs.values()].reduce((sum, one) => sum + one.packets, 0)
    await until('all flows', () => all(found()) >= all(truth))
    await intake.stop()
    const packets = (pairs: PairSums) => sorted(pairs).map(([key, one]) => [key, one.packets])
    assert.deepEqual(packets(found()), packets(truth))
    // softflowd counts the octets that fill up a short frame as well: its bytes are compared with nfdump's.
    assert.deepEqual(sorted(found()), sorted(pairsOf(await nfdumpSums(datagrams))))
    assert.deepEqual(
      intake.ledger().filter((row) => Number(row['lost']) > 0),
      [],
    )
  })
}

/** Datagrams in small steps, so that no buffer of a socket is full. */
async function send(port: number, datagrams: readonly Buffer[]): Promise<void> {
  const socket = createSocket('udp4')
  for (const datagram of datagrams) {
    await new Promise<void>((resolve, reject) =>
      socket.send(datagram, port, '127.0.0.1', (error) => (error ? reject(error) : resolve())),
    )
  }
  socket.close()
}

/** What nfcapd and nfdump make of the same datagrams. */
async function nfdumpSums(datagrams: readonly Buffer[]): Promise<FlowSums> {
  const sums: FlowSums = new Map()
  const lines = await readByNfcapd(folder, (port) => send(port, datagrams))
  for (const [src, dst, srcPort, dstPort, protocol, ...counts] of lines) {
    const [bytes = 0, packets = 0, backBytes = 0, backPackets = 0] = counts.map(Number)
    if (packets > 0) addSum(sums, `${src} ${dst} ${srcPort} ${dstPort} ${protocol}`, bytes, packets)
    if (backPackets > 0) {
      addSum(sums, `${dst} ${src} ${dstPort} ${srcPort} ${protocol}`, backBytes, backPackets)
    }
  }
  return sums
}

const ways: Readonly<Record<string, readonly string[]>> = {
  'NetFlow v5': ['-v', '5'],
  'NetFlow v9': ['-v', '9'],
  IPFIX: ['-v', '10'],
  'IPFIX, both directions in a record': ['-v', '10', '-b', '-A', 'milli'],
}

for (const [name, options] of Object.entries(ways)) {
  test(`${name}: softflowd, nfdump and Weir count the same packets`, {
    skip: missing('softflowd', 'nfcapd', 'nfdump'),
  }, async () => {
    const isV5 = options[1] === '5'
    const runs = runsOf(400).filter(({ src }) => !isV5 || !src.includes(':'))
    const datagrams = await softflowd(folder, runs, options)
    const intake = await startFlowIntake()
    await send(intake.port, datagrams)
    const truth = truthOf(runs)
    await until('all flows', () => sumsOf(intake.rows).size === truth.size)
    await intake.stop()
    assert.deepEqual(sorted(sumsOf(intake.rows)), sorted(truth))
    assert.deepEqual(sorted(await nfdumpSums(datagrams)), sorted(truth))
    const lines = intake.ledger()
    assert.deepEqual(
      lines.filter((row) => Number(row['lost']) > 0),
      [],
    )
    const own = lines.find((row) => row['unit'] === 'datagrams' && row['cause'] === '')
    assert.equal(own?.['left'], datagrams.length)
    const times = intake.rows.map((row) => Date.parse(`${row['time']}`) - Date.now())
    assert.ok(
      times.every((ms) => ms <= 0 && ms > -600_000),
      `${Math.min(...times)}`,
    )
  })
}

test('datagrams that never came are lost in the ledger', {
  skip: missing('softflowd'),
}, async () => {
  const runs = runsOf(400)
  for (const version of ['5', '9', '10']) {
    const datagrams = await softflowd(
      folder,
      runs.filter(({ src }) => !src.includes(':')),
      ['-v', version],
    )
    assert.ok(datagrams.length > 10)
    const kept = datagrams.filter((_, index) => index !== 4 && index !== 5)
    const intake = await startFlowIntake()
    await send(intake.port, kept)
    await until('all that came', () => intake.datagrams() === kept.length)
    await intake.stop()
    const gap = intake.ledger().find((row) => row['cause'] === 'sequence_gap')
    const there = intake.rows.length
    const all = truthOf(runs).size - 1
    if (version === '9') assert.equal(gap?.['lost'], 2)
    else assert.equal(Number(gap?.['lost']) + there, all)
  }
})

test('IPFIX of our own, over UDP and TCP, comes back with the same totals', async () => {
  for (const protocol of ['udp', 'tcp']) {
    const intake = await startFlowIntake()
    const endpoint = `${protocol}://127.0.0.1:${intake.port}`
    const fake = createExportsFake(join(folder, protocol), [
      { name: 'out', kind: 'ipfix', endpoint },
    ])
    await fake.start()
    const v6 = { src_address: '2001:db8::1', dst_address: '2001:db8::2' }
    const sent = [...flowRows(0, 2_000), ...flowRows(2_000, 500, v6)]
    await fake.append(sent)
    await until('all rows', () => intake.records() === 2_500)
    await fake.stop()
    await intake.stop()
    const sum = (rows: readonly object[], name: string) =>
      rows.reduce((total, row) => total + Number((row as Row)[name]), 0)
    for (const name of ['bytes', 'packets', 'reverse_bytes', 'reverse_packets']) {
      assert.equal(sum(intake.rows, name), sum(sent, name), name)
    }
    assert.deepEqual(
      intake.ledger().filter((row) => Number(row['lost']) > 0),
      [],
    )
  }
})

test('sFlow: tshark reads the same packets in the same datagrams', {
  skip: missing('tshark'),
}, async () => {
  const runs = runsOf(20)
  const samples = runs.map((run, index) => ({
    rate: 100 + index,
    frame: frameOf(packetOf(run), index % 2 ? [7] : []),
  }))
  const datagrams = Array.from({ length: Math.ceil(samples.length / 5) }, (_, index) =>
    sflowOf(index, samples.slice(index * 5, index * 5 + 5)),
  )
  const file = join(folder, 'sflow.pcap')
  const port = 6343
  writeFileSync(file, captureFile(datagrams.map((octets) => udpPacket(octets, port))))
  const fields = ['sflow.flow_sample.sampling_rate', 'ip.src', 'ip.len', 'ipv6.src', 'ipv6.plen']
  const text = execFileSync(
    'tshark',
    ['-r', file, '-T', 'fields', '-E', 'occurrence=a', ...fields.flatMap((name) => ['-e', name])],
    { stdio: ['ignore', 'pipe', 'ignore'] },
  ).toString()
  const rates = text
    .trim()
    .split('\n')
    .flatMap((line) => (line.split('\t')[0] ?? '').split(','))
  assert.deepEqual(
    rates.map(Number),
    samples.map(({ rate }) => rate),
  )
  // The first address and length of a datagram are its own.
  const lengths = text
    .trim()
    .split('\n')
    .flatMap((line) => (line.split('\t')[2] ?? '').split(',').slice(1))
  const intake = await startFlowIntake()
  await send(intake.port, datagrams)
  await until('all samples', () => intake.records() === samples.length)
  await intake.stop()
  const v4 = intake.rows.filter((row) => !`${row['src_address']}`.includes(':'))
  const seen = v4.map(
    (row) => (Number(row['bytes']) + Number(row['reverse_bytes'])) / Number(row['sampling']),
  )
  assert.deepEqual(seen, lengths.map(Number))
  assert.equal(v4.length, intake.rows.length - 1)
})

test('what is no IPFIX ends its TCP connection, and is counted', async () => {
  const intake = await startFlowIntake()
  const socket = connect(intake.port, '127.0.0.1')
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  const closed = once(socket, 'close')
  socket.write('GET / HTTP/1.1\r\n\r\n')
  await closed
  await intake.stop()
  assert.equal(intake.refused(), 1)
})

test('flows from an address that is not allowed are not taken', async () => {
  const intake = await startFlowIntake({ flowsFrom: ['10.0.0.0/8', '192.0.2.1'] })
  await send(intake.port, [sflowOf(1, [])])
  await until('it was refused', () => intake.refused() === 1)
  await intake.stop()
  assert.deepEqual(intake.rows, [])
})
