// The log that exports read. Every durable segment of measured rows is one entry, in the order in which central
// acknowledged them, so a row that an agent sends days late is not missed: no time of a row decides what is next.
//
//   N.native   a second name (hard link) of the segment's file: no octet is copied
//   N.json     what is in it. Its presence = the entry is there
//
// An entry goes when every export is past it, or when the journal is larger than it may be: then the exports
// that are not past it have lost its rows, and count them. The newest entry stays, because at a start it tells
// whether the last durable segment was entered before the crash.

import { randomUUID } from 'node:crypto'
import { copyFile, link, mkdir, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { keepFile, messageOf, type Reporter } from '../../common/mod.ts'
import { type BlockView, createBlocksReader, type Table, tableNamed } from '../../wire/mod.ts'
import { keepText, syncPath } from './keep-text.ts'

/** A segment as the journal is given it. */
export interface JournalSegment {
  readonly id: string
  readonly table: string
  readonly schema?: number
  readonly rows: number
  readonly bytes: number
  readonly nodeRows: Readonly<Record<string, number>>
  readonly writtenMs: number
  readonly replaces?: readonly string[]
}

export interface JournalEntry extends JournalSegment {
  /** 1, 2, 3 …; without holes. */
  readonly sequence: number
  /** Rows of all earlier entries, by table. */
  readonly before: Readonly<Record<string, number>>
}

export interface JournalListener {
  readonly onEntry: (entry: JournalEntry) => void
  /** The entry is gone, whoever still wants it. */
  readonly onEvicted: (entry: JournalEntry) => void
  /** The disk does not take an entry: its rows are in the store and in no export. */
  readonly onUnwritten: (segment: JournalSegment) => void
}

export interface Journal {
  /** Reads what is there; only then the other methods may be called. */
  open(): Promise<void>
  /** Enters durable segments that a crash kept from it: those newer than the newest entry. */
  adopt(segments: readonly JournalSegment[], pathOf: (id: string) => string): Promise<void>
  /** Enters a segment whose file is at `path`. Never throws. */
  append(segment: JournalSegment, path: string): Promise<void>
  listen(listener: JournalListener): void
  /** The first entry behind that number; undefined when there is none yet. */
  after(sequence: number): JournalEntry | undefined
  /** All entries behind that number. */
  allAfter(sequence: number): readonly JournalEntry[]
  /** The newest number; 0 for none. */
  last(): number
  /** Its blocks, in their order. Throws when it was evicted meanwhile. */
  read(entry: JournalEntry): Promise<readonly BlockView[]>
  /** Every export is past the number: what is not needed any more goes. */
  release(sequence: number): Promise<void>
  /** Another one after the data folder was made anew: positions of the old one mean nothing in it. */
  id(): string
  bytes(): number
}

export function createJournal(
  config: { readonly folder: string; readonly bytesMax: number },
  reporter: Reporter,
): Journal {
  const { folder, bytesMax } = config
  const native = (sequence: number) => join(folder, `${nameOf(sequence)}.native`)
  const sidecar = (sequence: number) => join(folder, `${nameOf(sequence)}.json`)
  const readers = new Map<string, ReturnType<typeof createBlocksReader>>()
  const listeners: JournalListener[] = []
  const entries: JournalEntry[] = []
  let id = ''
  let bytes = 0
  reporter.gauge('journal_bytes', 'Octets of rows that wait for an export', () => bytes)

  async function openFolder(): Promise<void> {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    const idFile = join(folder, 'id')
    id = keepFile(
      idFile,
      ({ length }) => length === 36,
      () => Buffer.from(randomUUID()),
    ).toString()
    const names = new Set(await readdir(folder))
    for (const name of [...names].toSorted()) {
      const [number = '', kind] = name.split('.')
      if (name.endsWith('.tmp') || (kind === 'native' && !names.has(`${number}.json`))) {
        await rm(join(folder, name), { force: true })
      } else if (kind === 'json') {
        const entry = JSON.parse(await readFile(join(folder, name), 'utf8')) as JournalEntry
        if (names.has(`${number}.native`)) entries.push(entry)
        else await rm(join(folder, name), { force: true })
      }
    }
    bytes = entries.reduce((sum, entry) => sum + entry.bytes, 0)
  }

  async function adopt(
    segments: readonly JournalSegment[],
    pathOf: (id: string) => string,
  ): Promise<void> {
    const newest = entries.at(-1)
    if (!newest) return
    const missed = segments.filter((one) => !one.replaces && one.id > newest.id)
    for (const segment of missed) await append(segment, pathOf(segment.id))
  }

  async function append(segment: JournalSegment, path: string): Promise<void> {
    if (!tableNamed(segment.table)?.measured) return
    const entry = nextEntry(segment)
    try {
      await linkOrCopy(path, native(entry.sequence))
      await keepText(sidecar(entry.sequence), JSON.stringify(entry))
    } catch (error) {
      await rm(native(entry.sequence), { force: true }).catch(() => undefined)
      reporter.limited.error('journal', { err: messageOf(error) }, 'entering rows for the exports')
      for (const { onUnwritten } of listeners) onUnwritten(segment)
      return
    }
    reporter.limited.over('journal', 'rows are entered for the exports again')
    entries.push(entry)
    bytes += entry.bytes
    for (const { onEntry } of listeners) onEntry(entry)
    while (bytes > bytesMax && entries.length > 1) await evict()
  }

  function nextEntry(segment: JournalSegment): JournalEntry {
    const newest = entries.at(-1)
    const before = { ...newest?.before }
    if (newest) before[newest.table] = (before[newest.table] ?? 0) + newest.rows
    const { id, table, schema = 1, rows, bytes, nodeRows, writtenMs } = segment
    const sequence = (newest?.sequence ?? 0) + 1
    return { sequence, id, table, schema, rows, bytes, nodeRows, writtenMs, before }
  }

  async function evict(): Promise<void> {
    const [oldest] = entries
    if (!oldest) return
    await drop(oldest)
    for (const { onEvicted } of listeners) onEvicted(oldest)
  }

  async function drop(entry: JournalEntry): Promise<void> {
    entries.splice(entries.indexOf(entry), 1)
    bytes -= entry.bytes
    await rm(sidecar(entry.sequence), { force: true })
    await rm(native(entry.sequence), { force: true })
  }

  async function read({ sequence, table, schema = 1 }: JournalEntry) {
    const octets = await readFile(native(sequence))
    const key = `${table} ${schema}`
    const reader = readers.get(key) ?? createBlocksReader(tableNamed(table) as Table, schema)
    readers.set(key, reader)
    return reader(octets)
  }

  async function release(sequence: number): Promise<void> {
    const due = entries.slice(0, -1).filter((entry) => entry.sequence <= sequence)
    for (const entry of due) if (entries.includes(entry)) await drop(entry)
  }

  return {
    open: openFolder,
    adopt,
    append,
    listen: (listener) => void listeners.push(listener),
    after: (sequence) => entries.find((entry) => entry.sequence > sequence),
    allAfter: (sequence) => entries.filter((entry) => entry.sequence > sequence),
    last: () => entries.at(-1)?.sequence ?? 0,
    read,
    release,
    id: () => id,
    bytes: () => bytes,
  }
}

/** Sorts as the numbers do. */
function nameOf(sequence: number): string {
  return String(sequence).padStart(15, '0')
}

async function linkOrCopy(from: string, to: string): Promise<void> {
  await rm(to, { force: true })
  try {
    await link(from, to)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'EPERM' && code !== 'EXDEV' && code !== 'EMLINK') throw error
    await copyFile(from, to)
    await syncPath(to)
  }
}
