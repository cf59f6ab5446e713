// Puts rows of any time into the store of a data folder that no central uses now: what agents may not send, because it is
// older than any spool. Each block of rows goes in once, however often it is given.

import { createHash, type Hash } from 'node:crypto'
import { appendFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { createLifecycle, type Reporter } from '../../common/mod.ts'
import { createStore } from '../../store/mod.ts'
import { type Batch, byDay, createBlockEncoder, type Table } from '../../wire/mod.ts'
import { createFolderLock } from '../folder-lock.ts'

export interface ImportedRows {
  readonly rows: number
}

/** Takes the rows of a batch, which may be used again afterwards. */
export type TakeBatch = (batch: Batch) => void

/** Blocks of one table and day on their way into the store, in a file. */
interface Segment {
  readonly table: Table
  readonly file: string
  readonly token: Hash
  rows: number
}

const rowsMax = 200_000
const stopDeadlineMs = 10_000
const forever = { ageMaxMs: Number.MAX_SAFE_INTEGER, bytesMax: Number.MAX_SAFE_INTEGER }

/**
 * Runs `fill`, then stores all that it gave. Throws `data_folder_in_use` while a central runs there,
 * `data_folder_unwritable`, `store_not_started`, and what inserting throws.
 */
export async function importRows(
  dataDir: string,
  fill: (take: TakeBatch) => Promise<void>,
  reporter: Reporter,
): Promise<ImportedRows> {
  const store = createStore({ dataDir, retention: forever }, reporter)
  const lifecycle = createLifecycle([createFolderLock(dataDir), store], {
    reporter,
    stopDeadlineMs,
  })
  await lifecycle.start()
  const segments = createSegments(dataDir)
  try {
    await fill(segments.take)
    for (const { file, table, token } of segments.all()) {
      // The token is the content: rows that are there already are not stored again.
      await store.insertSegment(file, table.name, token.digest('hex'))
    }
    return { rows: segments.rows() }
  } finally {
    for (const { file } of segments.all()) rmSync(file, { force: true })
    await lifecycle.stop()
  }
}

function createSegments(dataDir: string) {
  const encoder = createBlockEncoder()
  const open = new Map<string, Segment>()
  const all: Segment[] = []
  let rows = 0

  function take(batch: Batch): void {
    for (const part of byDay(batch)) {
      const { table, length } = part
      rows += length
      const segment = segmentOf(table, dayOf(part))
      const block = encoder.encode(part)
      appendFileSync(segment.file, block, { mode: 0o600 })
      segment.token.update(block)
      segment.rows += length
    }
  }

  function segmentOf(table: Table, day: string): Segment {
    const key = `${table.name} ${day}`
    const known = open.get(key)
    if (known && known.rows < rowsMax) return known
    const file = join(dataDir, `import-${process.pid}-${all.length}.native`)
    const fresh: Segment = { table, file, token: createHash('sha256'), rows: 0 }
    open.set(key, fresh)
    all.push(fresh)
    return fresh
  }

  return { take, all: () => all, rows: () => rows }
}

function dayOf({ columns }: Batch): string {
  const values = columns['time']?.values as Uint32Array
  const ns = (BigInt(values[1] as number) << 32n) | BigInt(values[0] as number)
  return new Date(Number(ns / 1_000_000n)).toISOString().slice(0, 10)
}
