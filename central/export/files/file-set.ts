// The files of one export in a folder, each row in one of them, whatever dies when.
//
//   NAME-flows-20261129T110235Z-000001.parquet   whole, and never changed again
//   _NAME.manifest.ndjson                        a line for each of them: only what it names is to be read
//   .NAME-flows-….parquet.part                   rows that will be the next file
//   .NAME.state.json                             how much of that counts, and where the export is
//
// Rows are written behind those that count, then the state says that they count and where the export is, in one
// rename. To end a file: make it, rename it, name it in the manifest, and only then take its rows out of the state.
// After a crash a file that the manifest does not name is made again.

import { link, mkdir, open, readdir, readFile, rename, rm, stat, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { keepText, syncPath } from '../keep-text.ts'
import type { Position } from '../receiver.ts'
import { sha256Of } from './sha256.ts'

/** Rows that are on their way into a file. */
export interface OpenPart {
  readonly file: string
  /** Octets of the rows that count. */
  readonly octets: number
  readonly rows: number
  /** Nanoseconds since 1970. */
  readonly firstNs: string
  readonly lastNs: string
  readonly openedMs: number
}

/** A line of the manifest. */
export interface WholeFile {
  readonly file: string
  readonly table: string
  readonly rows: number
  readonly octets: number
  readonly first_time: string
  readonly last_time: string
  readonly sha256: string
}

interface State {
  /** Files that were begun. */
  readonly count: number
  readonly position: Position | undefined
  readonly parts: Readonly<Record<string, OpenPart>>
}

/** Rows of one table. */
export interface NewRows {
  readonly table: string
  /** One behind the other; each is written before the next is asked for. */
  readonly chunks: Iterable<Uint8Array>
  readonly rows: number
  readonly firstNs: bigint
  readonly lastNs: bigint
}

export interface FileSetConfig {
  readonly folder: string
  readonly name: string
  readonly extension: string
  readonly timeOf: (ns: string) => string
  /** Makes the file of the rows that were added, whole and on the disk; undefined when they are the file. */
  readonly convert?: (table: string, from: string, to: string) => Promise<void>
}

export interface FileSet {
  /** Puts right what a crash left; only then the other methods may be called. */
  open(): Promise<void>
  position(): Position | undefined
  part(table: string): OpenPart | undefined
  parts(): readonly (readonly [table: string, part: OpenPart])[]
  /** When it resolves the rows count, and `position` is where the export is. */
  add(rows: NewRows, position: Position, nowMs: number): Promise<void>
  /** The rows that wait become a file of the manifest. */
  finish(table: string): Promise<void>
  /** Removes files whose last row is older. */
  removeBefore(ns: bigint): Promise<void>
}

export function createFileSet(config: FileSetConfig): FileSet {
  const { folder, name, extension, convert } = config
  const at = (file: string) => join(folder, file)
  const partOf = ({ file }: Pick<OpenPart, 'file'>) => at(`.${file}.part`)
  const manifestPath = at(`_${name}.manifest.ndjson`)
  const statePath = at(`.${name}.state.json`)
  let state: State = { count: 0, position: undefined, parts: {} }

  async function openFolder(): Promise<void> {
    await mkdir(folder, { recursive: true, mode: 0o755 })
    state = (await knownState(statePath)) ?? state
    const whole = new Set((await readManifest()).map(({ file }) => file))
    for (const [table, part] of Object.entries(state.parts)) {
      if (whole.has(part.file)) await forget(table)
      else for (const left of [part.file, `${part.file}.tmp`]) await rm(at(left), { force: true })
    }
    const waiting = new Set(Object.values(state.parts).map(({ file }) => `.${file}.part`))
    for (const file of await readdir(folder)) {
      const isOurs = file.startsWith(`.${name}-`) && file.endsWith('.part')
      if (isOurs && !waiting.has(file)) await rm(at(file), { force: true })
    }
  }

  /** A line that a crash broke off names nothing, and goes. */
  async function readManifest(): Promise<readonly WholeFile[]> {
    const text = await readFile(manifestPath, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return ''
      throw error
    })
    const end = text.lastIndexOf('\n') + 1
    if (end < text.length) await truncate(manifestPath, Buffer.byteLength(text.slice(0, end)))
    const lines = text.slice(0, end).split('\n').slice(0, -1)
    return lines.map((line) => JSON.parse(line) as WholeFile)
  }

  async function keepState(next: State): Promise<void> {
    await keepText(statePath, JSON.stringify(next))
    state = next
  }

  async function add(rows: NewRows, position: Position, nowMs: number): Promise<void> {
    const { table } = rows
    const known = state.parts[table]
    const part = known ?? fresh(rows, nowMs)
    const handle = await open(partOf(part), known ? 'r+' : 'w', 0o644)
    let { octets } = part
    try {
      for (const chunk of rows.chunks) {
        for (let from = 0; from < chunk.length; ) {
          const { bytesWritten } = await handle.write(chunk, from, chunk.length - from, octets)
          from += bytesWritten
          octets += bytesWritten
        }
      }
      await handle.sync()
    } finally {
      await handle.close()
    }
    const larger = {
      ...part,
      octets,
      rows: part.rows + rows.rows,
      firstNs: String(least(BigInt(part.firstNs), rows.firstNs)),
      lastNs: String(-least(-BigInt(part.lastNs), -rows.lastNs)),
    }
    const count = state.count + (known ? 0 : 1)
    await keepState({ count, position, parts: { ...state.parts, [table]: larger } })
  }

  function fresh({ table, firstNs, lastNs }: NewRows, nowMs: number): OpenPart {
    const stamp = new Date(nowMs).toISOString().replaceAll(/[-:]|\.\d+/g, '')
    const number = String(state.count + 1).padStart(6, '0')
    const file = `${name}-${table}-${stamp}-${number}.${extension}`
    const times = { firstNs: String(firstNs), lastNs: String(lastNs) }
    return { file, octets: 0, rows: 0, ...times, openedMs: nowMs }
  }

  async function finish(table: string): Promise<void> {
    const part = state.parts[table]
    if (!part) return
    const { file } = part
    await truncate(partOf(part), part.octets)
    await rm(at(`${file}.tmp`), { force: true })
    if (convert) await convert(table, partOf(part), at(`${file}.tmp`))
    else await link(partOf(part), at(`${file}.tmp`))
    await syncPath(at(`${file}.tmp`))
    const { size } = await stat(at(`${file}.tmp`))
    const line: WholeFile = {
      file,
      table,
      rows: part.rows,
      octets: size,
      first_time: config.timeOf(part.firstNs),
      last_time: config.timeOf(part.lastNs),
      sha256: await sha256Of(at(`${file}.tmp`)),
    }
    await rename(at(`${file}.tmp`), at(file))
    await syncPath(folder)
    await nameInManifest(line)
    await forget(table)
  }

  async function nameInManifest(line: WholeFile): Promise<void> {
    // Cuts what a full disk may have left of an earlier try.
    await readManifest()
    const handle = await open(manifestPath, 'a', 0o644)
    try {
      await handle.writeFile(`${JSON.stringify(line)}\n`)
      await handle.sync()
    } finally {
      await handle.close()
    }
  }

  /** The rows of the part are in a file of the manifest. */
  async function forget(table: string): Promise<void> {
    const { [table]: part, ...others } = state.parts
    await keepState({ ...state, parts: others })
    if (part) await rm(partOf(part), { force: true })
  }

  /** The manifest first: what it names is there. */
  async function removeBefore(ns: bigint): Promise<void> {
    const oldest = config.timeOf(String(ns))
    const all = await readManifest()
    const old = all.filter((file) => file.last_time < oldest)
    if (old.length === 0) return
    const kept = all.filter((file) => !old.includes(file))
    await keepText(manifestPath, kept.map((line) => `${JSON.stringify(line)}\n`).join(''), 0o644)
    for (const { file } of old) await rm(at(file), { force: true })
  }

  return {
    open: openFolder,
    position: () => state.position,
    part: (table) => state.parts[table],
    parts: () => Object.entries(state.parts),
    add,
    finish,
    removeBefore,
  }
}

async function knownState(path: string): Promise<State | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as State
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

function least(a: bigint, b: bigint): bigint {
  return a < b ? a : b
}
