// A segment that the engine refuses, in ranges of rows. A range that is refused is halved, until the rows that the
// engine will never take are alone: these are set aside, all others are inserted.
//
// Each range has a token of its own, and which ranges are left is in the sidecar before one of them is tried: whatever
// a crash leaves, no row is inserted twice and none is forgotten.

import { readFile } from 'node:fs/promises'
import { AppError } from '../../common/mod.ts'
import type { Store } from '../../store/mod.ts'
import type { RowRange, Segment, SegmentFolder } from './segment-folder.ts'
import { readSegmentRows, type SegmentRows } from './segment-rows.ts'

export interface SplitDeps {
  readonly store: Pick<Store, 'insertSegment'>
  readonly folder: SegmentFolder
}

export interface SegmentSplit {
  /** The segment with what is left of it. */
  segment(): Segment
  /** Tries a range; false if none is left. Throws what the store throws, except that it refuses rows. */
  next(): Promise<boolean>
  /** Sets aside what is left. */
  giveUp(): Promise<void>
}

/** If so many ranges were refused before one was taken, it is not some rows that are wrong: all are set aside. */
const refusedFirstMax = 31
/** Ranges that are tried in all; a refusal costs some 20 ms. */
const triesMax = 256

/** Of a segment that was refused as a whole, or that was being split when the process ended. */
export async function openSplit(segment: Segment, deps: SplitDeps): Promise<SegmentSplit> {
  const { folder, store } = deps
  const rows = await rowsOf(segment, folder)
  let current = segment
  let tries = 0
  let taken = 0
  if (!rows) await setAsideWhole()
  else if (!segment.ranges) await keep(halves({ from: 0, to: rows.rows }))

  /** Durable before the next step. */
  async function keep(ranges: readonly RowRange[], more = noRows): Promise<void> {
    const refused = added(current.refused ?? noRows, more)
    const marked = { ...current, ranges, refused }
    await folder.mark(marked)
    current = marked
  }

  async function setAsideWhole(): Promise<void> {
    await folder.quarantine(segment)
    const { rows, nodeRows } = segment
    current = { ...segment, ranges: [], refused: { rows, nodeRows } }
  }

  async function next(): Promise<boolean> {
    const [range, ...rest] = current.ranges ?? []
    if (!range || !rows) return false
    const isHopeless = tries >= triesMax || (taken === 0 && tries >= refusedFirstMax)
    tries++
    if (!isHopeless && (await isTaken(range, rows))) {
      taken++
      await keep(rest)
    } else if (isHopeless || range.to - range.from === 1) {
      await setAside(range, rows, rest)
    } else {
      await keep([...rest, ...halves(range)])
    }
    return true
  }

  async function isTaken(range: RowRange, from: SegmentRows): Promise<boolean> {
    const { id, table } = current
    const file = await folder.writePart(id, from.blocks(range))
    try {
      await store.insertSegment(file, table, nameOf(id, range))
      return true
    } catch (error) {
      if (error instanceof AppError && error.code === 'insert_refused') return false
      throw error
    } finally {
      await folder.removePart(id)
    }
  }

  async function setAside(
    range: RowRange,
    from: SegmentRows,
    rest: readonly RowRange[],
  ): Promise<void> {
    const blocks = from.blocks(range)
    const refused = { rows: range.to - range.from, nodeRows: from.nodeRows(range) }
    const { id, table, writtenMs } = current
    const bytes = blocks.reduce((sum, { length }) => sum + length, 0)
    const part = { id: nameOf(id, range), table, writtenMs, bytes, frames: [], ...refused }
    await folder.setAside(part, blocks)
    await keep(rest, refused)
  }

  async function giveUp(): Promise<void> {
    tries = triesMax
    while (await next());
  }

  return { segment: () => current, next, giveUp }
}

type Refused = NonNullable<Segment['refused']>
const noRows: Refused = { rows: 0, nodeRows: {} }

/** Undefined when the file is not what was written: a disk that forgets. */
async function rowsOf(segment: Segment, folder: SegmentFolder): Promise<SegmentRows | undefined> {
  const octets = await readFile(folder.path(segment.id))
  try {
    return readSegmentRows(segment, octets)
  } catch {
    return undefined
  }
}

function halves({ from, to }: RowRange): readonly RowRange[] {
  const middle = from + Math.ceil((to - from) / 2)
  return middle === to
    ? [{ from, to }]
    : [
        { from, to: middle },
        { from: middle, to },
      ]
}

/** Token of a range, and name of its files when it is set aside. */
function nameOf(id: string, { from, to }: RowRange): string {
  return `${id}-${from}-${to}`
}

function added(to: Refused, more: Refused): Refused {
  const nodeRows = { ...to.nodeRows }
  for (const [node, rows] of Object.entries(more.nodeRows)) {
    nodeRows[node] = (nodeRows[node] ?? 0) + rows
  }
  return { rows: to.rows + more.rows, nodeRows }
}
