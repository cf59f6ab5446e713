// The ingest against agents that behave and agents that do not; the store is a fake, disk and sockets are real.

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { rfc3339 } from '../../common/mod.ts'
import { createReporter } from '../../common/reporter/mod.ts'
import { until } from '../../common/until.fake.ts'
import { storeError } from '../../store/errors.ts'
import { encodeJsonMessage, encodeMessage, type RowValues, streamPreface } from '../../wire/mod.ts'
import { createNodeOwners } from '../node-owners.ts'
import { createNodes } from '../nodes.ts'
import { connectFake, frameOf, helloOf, rowOfNow } from './agent.fake.ts'
import { createIngest, type IngestConfig } from './ingest.ts'
import { createFakeStore } from './store.fake.ts'

/** A segment per frame: what a test reads back is what one frame held. */
const quick = { closeAfterMs: 20, closeRows: 1, holdMs: 0 }

async function withIngest(
  run: (parts: Awaited<ReturnType<typeof open>>) => Promise<void>,
  config: Partial<IngestConfig> = {},
): Promise<void> {
  const dataDir = mkdtempSync(join(tmpdir(), 'weir-ingest-'))
  const parts = await open(dataDir, config)
  try {
    await run(parts)
  } finally {
    await parts.ingest.stop()
    rmSync(dataDir, { recursive: true })
  }
}

async function open(dataDir: string, config: Partial<IngestConfig> = {}) {
  const reporter = createReporter('ingest', { level: 'silent' })
  const store = createFakeStore()
  const nodes = createNodes()
  const path = join(dataDir, 'ingest.sock')
  const ingest = createIngest(
    { dataDir, listen: [{ path }], version: '1', pids: () => [1], segments: quick, ...config },
    { store, nodes, owners: createNodeOwners(dataDir, reporter) },
    reporter,
  )
  await ingest.start()
  const metric = async (cause: string) => {
    const { text } = await reporter.metrics()
    return Number(
      new RegExp(`weir_ingest_refusals_total{cause="${cause}"\\} (\\d+)`).exec(text)?.[1] ?? 0,
    )
  }
  return { dataDir, path, store, nodes, ingest, metric }
}

/** Names of the files of segments that are not inserted. */
function waitingIn(dataDir: string): string[] {
  return readdirSync(join(dataDir, 'segments')).filter((name) => name.endsWith('.native'))
}

test('frames are acknowledged once they are durable, and their blocks reach the store unchanged', () =>
  withIngest(async ({ path, store, nodes, dataDir }) => {
    const agent = connectFake({ path })
    for (const sequence of [1, 2, 3]) agent.sendFrame(sequence, [rowOfNow(sequence)])
    await until('three ACKs', () => agent.acked.length === 3)
    await until('one segment', () => store.segments.size >= 1 && waitingIn(dataDir).length === 0)
    assert.deepEqual(agent.acked, [1, 2, 3])
    assert.equal(nodes.list()[0]?.state, 'live')
    assert.equal(nodes.list()[0]?.agent, agent.id)
    assert.equal(statSync(path).mode & 0o777, 0o600)
    agent.close()
  }))

test('a frame is acknowledged, waits on disk and is stored later when the store is away', () =>
  withIngest(async ({ path, store, dataDir, ingest }) => {
    store.failure = storeError('store_away', { details: { reason: 'test' } })
    const agent = connectFake({ path })
    agent.sendFrame(1, [rowOfNow(1)])
    await until('the ACK: it is on disk', () => agent.acked.length === 1)
    assert.equal(waitingIn(dataDir).length, 1)
    await until('trouble is said', () => ingest.trouble()?.place === 'store')
    store.failure = undefined
    await until('it is inserted', () => store.segments.size === 1)
    await until('its file is gone', () => waitingIn(dataDir).length === 0)
    await until('the trouble is over', () => ingest.trouble() === undefined)
    agent.close()
  }))

test('a frame that is sent again is acknowledged again and not stored again', () =>
  withIngest(async ({ path, store, ingest }) => {
    const id = randomUUID()
    const first = connectFake({ path }, { id })
    first.sendFrame(7, [rowOfNow(7)])
    first.sendFrame(7, [rowOfNow(7)])
    await until('both ACKs', () => first.acked.length === 2)
    first.close()
    const second = connectFake({ path }, { id })
    second.sendFrame(7, [rowOfNow(7)])
    await until('the third ACK', () => second.acked.length === 1)
    await ingest.settled()
    assert.equal(store.segments.size, 1)
    second.close()
  }))

test('after a restart: what was durable is inserted under its token, its frames are known', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'weir-ingest-'))
  try {
    const before = await open(dataDir)
    before.store.failure = storeError('store_away', { details: { reason: 'test' } })
    const agent = connectFake({ path: before.path })
    agent.sendFrame(1, [rowOfNow(1)])
    await until('the ACK', () => agent.acked.length === 1)
    agent.close()
    await before.ingest.stop()
    const [left] = waitingIn(dataDir)
    // As a crash leaves it: rows without a sidecar were never acknowledged.
    writeFileSync(join(dataDir, 'segments', '000000000000001-x.native'), 'torn')
    writeFileSync(join(dataDir, 'segments', '000000000000002-x.native.tmp'), 'torn')
    const after = await open(dataDir)
    await until('it is inserted', () => after.store.segments.size === 1)
    assert.deepEqual([...after.store.segments.keys()], [left?.replace('.native', '')])
    const again = connectFake({ path: after.path }, { id: agent.id })
    again.sendFrame(1, [rowOfNow(1)])
    await until('the ACK again', () => again.acked.length === 1)
    await after.ingest.settled()
    assert.equal(after.store.segments.size, 1)
    again.close()
    await after.ingest.stop()
    assert.ok(!existsSync(join(dataDir, 'segments', '000000000000001-x.native')))
  } finally {
    rmSync(dataDir, { recursive: true })
  }
})

test('a segment that the store refuses goes to quarantine, and the next one is stored', () =>
  withIngest(async ({ path, store, dataDir }) => {
    store.failure = storeError('insert_refused', { details: { file: 'x', reason: 'test' } })
    const agent = connectFake({ path })
    agent.sendFrame(1, [rowOfNow(1)])
    const aside = () => readdirSync(join(dataDir, 'quarantine')).length
    await until('quarantine', () => aside() === 2)
    store.failure = undefined
    agent.sendFrame(2, [rowOfNow(2)])
    await until('the next is stored', () => store.segments.size === 1)
    agent.close()
  }))

const hello = Buffer.concat([
  streamPreface,
  encodeJsonMessage('hello', helloOf('00000000-0000-4000-8000-000000000001', 'bad')),
])
const length2GB = Buffer.from([0xff, 0xff, 0xff, 0x7f, 3])
const damaged = frameOf({ agent: '00000000-0000-4000-8000-000000000001', sequence: 1 }, [
  rowOfNow(1),
])
damaged[damaged.length - 1] = (damaged[damaged.length - 1] as number) ^ 1
const strangers: readonly (readonly [string, string, Uint8Array])[] = [
  ['an HTTP client', 'bad_preface', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
  ['2 GB announced first', 'bad_message', Buffer.concat([streamPreface, length2GB])],
  ['2 GB announced later', 'bad_message', Buffer.concat([hello, length2GB])],
  ['an unknown type', 'bad_message', Buffer.concat([hello, Buffer.of(1, 0, 0, 0, 99)])],
  ['a length of 0', 'bad_message', Buffer.concat([hello, Buffer.of(0, 0, 0, 0, 1)])],
  [
    'a frame first',
    'unexpected_message',
    Buffer.concat([streamPreface, encodeMessage('frame', damaged)]),
  ],
  ['HELLO twice', 'unexpected_message', Buffer.concat([hello, hello.subarray(4)])],
  [
    'HELLO without JSON',
    'bad_message',
    Buffer.concat([streamPreface, encodeMessage('hello', Buffer.from('{'))]),
  ],
  [
    'HELLO of nobody',
    'hello_bad',
    Buffer.concat([
      streamPreface,
      encodeMessage('hello', Buffer.from('{"protocol":1,"schemas":{"flows":1,"ledger":1}}')),
    ]),
  ],
  [
    'another protocol',
    'hello_bad',
    Buffer.concat([streamPreface, encodeMessage('hello', Buffer.from('{"protocol":2}'))]),
  ],
  [
    'a frame with a flipped bit',
    'bad_frame',
    Buffer.concat([hello, encodeMessage('frame', damaged)]),
  ],
  [
    'a frame of one octet',
    'bad_frame',
    Buffer.concat([hello, encodeMessage('frame', Buffer.of(1))]),
  ],
  ['an empty frame', 'bad_frame', Buffer.concat([hello, encodeMessage('frame', Buffer.alloc(0))])],
]

test('whoever does not speak the stream is told so, counted and cut off; others go on', () =>
  withIngest(async ({ path, metric, store }) => {
    const good = connectFake({ path })
    for (const [what, code, octets] of strangers) {
      const before = await metric(code)
      const stranger = connectFake({ path }, { hello: false })
      stranger.send(octets)
      await until(`${what}: closed`, () => stranger.isClosed())
      assert.equal(stranger.refused[0]?.code, code, what)
      assert.equal(stranger.refused[0]?.sequence, undefined, what)
      assert.equal(await metric(code), before + 1, what)
    }
    good.sendFrame(1, [rowOfNow(1)])
    await until('the good agent is served', () => good.acked.length === 1)
    await until('and stored', () => store.segments.size === 1)
    good.close()
  }))

test('a frame cut off in the middle stores nothing', () =>
  withIngest(async ({ path, store, ingest }) => {
    const agent = connectFake({ path })
    await until('welcome', () => agent.isWelcome())
    const frame = encodeMessage('frame', frameOf({ agent: agent.id, sequence: 1 }, [rowOfNow(1)]))
    agent.send(frame.subarray(0, frame.length - 10))
    agent.close()
    await ingest.settled()
    assert.equal(store.segments.size, 0)
  }))

test('who says nothing is sent away', () =>
  withIngest(
    async ({ path, metric }) => {
      const silent = connectFake({ path }, { hello: false })
      await until('closed', () => silent.isClosed())
      assert.equal(silent.refused[0]?.code, 'hello_late')
      assert.equal(await metric('hello_late'), 1)
    },
    { helloMs: 30 },
  ))

test('a whole frame with wrong content is refused by its number, and the connection goes on', () =>
  withIngest(async ({ path, store, metric, ingest }) => {
    const agent = connectFake({ path })
    const day = 86_400_000_000_000n
    const now = BigInt(Date.now()) * 1_000_000n
    const wrong: readonly (readonly [string, RowValues, object])[] = [
      ['time_out_of_range', rowOfNow(1, { time: now - 8n * day }), {}],
      ['time_out_of_range', rowOfNow(1, { time: now + day }), {}],
      ['time_out_of_range', rowOfNow(1, { time: -5n }), {}],
      ['frame_of_another', rowOfNow(1), { agent: randomUUID() }],
      ['schema_unknown', rowOfNow(1), { schema: 99 }],
      ['bad_frame', rowOfNow(1), { rows: 2 }],
      ['bad_frame', rowOfNow(1, { time: now }), { timeMin: now + 1n, timeMax: now + 1n }],
    ]
    for (const [at, [code, row, change]] of wrong.entries()) {
      const before = await metric(code)
      agent.sendFrame(at + 1, [row], change)
      await until(`${code} ${at}`, () => agent.refused.length === at + 1)
      assert.equal(agent.refused[at]?.code, code)
      assert.equal(agent.refused[at]?.sequence, String(at + 1))
      assert.equal(await metric(code), before + 1)
    }
    agent.sendFrame(100, [rowOfNow(1)], { codec: 'none' })
    await until('a right one is taken', () => agent.acked.length === 1)
    await ingest.settled()
    assert.equal(store.segments.size, 1)
    agent.close()
  }))

test('a full budget stops the reading until the store takes again', () =>
  withIngest(
    async ({ path, store }) => {
      store.failure = storeError('store_away', { details: { reason: 'test' } })
      const agent = connectFake({ path })
      for (let sequence = 1; sequence <= 8; sequence++) {
        agent.sendFrame(sequence, [rowOfNow(sequence)])
      }
      await until('the first are durable', () => agent.acked.length > 0)
      await until('the store is tried', () => store.tries > 1)
      for (let n = 9; n <= 16; n++) agent.sendFrame(n, [rowOfNow(n)])
      const ticks = store.tries + 1
      await until('time passes', () => store.tries >= ticks)
      assert.ok(agent.acked.length <= 8, `${agent.acked.length} were taken over the budget`)
      store.failure = undefined
      await until('all are taken after all', () => agent.acked.length === 16)
      agent.close()
    },
    { segments: { ...quick, pendingBytesMax: 1 } },
  ))

test('more frames than credits end the connection', () =>
  withIngest(
    async ({ path }) => {
      const agent = connectFake({ path })
      for (let n = 1; n <= 33; n++) agent.sendFrame(n, [rowOfNow(n)])
      await until('closed', () => agent.isClosed())
      assert.equal(agent.refused[0]?.code, 'too_many_frames')
    },
    { segments: { ...quick, closeAfterMs: 60_000, closeRows: 1000 } },
  ))

test('the same agent again ends its older connection', () =>
  withIngest(async ({ path }) => {
    const first = connectFake({ path })
    await until('welcome', () => first.isWelcome())
    const second = connectFake({ path }, { id: first.id })
    await until('the first is closed', () => first.isClosed())
    assert.equal(first.refused[0]?.code, 'agent_twice')
    second.sendFrame(1, [rowOfNow(1)])
    await until('the second works', () => second.acked.length === 1)
    second.close()
  }))

test('a second agent under the name of the first is refused with a reason, and nothing of it is stored', () =>
  withIngest(async ({ path, store, nodes, ingest, metric }) => {
    const first = connectFake({ path })
    await until('welcome', () => first.isWelcome())
    const second = connectFake({ path })
    second.sendFrame(1, [rowOfNow(1)])
    await until('closed', () => second.isClosed())
    assert.deepEqual([second.refused[0]?.code, second.isWelcome()], ['node_taken', false])
    assert.equal(second.refused[0]?.sequence, undefined)
    assert.equal(await metric('node_taken'), 1)
    assert.equal(nodes.list()[0]?.refused, second.id)
    first.sendFrame(1, [rowOfNow(2)])
    await until('the first goes on', () => first.acked.length === 1)
    await ingest.settled()
    assert.equal(store.rows('flows').length, 1)
    first.close()
  }))

test('rows of a clock that is an hour ahead are stored where they belong, those of a right clock as they are', () =>
  withIngest(async ({ path, store, nodes, ingest }) => {
    const hourMs = 3_600_000
    const ahead = connectFake({ path }, { node: 'ahead', clockShiftMs: hourMs })
    const right = connectFake({ path }, { node: 'right', clockShiftMs: -900 })
    const time = BigInt(Date.now()) * 1_000_000n
    const inAnHour = time + BigInt(hourMs) * 1_000_000n
    ahead.sendFrame(1, [
      rowOfNow(1, { node: 'ahead', time: inAnHour, start: inAnHour - 7n, end: null }),
    ])
    right.sendFrame(1, [rowOfNow(2, { node: 'right', time })])
    await until('both ACKs', () => ahead.acked.length + right.acked.length === 2)
    await ingest.settled()
    const rows = store
      .rows('flows')
      .toSorted((a, b) => `${a['node']}`.localeCompare(`${b['node']}`))
    assert.deepEqual(
      rows.map((row) => [row['node'], row['time'], row['start'], row['end']]),
      [
        ['ahead', rfc3339(time), rfc3339(time - 7n), null],
        ['right', rfc3339(time), null, null],
      ],
    )
    const [first, second] = nodes.list()
    assert.ok(Math.abs((first?.clockOffsetMs ?? 0) - hourMs) < 60_000)
    assert.deepEqual([first?.isCorrected, second?.isCorrected], [true, false])
    ahead.close()
    right.close()
  }))

test('a folder that cannot be written holds the frames back, and says so', () =>
  withIngest(async ({ path, dataDir, ingest, store }) => {
    rmSync(join(dataDir, 'segments'), { recursive: true })
    writeFileSync(join(dataDir, 'segments'), 'in the way')
    const agent = connectFake({ path })
    agent.sendFrame(1, [rowOfNow(1)])
    await until('trouble', () => ingest.trouble()?.place === 'disk')
    assert.equal(agent.acked.length, 0)
    rmSync(join(dataDir, 'segments'))
    mkdirSync(join(dataDir, 'segments'))
    await until('the ACK', () => agent.acked.length === 1)
    await until('stored', () => store.segments.size === 1)
    agent.close()
  }))

test('TCP: any free port, and a taken one has a name', () =>
  withIngest(
    async ({ ingest, store }) => {
      const [address] = ingest.addresses() as [{ host: string; port: number }]
      const agent = connectFake(address)
      agent.sendFrame(1, [rowOfNow(1)])
      await until('stored', () => store.segments.size === 1)
      const dataDir = mkdtempSync(join(tmpdir(), 'weir-ingest-'))
      await assert.rejects(open(dataDir, { listen: [address] }), { code: 'address_taken' })
      rmSync(dataDir, { recursive: true })
      agent.close()
    },
    { listen: [{ host: '127.0.0.1', port: 0 }] },
  ))
