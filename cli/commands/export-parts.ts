// `weir export --format parquet|arrow`: such a file is whole only when its end is written, so a folder takes files that
// are each a part of the rows. A part that broke off is fetched again; the parts before it stay.
//
//   FILE.part/_manifest.json   the question, the files that are whole, the cursor of the next one
//   FILE.part/flows-000001.parquet …
//   FILE/                      the same folder, when everything is there
//
// Readers of folders (pyarrow, Spark, DuckDB) leave out names that begin with an underscore.

import { createHash } from 'node:crypto'
import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Coverage, RowsAnswer } from '../../api/contract/mod.ts'
import { AppError, messageOf } from '../../common/mod.ts'
import type { Table } from '../../wire/mod.ts'
import { cliError, Interrupted } from '../errors.ts'
import { grouped } from '../render/number.ts'
import type { Download, Question, Server } from '../source/server.ts'
import { note, type Terminal } from './command.ts'

/** What is to be exported. */
export interface ExportJob {
  readonly table: Table
  /** Where it is when it is complete. */
  readonly file: string
  readonly format: string
  /** Of the question and the format: another one begins anew. */
  readonly what: string
  readonly question: Question
}

export interface Exported {
  readonly rows: number
  readonly coverage: Coverage
}

interface PartFile {
  readonly file: string
  readonly rows: number
  readonly octets: number
  readonly first_time: string | null
  readonly last_time: string | null
  readonly sha256: string
}

interface Manifest {
  readonly table: string
  readonly format: string
  readonly what: string
  readonly question: Question
  readonly complete: boolean
  readonly rows: number
  /** Cursor of the next part; null when there is none, or none yet. */
  readonly next: string | null
  readonly files: readonly PartFile[]
}

const manifestName = '_manifest.json'

/** Fetches the parts that are missing. Throws AppError file_unwritable and those of the server. */
export async function exportParts(
  job: ExportJob,
  server: Server,
  terminal: Terminal,
): Promise<Exported> {
  const folder = `${job.file}.part`
  let manifest = await writing(job, () => openedFolder(job, folder))
  if (manifest.rows > 0) note(terminal, `going on after ${grouped(manifest.rows)} rows`)
  try {
    while (!manifest.complete) {
      manifest = await withNextPart(job, manifest, folder, server)
      await writing(job, () => writeManifest(folder, manifest))
      if (terminal.progress) terminal.err.write(`\r\x1b[2K${progressOf(manifest)}`)
    }
  } finally {
    if (terminal.progress) terminal.err.write('\r\x1b[2K')
  }
  const one: Question = [...manifest.question, ['limit', '1']]
  const { coverage } = await server.ask<RowsAnswer>(`/api/${job.table.name}`, one)
  await writing(job, () => rename(folder, job.file))
  return { rows: manifest.rows, coverage }
}

/** The folder with the files of its manifest alone; a folder of another question is emptied. */
async function openedFolder(job: ExportJob, folder: string): Promise<Manifest> {
  const isThere = await stat(job.file).then(
    () => true,
    () => false,
  )
  if (isThere) throw new Error(`EEXIST: ${job.file} exists already`)
  const { table, format, what, question } = job
  const head = { table: table.name, format, what, question }
  const fresh: Manifest = { ...head, complete: false, rows: 0, next: null, files: [] }
  await mkdir(folder, { recursive: true })
  const known = await knownManifest(folder)
  const manifest = known?.what === what ? known : fresh
  const wanted = new Set([...manifest.files.map(({ file }) => file), manifestName])
  for (const name of await readdir(folder)) {
    if (!wanted.has(name)) await rm(join(folder, name), { recursive: true })
  }
  if (manifest === fresh) await writeManifest(folder, fresh)
  return manifest
}

async function knownManifest(folder: string): Promise<Manifest | undefined> {
  try {
    return JSON.parse(await readFile(join(folder, manifestName), 'utf8')) as Manifest
  } catch {
    return undefined
  }
}

async function withNextPart(
  job: ExportJob,
  manifest: Manifest,
  folder: string,
  server: Server,
): Promise<Manifest> {
  const page: Question = manifest.next === null ? [] : [['cursor', manifest.next]]
  const question: Question = [...manifest.question, ['format', job.format], ...page]
  const answer = await server.download(`/api/export/${job.table.name}`, question)
  const number = String(manifest.files.length + 1).padStart(6, '0')
  const file = `${job.table.name}-${number}.${job.format}`
  const { octets, sha256 } = await writing(job, () => writePart(join(folder, file), answer.octets))
  const rows = Number(answer.headers.get('weir-rows'))
  const next = answer.headers.get('weir-next')
  const part: PartFile = {
    file,
    rows,
    octets,
    first_time: timeOf(answer, 'weir-first'),
    last_time: timeOf(answer, 'weir-last'),
    sha256,
  }
  // A range without rows is one file without rows: it has the columns.
  const files = [...manifest.files, part]
  return { ...manifest, files, rows: manifest.rows + rows, next, complete: next === null }
}

/** `2026-11-21 06:28:56.986235005` → RFC 3339. */
function timeOf({ headers }: Download, name: string): string | null {
  const text = headers.get(name)
  return text === null ? null : `${text.replace(' ', 'T')}Z`
}

/** The whole answer as a file on the disk; what broke off has another name. */
async function writePart(path: string, chunks: AsyncIterable<Uint8Array>) {
  const temporary = `${path}.tmp`
  const handle = await open(temporary, 'w')
  const sum = createHash('sha256')
  let octets = 0
  try {
    for await (const chunk of chunks) {
      sum.update(chunk)
      await handle.writeFile(chunk)
      octets += chunk.length
    }
    await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(temporary, path)
  return { octets, sha256: sum.digest('hex') }
}

async function writeManifest(folder: string, manifest: Manifest): Promise<void> {
  const path = join(folder, manifestName)
  const handle = await open(`${path}.tmp`, 'w')
  try {
    await handle.writeFile(`${JSON.stringify(manifest, null, 1)}\n`)
    await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(`${path}.tmp`, path)
}

/** Rows so far, and how far their last time is into the range. */
function progressOf({ rows, files, question }: Manifest): string {
  const moment = (name: string) => Date.parse(question.find(([key]) => key === name)?.[1] ?? '')
  const [from, to] = [moment('from'), moment('to')]
  const last = Date.parse(files.at(-1)?.last_time ?? '')
  const share = Math.floor((100 * (last - from)) / (to - from))
  const far = Number.isFinite(share) ? `, ${Math.min(Math.max(share, 0), 100)} %` : ''
  return `${grouped(rows)} rows in ${grouped(files.length)} files${far}`
}

async function writing<T>(job: ExportJob, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    if (cause instanceof AppError || cause instanceof Interrupted) throw cause
    const details = { file: job.file, reason: messageOf(cause) }
    throw cliError('file_unwritable', { details, cause })
  }
}
