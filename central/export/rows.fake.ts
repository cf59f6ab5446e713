// Exports with a journal and no ingest: a test appends rows as ingest would, and looks at what a receiver has.

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createReporter, type Reporter } from '../../common/reporter/mod.ts'
import {
  appendRow,
  createBatch,
  createBlockEncoder,
  flowTable,
  type RowValues,
  type Table,
} from '../../wire/mod.ts'
import { createStageLedger, type StageLedger } from '../ingest/stage-ledger.ts'
import type { ExportConfig, ExportKind } from './config.ts'
import { createExports, type Exports } from './exports.ts'
import { receiverKinds } from './kinds.ts'
import type { ReceiverDeps, ReceiverKind } from './receiver.ts'

export interface ExportsFake {
  readonly exports: Exports
  readonly ledger: StageLedger
  start(): Promise<void>
  /** One segment of these rows, in blocks of some. */
  append(rows: readonly RowValues[], blockRows?: number): Promise<void>
  appendFile(file: SegmentFile): Promise<void>
  stop(): Promise<void>
}

/** A segment that is made already. */
export interface SegmentFile {
  readonly octets: Buffer
  readonly rows: number
  readonly nodeRows: Readonly<Record<string, number>>
}

export interface FakeOptions {
  readonly kinds?: Partial<Record<ExportKind, ReceiverKind>>
  readonly journalBytesMax?: number
  readonly table?: Table
  /** Of a store; without one nothing can be written by the engine. */
  readonly writeFile?: ReceiverDeps['writeFile']
}

const noEngine: ReceiverDeps['writeFile'] = () => Promise.reject(new Error('there is no engine'))

let segments = 0

export function createExportsFake(
  dataDir: string,
  exports: readonly ExportConfig[],
  { kinds, journalBytesMax, table = flowTable, writeFile = noEngine }: FakeOptions = {},
): ExportsFake {
  const reporter: Reporter = createReporter('test', { level: 'silent' })
  const ledger = createStageLedger(0n)
  const made = createExports(
    { dataDir, exports, journalBytesMax },
    { ledger, kinds: { ...receiverKinds, ...kinds }, writeFile },
    reporter,
  )
  const folder = join(dataDir, 'segments')
  mkdirSync(folder, { recursive: true })

  async function append(rows: readonly RowValues[], blockRows = 100): Promise<void> {
    const nodeRows: Record<string, number> = {}
    for (const row of rows) {
      const node = String(row['node'] ?? '')
      nodeRows[node] = (nodeRows[node] ?? 0) + 1
    }
    await appendFile({ octets: blocksOf(table, rows, blockRows), rows: rows.length, nodeRows })
  }

  async function appendFile({ octets, rows, nodeRows }: SegmentFile): Promise<void> {
    // Also another one than an earlier process had for the same folder.
    const id = `${String(++segments).padStart(15, '0')}-${process.pid}`
    const path = join(folder, `${id}.native`)
    writeFileSync(path, octets)
    const what = { table: table.name, schema: table.schema, rows, nodeRows }
    const segment = { id, ...what, bytes: octets.length, writtenMs: Date.now() }
    await made.journal?.append(segment, path)
  }

  async function start(): Promise<void> {
    await made.open()
    await made.start()
  }

  return { exports: made, ledger, start, append, appendFile, stop: async () => made.stop() }
}

/** The rows as a segment's file has them. */
export function blocksOf(table: Table, rows: readonly RowValues[], blockRows: number): Buffer {
  const encoder = createBlockEncoder()
  const blocks: Buffer[] = []
  for (let from = 0; from < rows.length; from += blockRows) {
    const some = rows.slice(from, from + blockRows)
    const batch = createBatch(table, some.length)
    for (const row of some) appendRow(batch, row)
    blocks.push(Buffer.from(encoder.encode(batch)))
  }
  return Buffer.concat(blocks)
}

/** Counted flow rows of two nodes; each has bytes of its own, so that a sum tells which rows are there. */
export function flowRows(from: number, count: number, change: RowValues = {}): RowValues[] {
  const time = BigInt(Date.now()) * 1_000_000n
  return Array.from({ length: count }, (_, index) => {
    const mark = from + index
    return {
      time: time + BigInt(index),
      start: time - 1_000_000_000n,
      node: mark % 3 === 0 ? 'node-b' : 'node-a',
      view: 'socket',
      observer: 'both',
      counted: true,
      protocol: 'tcp',
      src_address: `10.0.${(mark >> 8) % 256}.${mark % 256}`,
      dst_address: '10.9.0.1',
      src_port: 1024 + (mark % 60_000),
      dst_port: 443,
      bytes: 2 * mark + 1,
      packets: 3,
      reverse_bytes: mark,
      reverse_packets: 2,
      total_bytes: 2 * mark + 1,
      total_reverse_bytes: mark,
      opened: 1,
      state: 'established',
      connection_id: BigInt(mark) + 2n ** 63n,
      src_workload: `shop-${mark % 7}`,
      dst_workload: 'db',
      ...change,
    }
  })
}
