// `weir replay --into`: a capture of years ago in a store, and what a central that serves the store answers of it.

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { kernelNames } from '../../kernel/loader/host.ts'
import { apiAt, spawnWeir } from '../river.ts'
import { until } from '../traffic/mod.ts'

const folder = mkdtempSync(join(tmpdir(), 'weir-into-'))
const data = join(folder, 'data')
const capture = join(folder, 'old.pcap')
const begin = Date.UTC(2015, 4, 1, 23, 59, 50) / 1000
/** From the last seconds of a day into the next one. */
const seconds = 20
const perSecond = 3
const payloadBytes = 32
/** Of IP and UDP. */
const packetBytes = payloadBytes + 28
const dynptr = 'BPF_FUNC_dynptr_from_mem'
const range = { from: '2015-05-01T00:00:00Z', to: '2015-05-03T00:00:00Z', view: 'interface' }

before(() => writeFileSync(capture, pcap()))
after(() => rmSync(folder, { recursive: true, force: true }))

/** A question each second, and its answer from the other side. */
function pcap(): Buffer {
  const header = Buffer.from('d4c3b2a1020004000000000000000000ffff000001000000', 'hex')
  const packets = Array.from({ length: seconds * perSecond }, (_, index) =>
    packet(begin + Math.floor(index / perSecond), index % perSecond === 0),
  )
  return Buffer.concat([header, ...packets])
}

function packet(second: number, isQuestion: boolean): Buffer {
  const frame = Buffer.alloc(14 + packetBytes)
  frame.writeUInt16BE(0x0800, 12)
  frame.set([0x45, 0, 0, packetBytes, 0, 0, 0, 0, 64, 17], 14)
  const [client, server] = [
    [192, 0, 2, 1],
    [192, 0, 2, 2],
  ] as const
  frame.set(isQuestion ? [...client, ...server] : [...server, ...client], 26)
  frame.writeUInt16BE(isQuestion ? 40_000 : 53, 34)
  frame.writeUInt16BE(isQuestion ? 53 : 40_000, 36)
  const head = Buffer.alloc(16)
  head.writeUInt32LE(second, 0)
  head.writeUInt32LE(frame.length, 8)
  head.writeUInt32LE(frame.length, 12)
  return Buffer.concat([head, frame])
}

async function replayed(): Promise<string> {
  const weir = spawnWeir(['replay', '--into', data, capture])
  const code = await weir.ended
  assert.equal(code, 0, weir.output())
  return weir.output()
}

test('an old capture is in the store once, in its own time, and the page can ask for all of it', async (t) => {
  if (!kernelNames([dynptr]).has(dynptr)) return t.skip('captures are read from Linux 5.19 on')
  const output = await replayed()
  assert.match(output, /60 packets in 4 rows of node old\.pcap, 2015-05-01T23:59:50/)
  await replayed() // the same again changes nothing
  const retention = /--retention-age (\d+d)/.exec(output)?.[1] ?? assert.fail(output)
  const args = ['--data', data, '--ingest', 'unix', '--retention-age', retention]
  const central = spawnWeir(['central', '--listen', '127.0.0.1:0', ...args])
  try {
    const base = await until('the address of central', () => {
      return /http:\/\/127\.0\.0\.1:\d+/.exec(central.output())?.[0]
    })
    const api = apiAt(base)
    const { rows, coverage } = await api.get('/api/top', {
      ...range,
      by: 'node',
      order: '-packets',
    })
    const [top] = rows
    assert.deepEqual(
      ['node', 'packets', 'reverse_packets', 'bytes', 'reverse_bytes', 'connections'].map(
        (name) => top?.[name],
      ),
      ['old.pcap', 20, 40, 20 * packetBytes, 40 * packetBytes, 1],
    )
    assert.equal(coverage.share, 1)
    const flows = await api.flows({ ...range, src_port: 40_000, dst_port: 53 })
    assert.deepEqual(
      flows.map((row) => [row['time'], row['packets'], row['reverse_packets']]),
      ['1T23:59:55', '2T00:00:00', '2T00:00:05', '2T00:00:10'].map((end) => [
        `2015-05-0${end}.000000000Z`,
        5,
        10,
      ]),
    )
    const refused = spawnWeir(['replay', '--into', data, capture])
    assert.notEqual(await refused.ended, 0)
    assert.match(refused.output(), /in use/)
  } finally {
    central.child.kill('SIGTERM')
    await central.ended
  }
})
