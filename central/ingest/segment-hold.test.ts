// Tiny segments wait on disk, are inserted as one, and survive a crash at every point of being merged.

import assert from 'node:assert/strict'
import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { createReporter } from '../../common/reporter/mod.ts'
import { until } from '../../common/until.fake.ts'
import { storeError } from '../../store/errors.ts'
import {
  appendRow,
  createBatch,
  createBlockCheck,
  createBlockEncoder,
  flowTable,
} from '../../wire/mod.ts'
import { rowOfNow } from './agent.fake.ts'
import { fakeResolve } from './resolve/resolve.fake.ts'
import { createSegmentFolder } from './segment-folder.ts'
import { createSegments, segmentsDefaults } from './segments.ts'
import { createStageLedger } from './stage-ledger.ts'
import { createFakeStore } from './store.fake.ts'

const reporter = createReporter('segments', { level: 'silent' })
const agent = 'aaaaaaaa-0000-4000-8000-00000000000a'

function dataFolder(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'weir-hold-'))
  context.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

async function open(dataDir: string, config = {}) {
  const store = createFakeStore()
  const folder = createSegmentFolder(dataDir)
  const ledger = createStageLedger(0n)
  const segments = createSegments(
    { ...segmentsDefaults, closeAfterMs: 5, closeRows: 1, holdMs: 3_600_000, ...config },
    { store, folder, ledger, resolve: fakeResolve, onRoom: () => undefined },
    reporter,
  )
  await segments.start()
  /** Resolves when the row is durable. */
  const append = async (sequence: number): Promise<'taken' | 'duplicate'> => {
    const durable = Promise.withResolvers<void>()
    const state = segments.append(intakeOf(sequence), durable.resolve)
    await durable.promise
    return state
  }
  return { store, folder, segments, append }
}

function intakeOf(sequence: number) {
  const row = rowOfNow(sequence, { bytes: sequence })
  const batch = createBatch(flowTable, 1)
  appendRow(batch, row)
  const time = row['time'] as bigint
  const times = { timeMin: time, timeMax: time }
  const block = Uint8Array.from(createBlockEncoder().encode(batch))
  const view = createBlockCheck(flowTable)(block, { rows: 1, ...times })
  const frame = { agent, sequence }
  return { table: flowTable, node: 'node-1', rows: 1, ...times, view, frame }
}

const filesIn = (dataDir: string) => readdirSync(join(dataDir, 'segments')).toSorted()
/** Octets of all blocks that a store took. */
const octetsIn = (store: ReturnType<typeof createFakeStore>) =>
  [...store.segments.values()].reduce((sum, { length }) => sum + length, 0)

test('tiny segments are on disk and acknowledged, but cost no insert until somebody asks', async (context) => {
  const dataDir = dataFolder(context)
  const { store, segments, append } = await open(dataDir)
  for (const sequence of [1, 2, 3]) assert.equal(await append(sequence), 'taken')
  assert.equal(store.tries, 0)
  assert.equal(filesIn(dataDir).length, 6)
  await segments.fresh()
  assert.equal(store.tries, 1)
  assert.equal(octetsIn(store), 3 * intakeOf(1).view.octets.length)
  assert.equal(filesIn(dataDir).length, 1)
  assert.equal(await append(2), 'duplicate')
  await segments.fresh()
  assert.equal(store.tries, 1)
  await segments.stop()
})

test('they wait no longer than the bounds say', async (context) => {
  const byTime = await open(dataFolder(context), { holdMs: 20 })
  await byTime.append(1)
  await until('the time is over', () => byTime.store.segments.size === 1)
  const byRows = await open(dataFolder(context), { holdRows: 2 })
  await byRows.append(1)
  assert.equal(byRows.store.tries, 0)
  await byRows.append(2)
  await until('they are enough', () => byRows.store.segments.size === 1)
  for (const { segments } of [byTime, byRows]) await segments.stop()
})

test('a question does not wait for a store that is away', async (context) => {
  const { store, segments, append } = await open(dataFolder(context))
  store.failure = storeError('store_away', { details: { reason: 'test' } })
  await append(1)
  await segments.fresh()
  assert.equal(store.segments.size, 0)
  store.failure = undefined
  await segments.settled()
  assert.equal(store.segments.size, 1)
  await segments.stop()
})

test('a crash before, in the middle of and after a merge: every row is inserted once', async (context) => {
  const dataDir = dataFolder(context)
  const before = await open(dataDir)
  for (const sequence of [1, 2, 3]) await before.append(sequence)
  const apart = filesIn(dataDir)
  const parts = await before.folder.open()
  const [first, second] = parts.pending
  const whole = {
    ...first!,
    id: '000000000000000-whole',
    rows: 3,
    replaces: parts.pending.map(({ id }) => id),
  }
  const crashed = join(dataDir, 'crashed')
  cpSync(join(dataDir, 'segments'), join(crashed, 'segments'), { recursive: true })
  await before.folder.merge(whole, parts.pending)
  const merged = filesIn(dataDir)
  assert.deepEqual(merged, ['000000000000000-whole.json', '000000000000000-whole.native'])

  const length = 3 * intakeOf(1).view.octets.length
  const left: Readonly<Record<string, (name: string) => boolean>> = {
    'nothing of the merge': (name) => apart.includes(name),
    'the whole without its sidecar': (name) =>
      apart.includes(name) || name.endsWith('whole.native'),
    'the whole and all parts': () => true,
    'the whole and one part less': (name) => !name.startsWith(first!.id),
    'the whole and the rows of a part': (name) => name !== `${second!.id}.json`,
    'the whole alone': (name) => merged.includes(name),
  }
  for (const [what, isLeft] of Object.entries(left)) {
    const data = dataFolder(context)
    for (const from of [crashed, dataDir]) {
      for (const name of filesIn(from).filter(isLeft)) {
        cpSync(join(from, 'segments', name), join(data, 'segments', name))
      }
    }
    const { store, segments } = await open(data)
    await segments.settled()
    assert.equal(octetsIn(store), length, what)
    await segments.stop()
  }
})

test('a merge that was given up after its parts were inserted is not inserted as well', async (context) => {
  const dataDir = dataFolder(context)
  const before = await open(dataDir)
  for (const sequence of [1, 2]) await before.append(sequence)
  const { pending } = await before.folder.open()
  const whole = {
    ...pending[0]!,
    id: '000000000000000-whole',
    replaces: pending.map(({ id }) => id),
  }
  const copy = dataFolder(context)
  cpSync(join(dataDir, 'segments'), join(copy, 'segments'), { recursive: true })
  await before.folder.merge(whole, pending)
  cpSync(join(dataDir, 'segments'), join(copy, 'segments'), { recursive: true })
  // The first part is in the store, the second one is not yet.
  rmSync(join(copy, 'segments', `${pending[0]!.id}.native`))
  const { store, segments } = await open(copy)
  await segments.settled()
  assert.deepEqual([...store.segments.keys()], [pending[1]!.id])
  await segments.stop()
})

test('the tee hears of rows once, when they are durable, and of none that came again', async (context) => {
  const { segments, append } = await open(dataFolder(context))
  const heard: number[] = []
  const end = segments.tee(({ table, rows, blocks }) => {
    assert.equal(table, flowTable)
    assert.equal(blocks.length, 1)
    heard.push(rows)
  })
  assert.equal(await append(1), 'taken')
  assert.deepEqual(heard, [1])
  assert.equal(await append(1), 'duplicate')
  assert.equal(await append(2), 'taken')
  assert.deepEqual(heard, [1, 1])
  end()
  await append(3)
  assert.deepEqual(heard, [1, 1])
  await segments.stop()
})
