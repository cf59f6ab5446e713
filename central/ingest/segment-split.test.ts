// A store that refuses some rows, by their mark: these are set aside and counted, every other row is stored once, also
// over a crash at each step and with other trouble in between.

import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { createReporter } from '../../common/reporter/mod.ts'
import { until } from '../../common/until.fake.ts'
import { storeError } from '../../store/errors.ts'
import type { Store } from '../../store/mod.ts'
import {
  appendRow,
  createBatch,
  createBlockEncoder,
  createBlocksReader,
  flowTable,
  readBlock,
  rowOf,
} from '../../wire/mod.ts'
import { rowOfNow } from './agent.fake.ts'
import { insertPending } from './insert-pending.ts'
import { createSegmentFolder, type Segment } from './segment-folder.ts'
import { createSegmentInsert } from './segment-insert.ts'

const reporter = createReporter('split', { level: 'silent' })
const encoder = createBlockEncoder()
const readBlocks = createBlocksReader(flowTable)

/** Takes each token once; throws at a file in which a row is refused, or whatever `trouble` says before that. */
function createRefusingStore(isRefused: (mark: number) => boolean) {
  const taken = new Map<string, readonly number[]>()
  const store = {
    tries: 0,
    isRefused,
    trouble: (): Error | undefined => undefined,
    marks: () => [...taken.values()].flat().toSorted((a, b) => a - b),
    insertSegment: (async (file: string, _table: string, token: string, _schema?: number) => {
      store.tries++
      const error = store.trouble()
      if (error) throw error
      const marks = marksIn(await readFile(file))
      if (marks.some((mark) => store.isRefused(mark))) {
        throw storeError('insert_refused', { details: { file, reason: 'constraint' } })
      }
      if (!taken.has(token)) taken.set(token, marks)
    }) satisfies Store['insertSegment'],
  }
  return store
}

function marksIn(octets: Uint8Array): readonly number[] {
  return readBlocks(octets).flatMap((view) => {
    const batch = readBlock(view)
    return Array.from({ length: batch.length }, (_, row) => Number(rowOf(batch, row)['bytes']))
  })
}

function dataFolder(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'weir-split-'))
  context.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Blocks of these sizes with the marks 0, 1, 2 …; every third row is of another node. */
async function writeSegment(dataDir: string, sizes: readonly number[], id = '000000000000001-a') {
  const folder = createSegmentFolder(dataDir)
  await folder.open()
  let mark = 0
  const blocks = sizes.map((size) => {
    const batch = createBatch(flowTable, size)
    for (let row = 0; row < size; row++, mark++) {
      appendRow(batch, rowOfNow(mark, { bytes: mark, node: nodeOf(mark) }))
    }
    return Uint8Array.from(encoder.encode(batch))
  })
  const nodeRows: Record<string, number> = {}
  for (let row = 0; row < mark; row++) nodeRows[nodeOf(row)] = (nodeRows[nodeOf(row)] ?? 0) + 1
  const bytes = blocks.reduce((sum, { length }) => sum + length, 0)
  const { name: table, schema } = flowTable
  const segment: Segment = {
    id,
    table,
    schema,
    rows: mark,
    bytes,
    frames: [],
    nodeRows,
    writtenMs: 1,
  }
  await folder.write(segment, blocks)
  return { folder, segment }
}

const nodeOf = (mark: number) => (mark % 3 === 0 ? 'n-1' : 'n-2')

/** Inserts what is in the folder, as a start does. */
async function insertAll(dataDir: string, store: Pick<Store, 'insertSegment'>) {
  const folder = createSegmentFolder(dataDir)
  const ended: Segment[] = []
  const insert = createSegmentInsert(
    { store, folder, onEnd: (segment) => ended.push(segment) },
    reporter,
    { firstMs: 1, longestMs: 20 },
  )
  const { pending } = await folder.open()
  for (const segment of pending) insert.add(segment)
  return { insert, ended, pending }
}

const namesAside = (dataDir: string) => readdirSync(join(dataDir, 'quarantine'))

function marksAside(dataDir: string): readonly number[] {
  return namesAside(dataDir)
    .filter((name) => name.endsWith('.native'))
    .flatMap((name) => marksIn(readFileSync(join(dataDir, 'quarantine', name))))
    .toSorted((a, b) => a - b)
}

const rest = (rows: number, bad: readonly number[]) =>
  Array.from({ length: rows }, (_, mark) => mark).filter((mark) => !bad.includes(mark))

test('a refused row takes no other row of its segment with it', async (context) => {
  for (const bad of [[0], [299], [7, 8, 150], [100]]) {
    const dataDir = dataFolder(context)
    await writeSegment(dataDir, [100, 1, 199])
    const store = createRefusingStore((mark) => bad.includes(mark))
    const { insert, ended } = await insertAll(dataDir, store)
    await insert.idle()
    assert.deepEqual(store.marks(), rest(300, bad))
    assert.deepEqual(marksAside(dataDir), bad)
    const lost: Record<string, number> = {}
    for (const mark of bad) lost[nodeOf(mark)] = (lost[nodeOf(mark)] ?? 0) + 1
    assert.deepEqual(ended[0]?.refused, { rows: bad.length, nodeRows: lost })
    assert.deepEqual(readdirSync(join(dataDir, 'segments')), ['000000000000001-a.json'])
  }
})

test('a segment of which nothing is taken is set aside after some tries, not row by row', async (context) => {
  const dataDir = dataFolder(context)
  await writeSegment(dataDir, [5_000])
  const store = createRefusingStore(() => true)
  const { insert, ended } = await insertAll(dataDir, store)
  await insert.idle()
  assert.equal(marksAside(dataDir).length, 5_000)
  assert.equal(ended[0]?.refused?.rows, 5_000)
  assert.ok(store.tries < 40, `${store.tries} tries`)
})

test('a file that is not what was written is set aside as it is', async (context) => {
  const dataDir = dataFolder(context)
  const { folder, segment } = await writeSegment(dataDir, [3])
  const torn = readFileSync(folder.path(segment.id)).subarray(0, 50)
  await folder.write(segment, [torn])
  const refuse = async () => {
    throw storeError('insert_refused', { details: { file: 'x', reason: 'torn' } })
  }
  const { insert, ended } = await insertAll(dataDir, { insertSegment: refuse })
  await insert.idle()
  assert.deepEqual(ended[0]?.refused, { rows: 3, nodeRows: segment.nodeRows })
  assert.equal(namesAside(dataDir).length, 2)
})

test('a crash before or after any insert: every row is stored or set aside once, even if the engine takes all by then', async (context) => {
  const bad = [3, 40, 41]
  const crashes = [0, 1, 2, 3, 5, 8, 13, 16].flatMap((step) =>
    (['before', 'after'] as const).flatMap((when) =>
      [true, false].map((stillRefused) => ({ step, when, stillRefused })),
    ),
  )
  for (const { step, when, stillRefused } of crashes) {
    const dataDir = dataFolder(context)
    await writeSegment(dataDir, [64])
    const store = createRefusingStore((mark) => bad.includes(mark))
    const crash = storeError('store_away', { details: { reason: 'the crash' } })
    const before = await insertAll(dataDir, {
      insertSegment: async (...args) => {
        if (store.tries < step) return store.insertSegment(...args)
        if (when === 'after') await store.insertSegment(...args)
        throw crash
      },
    })
    await until('the crash', () => before.insert.trouble() !== undefined)
    await before.insert.stop()
    if (!stillRefused) store.isRefused = () => false
    const { insert, ended } = await insertAll(dataDir, store)
    await insert.idle()
    const gone = marksAside(dataDir)
    const all = [...store.marks(), ...gone].toSorted((a, b) => a - b)
    assert.deepEqual(all, rest(64, []), JSON.stringify({ step, when, stillRefused }))
    assert.equal(ended[0]?.refused?.rows ?? 0, gone.length)
    if (stillRefused) assert.deepEqual(gone, bad)
  }
})

test('other trouble while a segment is split keeps its ranges for later', async (context) => {
  const dataDir = dataFolder(context)
  await writeSegment(dataDir, [32])
  const store = createRefusingStore((mark) => mark === 9)
  const away = () => storeError('store_away', { details: { reason: 'test' } })
  store.trouble = () => (store.tries % 3 === 0 ? away() : undefined)
  const { insert } = await insertAll(dataDir, store)
  await insert.idle()
  assert.deepEqual(store.marks(), rest(32, [9]))
  assert.deepEqual(marksAside(dataDir), [9])
})

test('a segment that cannot be inserted now does not keep those behind it waiting', async (context) => {
  const dataDir = dataFolder(context)
  const { segment } = await writeSegment(dataDir, [2])
  await writeSegment(dataDir, [5], '000000000000002-b')
  const store = createRefusingStore(() => false)
  const later = storeError('insert_later', { details: { file: 'x', reason: 'code 999' } })
  let isLater = true
  const insertSegment: Store['insertSegment'] = async (file, table, token) => {
    if (isLater && token === segment.id) throw later
    await store.insertSegment(file, table, token)
  }
  const { insert } = await insertAll(dataDir, { insertSegment })
  await until('the second', () => store.marks().length === 5)
  assert.equal(insert.trouble()?.code, 'insert_later')
  isLater = false
  await insert.idle()
  assert.equal(store.marks().length, 7)
  assert.equal(insert.trouble(), undefined)
})

test('a segment that the engine cannot insert, and nobody knows why, is set aside after ten tries; the next one is stored', async (context) => {
  const dataDir = dataFolder(context)
  const { segment } = await writeSegment(dataDir, [4])
  await writeSegment(dataDir, [6], '000000000000002-b')
  const store = createRefusingStore(() => false)
  let tries = 0
  const insertSegment: Store['insertSegment'] = async (file, table, token) => {
    if (!token.startsWith(segment.id)) return store.insertSegment(file, table, token)
    tries++
    throw storeError('insert_later', { details: { file, reason: 'code 999' } })
  }
  const { insert, ended } = await insertAll(dataDir, { insertSegment })
  await insert.idle()
  assert.equal(tries, 10)
  assert.equal(store.marks().length, 6)
  assert.deepEqual(marksAside(dataDir), [0, 1, 2, 3])
  const lost = ended.find(({ id }) => id === segment.id)?.refused
  assert.deepEqual(lost, { rows: 4, nodeRows: segment.nodeRows })
})

test('a segment that was being split when an older version ended is inserted before its table is rewritten, once', async (context) => {
  const bad = [5]
  const dataDir = dataFolder(context)
  await writeSegment(dataDir, [16])
  const store = createRefusingStore((mark) => bad.includes(mark))
  const insertSegment: Store['insertSegment'] = async (...args) => {
    if (store.tries === 4) throw storeError('store_away', { details: { reason: 'test' } })
    await store.insertSegment(...args)
  }
  const before = await insertAll(dataDir, { insertSegment })
  await until('the crash', () => before.insert.trouble() !== undefined)
  await before.insert.stop()
  await insertPending(dataDir, store.insertSegment)
  assert.deepEqual(store.marks(), rest(16, bad))
  // The rewritten table knows no token.
  const rewritten = createRefusingStore(() => false)
  const { insert, ended } = await insertAll(dataDir, rewritten)
  await insert.idle()
  assert.deepEqual(rewritten.marks(), [])
  assert.deepEqual(ended[0]?.refused, { rows: 1, nodeRows: { [nodeOf(5)]: 1 } })
})
