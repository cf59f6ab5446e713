// What comes over the ingest socket is never trusted: refused, counted, the connection ended, the server fine.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { encodeJsonMessage, encodeMessage, streamPreface } from '../../wire/mod.ts'
import { type River, withRiver } from '../river.ts'
import { until } from '../traffic/mod.ts'

const golden = readFileSync(new URL('../../wire/frame/testdata/flows-zstd.frame', import.meta.url))

const hello = encodeJsonMessage('hello', {
  protocol: 1,
  agent: '00000000-0000-4000-8000-000000000001',
  boot: '00000000-0000-4000-8000-000000000002',
  node: 'stranger',
  version: '0.1.0',
  schemas: { flows: 1, ledger: 1 },
})

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
    name: 'a frame cut off',
    octets: [streamPreface, hello, encodeMessage('frame', golden).subarray(0, 300)],
    cutOff: true,
  },
]

async function refusals(river: River): Promise<number> {
  const text = await (await fetch(`${river.base}/metrics`)).text()
  const found = [...text.matchAll(/^weir_ingest_refusals_total\{[^}]*\} (\d+)$/gm)]
  return found.reduce((sum, line) => sum + Number(line[1]), 0)
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

test('every hostile stream is refused and counted; the server goes on', { timeout: 120_000 }, () =>
  withRiver({}, async (river) => {
    for (const one of attacks) {
      const before = await refusals(river)
      const said = await attack(join(river.data, 'ingest.sock'), one)
      await until(`the count of ${one.name}`, async () => (await refusals(river)) > before)
      if (!one.cutOff) assert.match(said, /"code"/, `${one.name}: no reason was given`)
      assert.ok((await fetch(`${river.base}/health`)).ok, one.name)
    }
    const { rows } = await river.get('/api/flows', { node: 'stranger', from: '-7d' })
    assert.equal(rows.length, 0)
    const now = new Date().toISOString()
    await until('rows of the own agent', async () => {
      const fresh = await river.get('/api/ledger', { stage: 'hook', from: now })
      return fresh.rows.length > 0
    })
  }),
)
