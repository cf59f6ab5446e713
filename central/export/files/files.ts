// Files as a receiver: rows are collected in a folder and become files of NDJSON, Parquet or Arrow by size and by age.
// The position is kept with the rows (file-set.ts), so a row is in the files once.

import { isAbsolute } from 'node:path'
import { parseDurationMs, rfc3339 } from '../../../common/mod.ts'
import { fileSql } from '../../../store/mod.ts'
import { plainColumns } from '../../../store/query/mod.ts'
import {
  type Column,
  createBlockEncoder,
  type Field,
  jsonChunks,
  parseQuantity,
  pickRows,
} from '../../../wire/mod.ts'
import { chosenFields, type ExportConfig, type RowPlan } from '../config.ts'
import { exportError } from '../errors.ts'
import type { ExportBatch, Position, Receiver, ReceiverDeps, ReceiverKind } from '../receiver.ts'
import { createFileSet, type FileSet, type OpenPart } from './file-set.ts'

export const filesKind: ReceiverKind = {
  needs: ({ fields }) => [...fields, 'time'],
  create: createFiles,
}

const formats = { ndjson: undefined, parquet: 'Parquet', arrow: 'Arrow' } as const
const convertSecondsMax = 300
/** After a file could not be made. */
const againMs = 10_000
const mib = 1024 * 1024

interface Settings {
  readonly format: keyof typeof formats
  readonly bytesMax: number
  readonly ageMs: number
  readonly retentionMs: number | undefined
}

function createFiles(
  config: ExportConfig,
  plans: readonly RowPlan[],
  { writeFile }: ReceiverDeps,
): Receiver {
  const settings = settingsOf(config)
  const fields = chosenFields(plans)
  const engineFormat = formats[settings.format]
  const files = createFileSet({
    folder: config.endpoint,
    name: config.name,
    extension: settings.format,
    timeOf: (ns) => rfc3339(BigInt(ns)),
    ...(engineFormat ? { convert } : {}),
  })
  const due = createDue(files, settings)
  let opened: Promise<void> | undefined
  let turn: Promise<unknown> = Promise.resolve()
  let timer: NodeJS.Timeout | undefined

  async function convert(table: string, from: string, to: string): Promise<void> {
    const columns = plainColumns(fields.get(table) ?? [])
    const sql = `SELECT ${columns} FROM ${fileSql({ file: from, format: 'Native' })} AS f`
    const target = { file: to, format: engineFormat ?? 'Parquet' }
    await writeFile(target, sql, {}, { timeoutSeconds: convertSecondsMax })
  }

  /** One after another: the timer and the batches change the same files. */
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const next = turn.then(async () => {
      opened ??= files.open().catch((error) => {
        opened = undefined
        throw error
      })
      await opened
      return work()
    })
    turn = next.catch(() => undefined)
    return next
  }

  async function send(batch: ExportBatch, position: Position): Promise<undefined> {
    await inTurn(async () => {
      const { name } = batch.table
      await due.finish(Date.now())
      const own = fields.get(name) ?? []
      const chunks = engineFormat ? [nativeOf(batch, own)] : textOf(batch, own)
      const rows = { table: name, chunks, rows: batch.count, ...timesOf(batch) }
      await files.add(rows, position, Date.now())
    })
    wait()
  }

  /** For the next file whose age ends. */
  function wait(atLeastMs = 0): void {
    clearTimeout(timer)
    const next = due.nextMs()
    if (next === undefined) return
    timer = setTimeout(finishDue, Math.max(next - Date.now(), atLeastMs))
    timer.unref()
  }

  function finishDue(): void {
    inTurn(() => due.finish(Date.now())).then(
      () => wait(),
      () => wait(againMs),
    )
  }

  async function position(): Promise<Position | undefined> {
    const known = await inTurn(async () => files.position())
    wait()
    return known
  }

  async function close(): Promise<void> {
    clearTimeout(timer)
    await turn
    clearTimeout(timer)
  }

  return { target: config.endpoint, position, send, close }
}

function settingsOf({ name, endpoint, options = {} }: ExportConfig): Settings {
  const wrong = (what: string) => exportError('export_wrong', { details: { name, what } })
  if (!isAbsolute(endpoint)) throw wrong('path: expected the absolute path of a folder')
  const format = options['format'] ?? 'ndjson'
  if (!Object.hasOwn(formats, format)) throw wrong('format: expected ndjson, parquet or arrow')
  const bytesMax = parseQuantity(options['rotate_size'] ?? '64MiB', 'bytes') ?? 0
  const ageMs = parseDurationMs(options['rotate_age'] ?? '1h')
  if (!ageMs || ageMs < 1000) throw wrong('rotate_age: expected a time span of a second or more')
  if (bytesMax < 1024 || bytesMax > 1024 * mib)
    throw wrong('rotate_size: expected a size from 1KiB to 1GiB')
  const { retention } = options
  const retentionMs = retention === undefined ? undefined : parseDurationMs(retention)
  return { format: format as Settings['format'], bytesMax, ageMs, retentionMs }
}

/** Which files are to end, and which are to go. */
function createDue(files: FileSet, { bytesMax, ageMs, retentionMs }: Settings) {
  const dueMs = ({ octets, openedMs }: OpenPart) => (octets >= bytesMax ? 0 : openedMs + ageMs)

  async function finish(nowMs: number): Promise<void> {
    const ended = files.parts().filter(([, part]) => dueMs(part) <= nowMs)
    for (const [table] of ended) await files.finish(table)
    if (ended.length === 0 || retentionMs === undefined) return
    await files.removeBefore(BigInt(nowMs - retentionMs) * 1_000_000n)
  }

  function nextMs(): number | undefined {
    const times = files.parts().map(([, part]) => dueMs(part))
    return times.length > 0 ? Math.min(...times) : undefined
  }

  return { finish, nextMs }
}

function* textOf(batch: ExportBatch, fields: readonly Field[]): Generator<Uint8Array> {
  for (const { octets } of jsonChunks(batch.parts, fields, { reuse: true })) yield octets
}

/** Blocks of these fields that the engine reads; the batch has no others. */
function nativeOf({ parts }: ExportBatch, fields: readonly Field[]): Uint8Array {
  const encoder = createBlockEncoder()
  const blocks = parts.map(({ batch, rows }) => {
    const chosen = { ...batch, table: { ...batch.table, fields } }
    return Buffer.from(encoder.encode(pickRows(chosen, rows)))
  })
  return Buffer.concat(blocks)
}

function timesOf({ parts }: ExportBatch): { firstNs: bigint; lastNs: bigint } {
  let firstNs = 2n ** 64n
  let lastNs = 0n
  for (const { batch, rows } of parts) {
    const { values } = batch.columns['time'] as Column
    for (const row of rows) {
      const high = BigInt(values[row * 2 + 1] as number) << 32n
      const ns = high + BigInt(values[row * 2] as number)
      if (ns < firstNs) firstNs = ns
      if (ns > lastNs) lastNs = ns
    }
  }
  return { firstNs, lastNs }
}
