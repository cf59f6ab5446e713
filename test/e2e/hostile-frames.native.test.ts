// What comes over the ingest socket is never trusted: refused, counted, the connection ended, the server fine.

import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { createCentral } from '../../central/mod.ts'
import { createReporter } from '../../common/reporter/mod.ts'
import {
  appendRow,
  createBatch,
  createBlockEncoder,
  encodeFrame,
  encodeJsonMessage,
  encodeMessage,
  flowTable,
  streamPreface,
} from '../../wire/mod.ts'
import { type Api, apiAt } from '../river.ts'
import { until } from '../traffic/mod.ts'

const reporter = createReporter('test', { level: 'fatal' })
const golden = readFileSync(
  new URL('../../wire/frame/testdata/flows-1-zstd.frame', import.meta.url),
)

const identity = {
  agent: '00000000-0000-4000-8000-000000000001',
  boot: '00000000-0000-4000-8000-000000000002',
}
const helloOfNow = () =>
  encodeJsonMessage('hello', {
    ...identity,
    protocol: 1,
    node: 'stranger',
    version: '0.1.0',
    intervalMs: 5_000,
    timeMs: Date.now(),
    schemas: { flows: 1, ledger: 1 },
  })
const hello = helloOfNow()

function announced(length: number): Buffer {
  const head = Buffer.alloc(5, 3)
  head.writeUInt32LE(length)
  return head
}

function damaged(): Buffer {
  const frame = Buffer.from(golden)
  frame[frame.length - 5]! ^= 0xff
  return frame
}

interface Attack {
  readonly name: string
  readonly octets: readonly Uint8Array[]
  /** Only the end of the connection tells that a message was cut off. */
  readonly cutOff?: true
}

const attacks: readonly Attack[] = [
  { name: 'another protocol', octets: [Buffer.from('GET / HTTP/1.1\r\n\r\n')] },
  { name: 'octets of no meaning', octets: [Buffer.alloc(100_000, 0xa5)] },
  { name: 'a frame before HELLO', octets: [streamPreface, encodeMessage('frame', golden)] },
  { name: '2 GB announced', octets: [streamPreface, hello, announced(0x7fff_ffff)] },
  { name: 'no octet announced', octets: [streamPreface, hello, announced(0)] },
  {
    name: 'a frame of garbage',
    octets: [streamPreface, hello, encodeMessage('frame', Buffer.alloc(5_000, 0x5a))],
  },
  {
    name: 'a frame with one bit wrong',
    octets: [streamPreface, hello, encodeMessage('frame', damaged())],
  },
  {
    name: 'a frame shorter than its header says',
    octets: [streamPreface, hello, encodeMessage('frame', golden.subarray(0, 300))],
  },
  {
    name: 'a frame cut off',
    octets: [streamPreface, hello, encodeMessage('frame', golden).subarray(0, 300)],
    cutOff: true,
  },
]

async function refusals({ base }: Api): Promise<number> {
  const text = await (await fetch(`${base}/metrics`)).text()
  const found = [...text.matchAll(/^weir_ingest_refusals_total\{[^}]*\} (\d+)$/gm)]
  return found.reduce((sum, line) => sum + Number(line[1]), 0)
}

/** One row of now, as an agent would send it. */
function goodFrame(): Buffer {
  const batch = createBatch(flowTable, 1)
  const time = BigInt(Date.now()) * 1_000_000n
  appendRow(batch, {
    time,
    node: 'friend',
    view: 'socket',
    counted: true,
    protocol: 'tcp',
    bytes: 77,
  })
  const { agent, boot } = identity
  const place = { agent, boot, sequence: 1, rows: 1, timeMin: time, timeMax: time } as const
  const kind = { table: flowTable, schema: flowTable.schema, codec: 'zstd' } as const
  return encodeFrame({ ...kind, ...place }, createBlockEncoder().encode(batch))
}

/** Sends it all and resolves when the other side has ended the connection, with what it said. */
function attack(path: string, { octets, cutOff }: Attack): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(path)
    let said = ''
    const limit = setTimeout(() => reject(new Error('the connection stayed open')), 10_000)
    socket.on('data', (part) => {
      said += part.toString('latin1')
      if (said.includes('sequence')) socket.end()
    })
    socket.on('error', () => {})
    socket.on('close', () => {
      clearTimeout(limit)
      resolve(said)
    })
    for (const part of octets) socket.write(part)
    if (cutOff) socket.end()
  })
}

test('every hostile stream is refused and counted; the server goes on', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'weir-hostile-'))
  const central = createCentral({ dataDir, listen: { host: '127.0.0.1', port: 0 } }, reporter)
  await central.start()
  try {
    const api = apiAt(central.url())
    const ingest = join(dataDir, 'ingest.sock')
    for (const one of attacks) {
      const before = await refusals(api)
      const said = await attack(ingest, one)
      await until(`the count of ${one.name}`, async () => (await refusals(api)) > before)
      if (!one.cutOff) assert.match(said, /"code"/, `${one.name}: no reason was given`)
      assert.ok((await fetch(`${api.base}/health`)).ok, one.name)
    }
    assert.equal((await api.flows({ node: 'stranger', from: '-7d' })).length, 0)
    const good = [streamPreface, helloOfNow(), encodeMessage('frame', goodFrame())]
    const friend = connect(ingest)
    for (const part of good) friend.write(part)
    const rows = await until('the row of a good frame', async () => {
      const found = await api.flows({ node: 'friend' })
      return found.length > 0 && found
    })
    friend.destroy()
    assert.deepEqual(
      rows.map((row) => row['bytes']),
      [77],
    )
  } finally {
    await central.stop()
    rmSync(dataDir, { recursive: true, force: true })
  }
})
