// Live readers over a real socket: the rows that each one gets and those that it is said to have lost are together all rows.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { after, before, test } from 'node:test'
import { createReporter } from '../../common/reporter/mod.ts'
import {
  appendRow,
  createBatch,
  createBlockCheck,
  createBlockEncoder,
  eventTable,
  flowTable,
  type Row,
} from '../../wire/mod.ts'
import { createHttp, type Http } from '../http.ts'
import type { LiveRows } from './live.ts'

const listeners = new Set<(rows: LiveRows) => void>()
const reporter = createReporter('test', { level: 'silent' })
let http: Http

before(async () => {
  const health = () => assert.fail('nobody asks')
  const live = (listener: (rows: LiveRows) => void) => {
    listeners.add(listener)
    return () => void listeners.delete(listener)
  }
  http = createHttp(
    { host: '127.0.0.1', port: 0, live: { readersMax: 3, waitingBytesMax: 100_000 } },
    { reader: { read: async () => [] }, health, metrics: reporter.metrics, live },
    reporter,
  )
  await http.start()
})
after(() => http?.stop())

interface Stream {
  readonly socket: Socket
  text: string
  /** Resolves when the text has it, and the end of the event that it is in. */
  has(part: string): Promise<void>
}

async function open(query: string): Promise<Stream> {
  const socket = connect(http.address().port, '127.0.0.1')
  const stream: Stream = { socket, text: '', has }
  socket.on('data', (octets) => {
    stream.text += octets
  })
  async function has(part: string) {
    const isWhole = () => {
      const at = stream.text.indexOf(part)
      return at >= 0 && stream.text.slice(at).replace(chunkHead, '').includes('\n\n')
    }
    while (!isWhole()) await once(socket, 'data')
  }
  socket.write(`GET /api/live?${query} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n`)
  await once(socket, 'data')
  return stream
}

function push(table: typeof eventTable | typeof flowTable, ports: readonly number[]): void {
  const batch = createBatch(table, ports.length)
  const view = table === flowTable ? { view: 'socket' } : {}
  for (const port of ports) {
    appendRow(batch, {
      time: 1_795_240_800_000_000_000n,
      node: 'n',
      ...view,
      dst_port: port,
    })
  }
  const octets = Uint8Array.from(createBlockEncoder().encode(batch))
  const claim = { rows: ports.length, timeMin: 0n, timeMax: 2n ** 62n }
  const rows = { table, blocks: [createBlockCheck(table)(octets, claim)] }
  for (const hear of listeners) hear(rows as unknown as LiveRows)
}

/** Chunks of the transfer encoding may cut a line anywhere. */
const chunkHead = /(?:^|\r\n)[0-9a-f]+\r\n/g

function bodyOf({ text }: Stream): string {
  const [, ...body] = text.split('\r\n\r\n')
  return body.join('\r\n\r\n').replace(chunkHead, '')
}

function rowsOf(stream: Stream): Row[] {
  const lines = bodyOf(stream).split('\n\n')
  return lines.flatMap((line) => (line.startsWith('data: ') ? [JSON.parse(line.slice(6))] : []))
}

function lostOf(stream: Stream): number {
  const told = [...bodyOf(stream).matchAll(/event: lost\ndata: \{"rows":(\d+)\}/g)]
  return told.reduce((sum, [, rows]) => sum + Number(rows), 0)
}

const portsOf = (stream: Stream) => rowsOf(stream).map((row) => row['dst_port'])

test('each reader gets the rows of its table that pass its filter', async () => {
  const all = await open('table=events')
  const some = await open(`table=events&filter=${encodeURIComponent('dst_port in (7, 9)')}`)
  const flows = await open('')
  push(eventTable, [7, 8, 9])
  push(flowTable, [1])
  await Promise.all([all.has('"dst_port":9'), some.has('"dst_port":9'), flows.has('"dst_port":1')])
  assert.deepEqual(portsOf(all), [7, 8, 9])
  assert.deepEqual(portsOf(some), [7, 9])
  assert.deepEqual(portsOf(flows), [1])
  const fourth = await open('')
  assert.match(fourth.text, /^HTTP\/1.1 503/)
  for (const { socket } of [all, some, flows, fourth]) socket.destroy()
  while (listeners.size > 0) await new Promise(setImmediate)
})

test('a slow reader lost rows without an event, or cost another reader some', async () => {
  const slow = await open('table=events')
  const fast = await open('table=events')
  slow.socket.pause()
  let pushed = 0
  /** Until its memory here is full, whatever the kernel's buffers hold. */
  const isFull = async () => /live_rows_lost\S* [1-9]/.test((await reporter.metrics()).text)
  while (!(await isFull())) {
    push(
      eventTable,
      Array.from({ length: 50 }, (_, index) => (pushed + index) % 60_000),
    )
    pushed += 50
    await fast.has(`"dst_port":${(pushed - 1) % 60_000},`)
  }
  slow.socket.resume()
  await slow.has('event: lost')
  push(eventTable, [65_535])
  await Promise.all([slow.has('"dst_port":65535'), fast.has('"dst_port":65535')])
  assert.equal(rowsOf(fast).length, pushed + 1)
  assert.equal(rowsOf(slow).length + lostOf(slow), pushed + 1)
  assert.ok(lostOf(slow) > 0)
  for (const { socket } of [slow, fast]) socket.destroy()
})

test('a filter that cannot be is refused with its place', async () => {
  for (const [query, status] of [
    ['table=events&filter=dst_prot%20%3D%201', 400],
    ['table=ledger', 400],
    ['filter=community_id%20%3D%20x', 400],
  ] as const) {
    const stream = await open(query)
    assert.ok(stream.text.startsWith(`HTTP/1.1 ${status}`), query)
    stream.socket.destroy()
  }
})
