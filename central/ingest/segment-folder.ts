// Segments on disk, and what survives what.
//
//   S.native   concatenated Native blocks, exactly what will be inserted under the token S
//   S.json     the sidecar: which frames are in it. Its presence = S is durable, its frames are acknowledged
//
// S.native is complete before S.json appears, and deleted only after the insert; so at a start:
//   both            acknowledged, perhaps inserted: insert again, the token drops what is there
//   S.json alone    inserted; kept for two hours to recognise frames that are sent again
//   S.native alone  never acknowledged, never inserted: deleted, the agent sends its frames again
//
// Tiny segments are merged into one before they are inserted (segment-hold.ts): G.json names those that G replaces,
// their files go when it is durable, the sidecar first. If a start finds G and what it replaces:
//   part with both files   G stands for it: the part is deleted
//   part with S.json alone the merge was given up and the part inserted by itself: G is deleted
//
// A segment that the engine refuses is tried in ranges of rows (segment-split.ts): S.json says which are left.

import { mkdir, open, readdir, readFile, rename, rm, statfs, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { FrameId } from './frame-intake.ts'

/** Rows `from` to `to`, which is not among them, counted through all blocks of a segment. */
export interface RowRange {
  readonly from: number
  readonly to: number
}

export interface Segment {
  /** Also the deduplication token and the name of the files; sorts by age. */
  readonly id: string
  /** Name of the table, and number of the schema that its blocks have; 1 where an older version left it out. */
  readonly table: string
  readonly schema?: number
  /** Table and days of its rows; only segments of one place can be merged. */
  readonly place?: string
  readonly rows: number
  readonly bytes: number
  readonly frames: readonly FrameId[]
  /** Flow rows per node, for the ledger. */
  readonly nodeRows: Readonly<Record<string, number>>
  /** Milliseconds since 1970. */
  readonly writtenMs: number
  /** Ids of the segments whose rows are in this one. */
  readonly replaces?: readonly string[]
  /** Once the engine has refused the whole: what is still to be inserted, each range under a token of its own. */
  readonly ranges?: readonly RowRange[]
  /** What of it was set aside; `nodeRows` as above. */
  readonly refused?: {
    readonly rows: number
    readonly nodeRows: Readonly<Record<string, number>>
  }
}

export interface SegmentFolder {
  /** Makes the folders, clears what a crash left, and gives the segments to insert and those only remembered. */
  open(): Promise<{ readonly pending: readonly Segment[]; readonly done: readonly Segment[] }>
  /** Resolves when the segment would survive a power loss. */
  write(segment: Segment, blocks: readonly Uint8Array[]): Promise<void>
  /** Writes the rows of `parts`, none of which was ever inserted, as one segment and deletes the parts. */
  merge(whole: Segment, parts: readonly Segment[]): Promise<Segment>
  /** After the insert: the rows go, the sidecar stays. */
  discard(segment: Segment): Promise<void>
  /** Sets a segment aside that the engine will never take. */
  quarantine(segment: Segment): Promise<void>
  /** Sets rows of a segment aside, as a segment of their own. */
  setAside(part: Segment, blocks: readonly Uint8Array[]): Promise<void>
  /** Renews the sidecar; durable. */
  mark(segment: Segment): Promise<void>
  /** A file with some rows of the segment, for one insert; not durable. */
  writePart(id: string, blocks: readonly Uint8Array[]): Promise<string>
  removePart(id: string): Promise<void>
  /** Deletes the sidecar: its frames are too old to be sent again. */
  forget(segment: Segment): Promise<void>
  path(id: string): string
  /** Octets that may still be written. */
  freeBytes(): Promise<number>
}

export function createSegmentFolder(dataDir: string): SegmentFolder {
  const folder = join(dataDir, 'segments')
  const aside = join(dataDir, 'quarantine')
  const native = (id: string) => join(folder, `${id}.native`)
  const sidecar = (id: string) => join(folder, `${id}.json`)

  async function openFolder() {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    await mkdir(aside, { recursive: true, mode: 0o700 })
    const names = new Set(await readdir(folder))
    const pending = new Map<string, Segment>()
    const done = new Map<string, Segment>()
    for (const name of [...names].toSorted()) {
      const id = name.replace(/\.(native|json)$/, '')
      const isLeftover = name.endsWith('.tmp') || !names.has(`${id}.json`)
      if (isLeftover) await rm(join(folder, name))
      else if (name.endsWith('.json')) {
        const segment = JSON.parse(await readFile(sidecar(id), 'utf8')) as Segment
        const list = names.has(`${id}.native`) ? pending : done
        list.set(id, segment)
      }
    }
    for (const whole of [...pending.values()]) await settleMerge(whole)
    return { pending: [...pending.values()], done: [...done.values()] }

    async function settleMerge(whole: Segment): Promise<void> {
      const parts = whole.replaces ?? []
      const given = parts.some((part) => done.has(part)) ? [whole.id] : parts
      for (const id of given) if (pending.delete(id)) await remove(id)
    }
  }

  /** The sidecar first: what is left then was never there. */
  async function remove(id: string): Promise<void> {
    await rm(sidecar(id), { force: true })
    await rm(native(id), { force: true })
  }

  /** Once the whole is durable nothing is an error any more: the next start clears what could not be deleted. */
  async function merge(whole: Segment, parts: readonly Segment[]): Promise<Segment> {
    const blocks: Buffer[] = []
    for (const { id } of parts) blocks.push(await readFile(native(id)))
    try {
      await write(whole, blocks)
    } catch (error) {
      await remove(whole.id).catch(() => undefined)
      throw error
    }
    for (const { id } of parts) await remove(id).catch(() => undefined)
    return whole
  }

  async function write(segment: Segment, blocks: readonly Uint8Array[]): Promise<void> {
    await writeDurably(native(segment.id), blocks)
    await mark(segment)
  }

  async function mark(segment: Segment): Promise<void> {
    await writeDurably(sidecar(segment.id), [sidecarOf(segment)])
    const handle = await open(folder)
    await handle.sync().finally(() => handle.close())
  }

  async function quarantine(segment: Segment): Promise<void> {
    const { id } = segment
    await rename(native(id), join(aside, `${id}.native`))
    await rename(sidecar(id), join(aside, `${id}.json`))
  }

  async function setAside(part: Segment, blocks: readonly Uint8Array[]): Promise<void> {
    await writeDurably(join(aside, `${part.id}.native`), blocks)
    await writeDurably(join(aside, `${part.id}.json`), [sidecarOf(part)])
  }

  /** A start deletes it. */
  const part = (id: string) => join(folder, `${id}.part.tmp`)

  async function writePart(id: string, blocks: readonly Uint8Array[]): Promise<string> {
    await writeFile(part(id), blocks, { mode: 0o600 })
    return part(id)
  }

  async function freeBytes(): Promise<number> {
    const { bavail, bsize } = await statfs(folder)
    return bavail * bsize
  }

  return {
    open: openFolder,
    write,
    merge,
    discard: (segment) => rm(native(segment.id), { force: true }),
    quarantine,
    setAside,
    mark,
    writePart,
    removePart: (id) => rm(part(id), { force: true }),
    forget: (segment) => rm(sidecar(segment.id), { force: true }),
    path: native,
    freeBytes,
  }
}

function sidecarOf(segment: Segment): Uint8Array {
  return Buffer.from(JSON.stringify(segment))
}

/** Under a temporary name until it is complete on disk; what a failure leaves is removed. */
async function writeDurably(path: string, parts: readonly Uint8Array[]): Promise<void> {
  const temporary = `${path}.tmp`
  try {
    const handle = await open(temporary, 'w', 0o600)
    try {
      for (const part of parts) await writeWhole(handle, part)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
}

async function writeWhole(
  handle: Awaited<ReturnType<typeof open>>,
  octets: Uint8Array,
): Promise<void> {
  let at = 0
  while (at < octets.length) at += (await handle.write(octets, at)).bytesWritten
}
