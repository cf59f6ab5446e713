// A data folder of an older version, killed in the middle of its work, under this version: rows in the store, rows
// in segments (one of them inserted already), rows in the agent's spool, and the checkpoint. Every byte is there
// once. The folders in store/schema/testdata/states are named by the commit that wrote them; beside each stands
// what its connections really moved.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { createCheckpoints } from '../../agent/spool/checkpoint.ts'
import { createSpool } from '../../agent/spool/spool.ts'
import { insertPending } from '../../central/ingest/insert-pending.ts'
import { createReporter } from '../../common/reporter/mod.ts'
import { createStore, type Store } from '../../store/mod.ts'
import {
  createBlockCheck,
  createBlockEncoder,
  readFrameBlock,
  readFrameHeader,
  rewriteBlock,
} from '../../wire/mod.ts'

const states = fileURLToPath(new URL('../../store/schema/testdata/states/', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'weir-upgrade-'))
const reporter = createReporter('upgrade', { level: 'silent' })
after(() => rmSync(folder, { recursive: true, force: true }))

interface Truth {
  readonly connections: readonly Readonly<Record<string, number>>[]
}

const everMs = 100 * 365 * 86_400_000

for (const archive of readdirSync(states).filter((name) => name.endsWith('.tar.gz'))) {
  const name = basename(archive, '.tar.gz')

  test(`the data folder of ${name}: every row is there, once`, { timeout: 60_000 }, async () => {
    const dataDir = unpacked(archive, name)
    const truth = JSON.parse(readFileSync(join(states, `${name}.json`), 'utf8')) as Truth
    const store = createStore(
      {
        dataDir,
        retention: { ageMaxMs: everMs },
        beforeRewrite: async (insert) => {
          await insertOneTwice(dataDir, insert)
          await insertPending(dataDir, insert)
        },
      },
      reporter,
    )
    await store.start()
    try {
      assert.deepEqual(pendingOf(dataDir), [], 'segments are in the store')
      await checkRewritten(store)
      await insertSpool(dataDir, store)
      const byPorts = (a: Truth['connections'][number], b: typeof a) =>
        Number(a['src_port']) - Number(b['src_port'])
      assert.deepEqual(
        (await connections(store)).toSorted(byPorts),
        truth.connections.toSorted(byPorts),
      )
    } finally {
      await store.stop()
    }
    await startsAgain(dataDir)
    const entries = checkpointOf(dataDir)
    const open = new Float64Array(entries.buffer, entries.byteOffset, 2)
    const held = truth.connections.at(-1)
    assert.deepEqual([...open], [held?.['bytes'], held?.['reverse_bytes']], 'what was reported')
  })
}

function unpacked(archive: string, name: string): string {
  const target = join(folder, name)
  execFileSync('mkdir', ['-p', target])
  execFileSync('tar', [
    '--zstd',
    '-xf',
    join(states, archive),
    '-C',
    target,
    '--strip-components=1',
  ])
  return target
}

function pendingOf(dataDir: string): readonly string[] {
  return readdirSync(join(dataDir, 'segments')).filter((name) => name.endsWith('.native'))
}

/** As if the old version had been killed between an insert and the deletion of its file. */
async function insertOneTwice(dataDir: string, insert: Store['insertSegment']): Promise<void> {
  const segments = pendingOf(dataDir).map((file) => basename(file, '.native'))
  const flows = segments.find((id) => segmentOf(dataDir, id).table === 'flows')
  assert.ok(flows, 'a segment of flows waits')
  await insert(join(dataDir, 'segments', `${flows}.native`), 'flows', flows, 1)
}

function segmentOf(dataDir: string, id: string): { readonly table: string } {
  return JSON.parse(readFileSync(join(dataDir, 'segments', `${id}.json`), 'utf8'))
}

/** The rows that were there have what today's agents say of them. */
async function checkRewritten(store: Store): Promise<void> {
  const [order] = await store.read(
    "SELECT sorting_key FROM system.tables WHERE database = currentDatabase() AND name = 'flows'",
  )
  assert.match(String(order?.['sorting_key']), /src_workload/)
  const [rows] = await store.read(
    `SELECT countIf(NOT counted) AS hidden, countIf(src_workload = src_process) AS named,
         countIf(src_node = node) AS placed, countIf(src_pod != '' OR dst_pod != '') AS pods,
         count() AS rows FROM flows WHERE src_netns != 0`,
  )
  assert.deepEqual(
    [rows?.['hidden'], rows?.['named'], rows?.['placed'], rows?.['pods']],
    [0, rows?.['rows'], rows?.['rows'], 0],
  )
}

/** What a stream of the old agent would bring. */
async function insertSpool(dataDir: string, store: Store): Promise<void> {
  const boot = bootOf(dataDir)
  const spool = createSpool({ folder: join(dataDir, 'spool'), boot, ageMaxMs: everMs }, reporter)
  const encoder = createBlockEncoder()
  let frames = 0
  for (let found = spool.next(0); found; found = spool.next(found.sequence)) {
    const header = readFrameHeader(found.frame)
    const check = createBlockCheck(header.table, header.schema)
    const file = join(folder, 'frame.native')
    const view = check(readFrameBlock(found.frame, header), header)
    writeFileSync(file, rewriteBlock(view, encoder).octets)
    await store.insertSegment(file, header.table.name, `${header.agent}/${header.sequence}`)
    frames++
  }
  assert.ok(frames > 0, 'the spool has frames')
}

function bootOf(dataDir: string): string {
  return readFileSync(join(dataDir, 'spool', 'boot'), 'utf8').trim()
}

function checkpointOf(dataDir: string): Uint32Array {
  const last = Math.max(
    ...readdirSync(join(dataDir, 'spool')).map((name) => Number.parseInt(name, 10) || 0),
  )
  return createCheckpoints(dataDir, bootOf(dataDir)).load(last) ?? new Uint32Array(0)
}

async function connections(store: Store): Promise<Truth['connections']> {
  const rows = await store.read(
    `SELECT src_port, dst_port, sum(bytes) AS bytes, sum(reverse_bytes) AS reverse_bytes
     FROM flows GROUP BY src_port, dst_port`,
  )
  return rows as unknown as Truth['connections']
}

/** The second start finds nothing to do. */
async function startsAgain(dataDir: string): Promise<void> {
  const store = createStore(
    {
      dataDir,
      retention: { ageMaxMs: everMs },
      beforeRewrite: () => Promise.reject(new Error('rewritten again')),
    },
    reporter,
  )
  await store.start()
  await store.stop()
}
