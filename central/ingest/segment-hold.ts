// Durable segments that are tiny wait here before their insert, and are inserted as one: each insert costs the
// engine the same 16 ms of CPU, however few rows it brings. Nothing is at risk meanwhile, they are on disk and
// acknowledged; and whoever asks a question has them inserted first.
//
//   add ──► large, or the hold is off ──────────────────────────────► insert
//     └───► held until holdMs, holdRows, or a question ──► merged ──► insert

import { randomBytes } from 'node:crypto'
import { messageOf, type Reporter } from '../../common/mod.ts'
import type { Segment, SegmentFolder } from './segment-folder.ts'

export interface SegmentHoldConfig {
  /** A segment waits so long at most; 0 = not at all. */
  readonly holdMs: number
  /** Rows that wait at most, of all tables. */
  readonly holdRows: number
}

export interface SegmentHoldDeps {
  readonly folder: Pick<SegmentFolder, 'merge'>
  /** Where released segments go. */
  readonly insert: (segment: Segment) => void
}

export interface SegmentHold {
  add(segment: Segment): void
  /** Hands on everything; resolves with the segments that now stand for it. */
  release(): Promise<readonly Segment[]>
}

export function createSegmentHold(
  config: SegmentHoldConfig,
  deps: SegmentHoldDeps,
  reporter: Reporter,
): SegmentHold {
  let held: Segment[] = []
  let rows = 0
  let timer: NodeJS.Timeout | undefined
  /** Merging takes turns, so that segments of one table are inserted in their order. */
  let merging: Promise<unknown> = Promise.resolve()

  function add(segment: Segment): void {
    held.push(segment)
    rows += segment.rows
    if (config.holdMs === 0 || rows >= config.holdRows) void release()
    else timer ??= setTimeout(release, config.holdMs).unref()
  }

  function release(): Promise<readonly Segment[]> {
    clearTimeout(timer)
    timer = undefined
    const due = groupsOf(held)
    held = []
    rows = 0
    const released = merging.then(async () => {
      const whole = await Promise.all(due.map(asOne))
      const segments = whole.flat()
      for (const segment of segments) deps.insert(segment)
      return segments
    })
    merging = released
    return released
  }

  /** A disk that takes no merged file is no reason not to insert: then each goes for itself. */
  async function asOne(parts: readonly Segment[]): Promise<readonly Segment[]> {
    if (parts.length === 1) return parts
    try {
      return [await deps.folder.merge(mergedOf(parts), parts)]
    } catch (error) {
      reporter.limited.warn(
        'merge',
        { err: messageOf(error) },
        'merging segments before their insert',
      )
      return parts
    }
  }

  return { add, release }
}

/** Segments that may be one insert: of one table, schema and day. */
function groupsOf(segments: readonly Segment[]): readonly (readonly Segment[])[] {
  const groups = Map.groupBy(segments, ({ table, schema, place }) => `${table} ${schema} ${place}`)
  return [...groups.values()]
}

function mergedOf(parts: readonly Segment[]): Segment {
  const [first] = parts as readonly [Segment, ...Segment[]]
  const nodeRows: Record<string, number> = {}
  for (const part of parts) {
    for (const [node, count] of Object.entries(part.nodeRows)) {
      nodeRows[node] = (nodeRows[node] ?? 0) + count
    }
  }
  return {
    ...first,
    id: newSegmentId(),
    rows: sum(parts, ({ rows }) => rows),
    bytes: sum(parts, ({ bytes }) => bytes),
    frames: parts.flatMap(({ frames }) => frames),
    nodeRows,
    writtenMs: Date.now(),
    replaces: parts.map(({ id }) => id),
  }
}

function sum(parts: readonly Segment[], of: (part: Segment) => number): number {
  return parts.reduce((total, part) => total + of(part), 0)
}

/** Sorts by age. */
export function newSegmentId(nowMs = Date.now()): string {
  return `${String(nowMs).padStart(15, '0')}-${randomBytes(6).toString('hex')}`
}
