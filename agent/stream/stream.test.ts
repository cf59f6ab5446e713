// Frames reach central in order and once, over cut connections, refusals and a late central.

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { createReporter } from '../../common/reporter/mod.ts'
import { until } from '../../common/until.fake.ts'
import { fakeFlows } from '../../wire/frame/fake.ts'
import { createBlockEncoder, encodeFrame, flowTable } from '../../wire/mod.ts'
import { createSpool, type Spool } from '../spool/spool.ts'
import { startFakeCentral } from './fake.ts'
import { createStream, type Stream } from './stream.ts'

const uuid = 'ffeeddcc-bbaa-9988-7766-554433221100'
const hello = {
  protocol: 1,
  agent: uuid,
  boot: uuid,
  node: 'n',
  version: '0',
  intervalMs: 1000,
  schemas: { flows: 1 },
}

interface Ground {
  readonly spool: Spool
  readonly stream: Stream
  readonly path: string
  commit(count: number): void
}

function onGround(run: (ground: Ground) => Promise<void>): () => Promise<void> {
  return async () => {
    const folder = mkdtempSync(join(tmpdir(), 'weir-stream-'))
    const path = join(folder, 'ingest.sock')
    const reporter = createReporter('test', { level: 'silent' })
    const spool = createSpool({ folder: join(folder, 'spool'), boot: uuid }, reporter)
    const stream = createStream(
      { upstream: { path }, hello, longestDelayMs: 50 },
      { spool, onKey: () => {}, onPids: () => {} },
      reporter,
    )
    const block = Uint8Array.from(createBlockEncoder().encode(fakeFlows()))
    const commit = (count: number) => {
      for (let index = 0; index < count; index++) spool.commit(frameOf(spool.nextSequence(), block))
      stream.offer()
    }
    try {
      await run({ spool, stream, path, commit })
    } finally {
      await stream.stop()
      rmSync(folder, { recursive: true, force: true })
    }
  }
}

function frameOf(sequence: number, block: Uint8Array): Buffer {
  const time = 1_763_706_600_123_456_789n
  const fixed = { table: flowTable, schema: 1, codec: 'zstd', agent: uuid, boot: uuid } as const
  return encodeFrame({ ...fixed, sequence, rows: 3, timeMin: time, timeMax: time }, block)
}

test(
  'frames wait for a central that comes late, then go in order and leave the spool',
  onGround(async ({ spool, stream, path, commit }) => {
    await stream.start()
    commit(20)
    assert.equal(stream.isConnected(), false)
    const central = await startFakeCentral(path, 3)
    await until('an empty spool', () => spool.waiting().frames === 0)
    assert.deepEqual(
      central.frames.map(({ header }) => header.sequence),
      Array.from({ length: 20 }, (_, index) => index + 1),
    )
    assert.equal(central.hellos[0]?.['node'], 'n')
    assert.equal(spool.takeCounts().acknowledged, 60)
    await central.stop()
  }),
)

test(
  'a cut connection is made again and nothing is missing',
  onGround(async ({ spool, stream, path, commit }) => {
    const central = await startFakeCentral(path, 2)
    await stream.start()
    for (let round = 0; round < 3; round++) {
      commit(10)
      await until('some frames', () => central.frames.length > round * 10 + 2)
      central.cut()
    }
    await until('an empty spool', () => spool.waiting().frames === 0)
    assert.deepEqual(
      central.frames.map(({ header }) => header.sequence),
      Array.from({ length: 30 }, (_, index) => index + 1),
    )
    assert.ok(central.hellos.length > 1)
    await central.stop()
  }),
)

test(
  'a refused frame is set aside and the others go on',
  onGround(async ({ spool, stream, path, commit }) => {
    const central = await startFakeCentral(path)
    central.refuse.add(2)
    await stream.start()
    commit(4)
    await until('an empty spool', () => spool.waiting().frames === 0)
    assert.deepEqual(
      central.frames.map(({ header }) => header.sequence),
      [1, 3, 4],
    )
    assert.deepEqual([...spool.takeCounts().lost], [['refused', 3]])
    await central.stop()
  }),
)

test(
  'the clock of this host is said in HELLO and again and again',
  onGround(async ({ stream, path }) => {
    const central = await startFakeCentral(path)
    await stream.start()
    const before = Date.now()
    assert.equal(await stream.outcome(), 'welcome')
    await until('some readings', () => central.clocks.length > 2)
    const times = [Number(central.hellos[0]?.['timeMs']), ...central.clocks]
    assert.deepEqual(times.toSorted(), times)
    assert.ok(times.every((time) => Math.abs(time - before) < 60_000))
    await central.stop()
  }),
)

test(
  'a name that is taken is an outcome of its own, and over when central says welcome',
  onGround(async ({ stream, path }) => {
    const central = await startFakeCentral(path)
    central.refusal = { code: 'node_taken', message: 'n is taken' }
    await stream.start()
    assert.equal(await stream.outcome(), 'taken')
    assert.deepEqual(stream.refusal(), central.refusal)
    central.refusal = undefined
    assert.equal(await stream.outcome(), 'welcome')
    assert.equal(stream.refusal(), undefined)
    await central.stop()
    await until('the end of the connection', () => !stream.isConnected())
    assert.equal(await stream.outcome(), 'away')
  }),
)
