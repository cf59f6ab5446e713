// Frames of the XDP telemetry agent: golden octets of another writer, cut anywhere, damaged anyhow, from here and from
// elsewhere, and through a real socket to the rows and to /metrics.json.

import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { AppError } from '../../common/mod.ts'
import { createReporter } from '../../common/reporter/mod.ts'
import { until } from '../../common/until.fake.ts'
import { eventTable, type Row, readBlock, rowOf } from '../../wire/mod.ts'
import { connectFake, rowOfNow } from '../ingest/agent.fake.ts'
import { createIngest, type IngestConfig } from '../ingest/ingest.ts'
import { createFakeStore } from '../ingest/store.fake.ts'
import { createNodeOwners } from '../node-owners.ts'
import { createNodes } from '../nodes.ts'
import { createAllowed } from './allow.ts'
import { createTelemetryDecoder, speaksTelemetry, type TelemetryEvent } from './frame.ts'

const golden: readonly Buffer[] = readFileSync(
  new URL('testdata/frames.hex', import.meta.url),
  'utf8',
)
  .split('\n')
  .filter((line) => /^[0-9a-f]+$/.test(line))
  .map((line) => Buffer.from(line, 'hex'))

/** The golden time of the first frame; the others follow by a nanosecond each. */
const goldenNs = 1_795_271_530_000_000_001n

function decodeAll(octets: Uint8Array, pieces = [octets.length]): Omit<TelemetryEvent, 'sample'>[] {
  const decoder = createTelemetryDecoder()
  const events: Omit<TelemetryEvent, 'sample'>[] = []
  let at = 0
  for (const piece of [...pieces, octets.length]) {
    const part = octets.subarray(at, at + piece)
    at += piece
    decoder.push(part, ({ sample, ...rest }) => events.push({ ...rest }))
  }
  return events
}

test('golden frames read as their writer meant them, wherever they are cut', () => {
  const all = Buffer.concat(golden)
  const events = decodeAll(all)
  assert.deepEqual(events[0], {
    timestampNs: goldenNs,
    ifindex: 12,
    queue: 3,
    action: 2,
    labelId: 7,
    dataLength: 66,
    agentId: 'node-a',
    source: '10.0.0.1',
    destination: '10.0.0.2',
    sourcePort: 64_517,
    destinationPort: 8081,
  })
  assert.equal(golden[0]?.readUInt32LE(0), 129)
  assert.equal(events.length, 4)
  assert.deepEqual(
    events.map(({ labelId }) => labelId),
    [7, 0, 4_294_967_295, 1],
  )
  for (let cut = 0; cut < all.length; cut++) assert.deepEqual(decodeAll(all, [cut]), events)
  assert.deepEqual(
    decodeAll(
      all,
      Array.from({ length: all.length }, () => 1),
    ),
    events,
  )
})

test('any damage is an error of its own or another frame, never more than one frame held', () => {
  const frame = golden[0]!
  for (let at = 0; at < frame.length; at++) {
    for (const octet of [0, 1, 0x7f, 0x80, 0xff]) {
      const damaged = Buffer.from(frame)
      damaged[at] = octet
      const decoder = createTelemetryDecoder()
      try {
        decoder.push(damaged, () => {})
        assert.ok(decoder.pending() <= 2052)
      } catch (error) {
        assert.ok(error instanceof AppError && error.code === 'telemetry_bad', String(error))
      }
    }
  }
})

test("the first octets tell such frames from Weir's own, and from anything else", () => {
  assert.equal(speaksTelemetry(golden[0]!), true)
  assert.equal(speaksTelemetry(Buffer.from('WEIR')), false)
  assert.equal(speaksTelemetry(Buffer.from('WE')), false)
  assert.equal(speaksTelemetry(Buffer.from('W')), undefined)
  assert.equal(speaksTelemetry(golden[0]!.subarray(0, 3)), undefined)
  assert.equal(speaksTelemetry(Buffer.from('GET / HTTP/1.1\r\n')), false)
  assert.equal(speaksTelemetry(Buffer.alloc(4)), false, 'a frame of no octets')
})

test('loopback, a unix socket and the list may send; others not', () => {
  const isAllowed = createAllowed(['10.1.0.0/16', '2001:db8::1'])
  for (const address of [undefined, '127.0.0.1', '::1', '::ffff:127.0.0.1', '::ffff:10.1.2.3']) {
    assert.ok(isAllowed(address), address)
  }
  assert.ok(isAllowed('2001:db8::1'))
  for (const address of ['10.2.0.1', '2001:db8::2', '::ffff:192.0.2.1', 'x']) {
    assert.ok(!isAllowed(address), address)
  }
})

interface Ground {
  readonly port: number
  readonly rows: readonly Row[]
  json(): { total_events: number; nodes: readonly JsonNode[] }
  jsonText(): string
  refusals(cause: string): Promise<number>
}

interface JsonNode {
  readonly agent_id: string
  readonly total_events: number
  readonly label_counts: readonly { readonly label_id: number; readonly count: number }[]
  readonly recent_events: readonly Record<string, unknown>[]
}

async function withIngest(
  work: (ground: Ground) => Promise<void>,
  config: Partial<IngestConfig> = {},
): Promise<void> {
  const dataDir = mkdtempSync(join(tmpdir(), 'weir-telemetry-'))
  const reporter = createReporter('ingest', { level: 'silent' })
  const ingest = createIngest(
    {
      dataDir,
      listen: [{ host: '127.0.0.1', port: 0 }],
      version: '1',
      pids: () => [],
      segments: { closeAfterMs: 20, closeRows: 1, holdMs: 0 },
      ...config,
    },
    { store: createFakeStore(), nodes: createNodes(), owners: createNodeOwners(dataDir, reporter) },
    reporter,
  )
  const rows: Row[] = []
  ingest.tee(({ table, blocks }) => {
    if (table !== eventTable) return
    for (const batch of blocks.map((view) => readBlock(view))) {
      for (let at = 0; at < batch.length; at++) rows.push(rowOf(batch, at))
    }
  })
  await ingest.start()
  const [address] = ingest.addresses()
  try {
    await work({
      port: address && 'port' in address ? address.port : 0,
      rows,
      json: () => JSON.parse(ingest.packetsJson()),
      jsonText: ingest.packetsJson,
      refusals: async (cause) => {
        const { text } = await reporter.metrics()
        const line = new RegExp(`weir_ingest_refusals_total{cause="${cause}"\\} (\\d+)`)
        return Number(line.exec(text)?.[1] ?? 0)
      },
    })
  } finally {
    await ingest.stop()
    rmSync(dataDir, { recursive: true })
  }
}

/** The golden frames with times that are now. */
function framesOfNow(): readonly Buffer[] {
  const now = BigInt(Date.now()) * 1_000_000n + 7n
  return golden.map((frame, at) => {
    const fresh = Buffer.from(frame)
    fresh.writeBigUInt64LE(now + BigInt(at), 4)
    return fresh
  })
}

async function send(port: number, octets: Uint8Array): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  await new Promise((resolve) => socket.write(octets, resolve))
  return socket
}

test('frames on the port for agents become events and stand in /metrics.json with exact times', () =>
  withIngest(async ({ port, rows, json, jsonText }) => {
    const frames = framesOfNow()
    const socket = await send(port, Buffer.concat(frames))
    const agent = connectFake({ host: '127.0.0.1', port })
    agent.sendFrame(1, [rowOfNow(1)])
    await until('four events', () => rows.length === 4)
    await until("an agent of Weir's own beside it", () => agent.acked.length === 1)
    const shown = rows.toSorted((one, other) =>
      String(one['time']) < String(other['time']) ? -1 : 1,
    )
    assert.deepEqual(
      shown.map((row) =>
        ['node', 'protocol', 'src_address', 'dst_port', 'label', 'action', 'packet_size_bytes']
          .map((name) => row[name])
          .join(' '),
      ),
      [
        'node-a tcp 10.0.0.1 8081 7 pass 1492',
        'node-a icmpv6 2001:db8::1 0  drop 104',
        'b  :: 0 4294967295 pass ',
        'b  :: 0 1 pass ',
      ],
    )
    const { total_events: total, nodes } = json()
    assert.equal(total, 4)
    assert.deepEqual(
      nodes.map(({ agent_id: id, total_events: count }) => [id, count]),
      [
        ['b', 2],
        ['node-a', 2],
      ],
    )
    assert.deepEqual(nodes[1]?.label_counts, [
      { label_id: 0, count: 1 },
      { label_id: 7, count: 1 },
    ])
    const keys = [
      ...['timestamp_ns', 'ifindex', 'queue_id', 'action', 'label_id', 'data_len'],
      ...['src_ip', 'dst_ip', 'src_port', 'dst_port', 'timestamp'],
    ]
    assert.deepEqual(Object.keys(nodes[1]?.recent_events[0] ?? {}), keys)
    assert.equal(nodes[0]?.recent_events[0]?.['src_ip'], '-')
    assert.match(jsonText(), new RegExp(`"timestamp_ns":${frames[0]!.readBigUInt64LE(4)},`))
    socket.destroy()
    agent.close()
  }))

test("packets of Weir's own agents stand in /metrics.json with the name of their interface", () =>
  withIngest(async ({ port, json, jsonText }) => {
    const agent = connectFake({ host: '127.0.0.1', port })
    const time = BigInt(Date.now()) * 1_000_000n + 1n
    const packet = {
      ...{ time, node: 'node-1', kind: 'packet', count: 16, interface: 'far0', label: '7' },
      ...{ action: 'drop', packet_size_bytes: 128 },
      ...{ src_address: '10.77.0.1', src_port: 4000, dst_address: '10.77.0.2', dst_port: 9 },
    }
    const rows = [packet, { ...packet, kind: 'drop' }, { ...packet, interface: '' }]
    agent.sendFrame(1, rows, { table: eventTable })
    await until('the ACK', () => agent.acked.length === 1)
    const [node] = json().nodes
    assert.deepEqual([node?.agent_id, node?.total_events], ['node-1', 16])
    assert.deepEqual(node?.label_counts, [{ label_id: 7, count: 16 }])
    const { timestamp_ns: _, timestamp: __, ...shown } = node?.recent_events[0] ?? {}
    assert.deepEqual(shown, {
      ...{ ifindex: 0, queue_id: 0, action: 1, label_id: 7, data_len: 128 },
      ...{ src_ip: '10.77.0.1', dst_ip: '10.77.0.2', src_port: 4000, dst_port: 9 },
      interface: 'far0',
    })
    assert.match(jsonText(), new RegExp(`"timestamp_ns":${time},`))
    agent.close()
  }))

test('the last 256 packets are kept, the oldest first, and all are counted', () =>
  withIngest(async ({ port, json }) => {
    const [frame] = framesOfNow()
    const many = Array.from({ length: 300 }, (_, at) => {
      const one = Buffer.from(frame!)
      one.writeUInt32LE(at, 12)
      return one
    })
    const socket = await send(port, Buffer.concat(many))
    await until('all of them', () => json().total_events === 300)
    const [node] = json().nodes
    assert.deepEqual(
      node?.recent_events.map(({ ifindex }) => ifindex),
      Array.from({ length: 256 }, (_, at) => 44 + at),
    )
    socket.destroy()
  }))

test('what is no frame ends the connection and is counted; what came before it is kept', () =>
  withIngest(async ({ port, rows, refusals }) => {
    const [good, other] = framesOfNow()
    const bad = Buffer.from(other!)
    bad.writeUInt32LE(5000, 0)
    const socket = await send(port, Buffer.concat([good!, bad]))
    await until(
      'the end',
      () => socket.closed || socket.destroyed || socket.readyState === 'closed',
    )
    await until('the good one', () => rows.length === 1)
    assert.equal(await refusals('telemetry_bad'), 1)
    const half = await send(port, good!.subarray(0, 50))
    half.destroy()
    await until('the refusal', async () => (await refusals('cut_off')) > 0)
  }))

test('a frame of another year is counted as lost, and no row', () =>
  withIngest(async ({ port, rows, refusals, json }) => {
    const [good] = framesOfNow()
    const socket = await send(port, Buffer.concat([golden[0]!, good!]))
    await until('the good one', () => rows.length === 1)
    assert.equal(await refusals('time_out_of_range'), 1)
    assert.equal(json().total_events, 1)
    socket.destroy()
  }))

test('a connection with more agent ids than nodes of a rack is ended', () =>
  withIngest(async ({ port, refusals }) => {
    const [frame] = framesOfNow()
    const many = Array.from({ length: 40 }, (_, at) => {
      const one = Buffer.from(frame!)
      one.write(`node${String(at).padStart(2, '0')}`, 33, 'latin1')
      return one
    })
    const socket = await send(port, Buffer.concat(many))
    await until('the refusal', async () => (await refusals('telemetry_bad')) > 0)
    socket.destroy()
  }))
