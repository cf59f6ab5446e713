// Merges checked frames into segments, makes them durable, acknowledges, and hands them to the insert.
// A segment is closed after a second, at 200,000 rows or 32 MiB; one table and one UTC day each.

import { setTimeout as delay } from 'node:timers/promises'
import { type Component, messageOf, type Reporter } from '../../common/mod.ts'
import { type Store, segmentRowsMax } from '../../store/mod.ts'
import type { BlockView } from '../../wire/mod.ts'
import type { Journal } from '../export/journal.ts'
import type { FrameId, Intake } from './frame-intake.ts'
import { createFrameMemory } from './frame-memory.ts'
import type { Resolve, ResolvePart } from './resolve/resolve.ts'
import type { Segment, SegmentFolder } from './segment-folder.ts'
import { createSegmentHold, newSegmentId, type SegmentHoldConfig } from './segment-hold.ts'
import { createSegmentInsert } from './segment-insert.ts'
import type { StageLedger } from './stage-ledger.ts'

export interface SegmentsConfig extends SegmentHoldConfig {
  readonly closeAfterMs: number
  readonly closeRows: number
  readonly closeBytes: number
  /** Octets in memory and on disk that are not in the store yet; beyond, `isFull`. */
  readonly pendingBytesMax: number
  /** How long frames are remembered after their insert. */
  readonly rememberMs: number
}

export const segmentsDefaults: SegmentsConfig = {
  closeAfterMs: 1_000,
  closeRows: 200_000,
  closeBytes: 32 * 1024 ** 2,
  pendingBytesMax: 512 * 1024 ** 2,
  rememberMs: 2 * 3_600_000,
  holdMs: 30_000,
  holdRows: 2_000,
}

export interface SegmentsDeps {
  readonly store: Pick<Store, 'insertSegment'>
  readonly folder: SegmentFolder
  readonly ledger: StageLedger
  readonly resolve: Resolve
  /** Of the exports; undefined when there are none. */
  readonly journal?: Pick<Journal, 'adopt' | 'append'> | undefined
  /** Something that was full has room again. */
  readonly onRoom: () => void
}

export interface Segments extends Component {
  /**
   * Takes rows; `onDurable` is called when they would survive a power loss (at once for a frame that was
   * stored before: `duplicate`).
   */
  append(intake: Intake, onDurable: () => void): 'taken' | 'duplicate'
  /**
   * Hears of every segment once it would survive a power loss, before it is in the store: for live readers and
   * exports. A listener must not throw and must not keep the agents waiting. Returns what ends it.
   */
  tee(listener: TeeListener): () => void
  /** No more should be read from the agents now. */
  isFull(): boolean
  /** What keeps rows from disk or store, in words; undefined when all is well. */
  trouble(): { readonly place: 'disk' | 'store'; readonly message: string } | undefined
  /** Before a question: what is durable and waits for its insert is inserted, as far as that takes no time. */
  fresh(): Promise<void>
  /** Resolves when all that is durable is in the store, or after a few seconds. */
  inserted(): Promise<void>
  /** Resolves when all that was appended is in the store. */
  settled(): Promise<void>
}

/** Rows that are durable: checked blocks of the table's schema of today. */
export interface DurableRows {
  readonly table: Intake['table']
  readonly rows: number
  readonly blocks: readonly BlockView[]
}

export type TeeListener = (rows: DurableRows) => void

interface OpenSegment {
  readonly place: string
  readonly table: Intake['table']
  readonly parts: ResolvePart[]
  readonly frames: FrameId[]
  readonly onDurable: (() => void)[]
  readonly nodeRows: Record<string, number>
  readonly timer: NodeJS.Timeout
  rows: number
  bytes: number
}

const retryMs = 250
const stopWaitMs = 2_000
/** A question waits no longer for rows of the last seconds. */
const freshWaitMs = 250
/** A store that is away does not stop rows from getting to disk. */
const insertedWaitMs = 5_000

export function createSegments(
  config: SegmentsConfig,
  deps: SegmentsDeps,
  reporter: Reporter,
): Segments {
  const open = new Map<string, OpenSegment>()
  /** Frames in memory, not durable yet: a second copy waits for the first. */
  const onTheWay = new Map<string, OpenSegment>()
  const remembered: Segment[] = []
  const listeners = new Set<TeeListener>()
  const memory = createFrameMemory()
  const insert = createSegmentInsert({ ...deps, onEnd }, reporter)
  const hold = createSegmentHold(config, { folder: deps.folder, insert: insert.add }, reporter)
  const quarantined = reporter.counter('rows_quarantined', 'Rows that the store refused')
  let pendingBytes = 0
  let writing: Promise<void> = Promise.resolve()
  let diskTrouble: string | undefined
  let stopping = false
  let forgetTimer: NodeJS.Timeout | undefined
  reporter.gauge(
    'pending_bytes',
    'Octets of rows that are not in the store yet',
    () => pendingBytes,
  )

  async function start(): Promise<void> {
    const found = await deps.folder.open()
    await deps.journal?.adopt(found.pending, (id) => deps.folder.path(id))
    for (const segment of [...found.done, ...found.pending]) memory.add(segment.frames)
    remembered.push(...found.done)
    for (const segment of found.pending) {
      pendingBytes += segment.bytes
      const ledger = deps.ledger.of(segment.table)
      countNodes(segment.nodeRows, (node, rows) => ledger.wait(node, 'store', rows))
      insert.add(segment)
    }
    forgetTimer = setInterval(forgetOld, Math.min(60_000, config.rememberMs))
    forgetTimer.unref()
  }

  function append(intake: Intake, onDurable: () => void): 'taken' | 'duplicate' {
    const { frame } = intake
    if (frame && memory.has(frame)) {
      onDurable()
      return 'duplicate'
    }
    const first = frame && onTheWay.get(keyOf(frame))
    if (first) {
      first.onDurable.push(onDurable)
      return 'duplicate'
    }
    const segment = openFor(intake)
    segment.parts.push({ node: intake.node, view: intake.view })
    segment.onDurable.push(onDurable)
    segment.rows += intake.rows
    segment.bytes += intake.view.octets.length
    pendingBytes += intake.view.octets.length
    if (frame) {
      segment.frames.push(frame)
      onTheWay.set(keyOf(frame), segment)
    }
    if (intake.table.measured) {
      segment.nodeRows[intake.node] = (segment.nodeRows[intake.node] ?? 0) + intake.rows
      const ledger = deps.ledger.of(intake.table.name)
      ledger.count(intake.node, 'segment', 'entered', intake.rows)
      ledger.wait(intake.node, 'segment', intake.rows)
    }
    const isLarge = segment.rows >= config.closeRows || segment.bytes >= config.closeBytes
    if (isLarge) close(placeOf(intake))
    return 'taken'
  }

  function openFor(intake: Intake): OpenSegment {
    const place = placeOf(intake)
    const current = open.get(place)
    if (current && current.rows + intake.rows <= segmentRowsMax) return current
    if (current) close(place)
    const fresh: OpenSegment = {
      place,
      table: intake.table,
      parts: [],
      frames: [],
      onDurable: [],
      nodeRows: {},
      timer: setTimeout(() => close(place), config.closeAfterMs),
      rows: 0,
      bytes: 0,
    }
    open.set(place, fresh)
    return fresh
  }

  function close(place: string): void {
    const segment = open.get(place)
    if (!segment) return
    open.delete(place)
    clearTimeout(segment.timer)
    writing = writing.then(() => makeDurable(segment))
  }

  /** Tries until it is on disk: nothing is acknowledged before, and meanwhile nothing more is read. */
  async function makeDurable(from: OpenSegment): Promise<void> {
    const { place, table, rows, frames, nodeRows } = from
    const blocks = await resolved(from)
    const octets = blocks.map((block) => block.octets)
    const bytes = octets.reduce((sum, block) => sum + block.length, 0)
    pendingBytes += bytes - from.bytes
    const writtenMs = Date.now()
    const id = newSegmentId(writtenMs)
    const { name, schema } = table
    const what = { table: name, schema, place, rows, bytes, frames, nodeRows }
    const segment: Segment = { id, ...what, writtenMs }
    while (!(await written(segment, octets))) {
      if (stopping) return
      await delay(retryMs)
    }
    await deps.journal?.append(segment, deps.folder.path(id))
    memory.add(frames)
    for (const frame of frames) onTheWay.delete(keyOf(frame))
    const ledger = deps.ledger.of(name)
    countNodes(nodeRows, (node, count) => {
      ledger.count(node, 'segment', 'left', count)
      ledger.wait(node, 'segment', -count)
      ledger.count(node, 'store', 'entered', count)
      ledger.wait(node, 'store', count)
    })
    for (const tell of from.onDurable) tell()
    for (const hear of listeners) hear({ table, rows, blocks })
    hold.add(segment)
  }

  async function resolved({ parts }: OpenSegment): Promise<readonly BlockView[]> {
    const { blocks, completed, late } = await deps.resolve.parts(parts)
    for (const [node, rows] of completed) {
      deps.ledger.count(node, 'resolve', 'entered', rows)
      deps.ledger.count(node, 'resolve', 'left', rows)
    }
    for (const [node, rows] of late) {
      deps.ledger.count(node, 'resolve', 'entered', rows)
      deps.ledger.leaveOut(node, 'resolve', rows, 'late_peer')
    }
    return blocks
  }

  async function written(segment: Segment, blocks: readonly Uint8Array[]): Promise<boolean> {
    try {
      await deps.folder.write(segment, blocks)
      if (diskTrouble !== undefined) {
        diskTrouble = undefined
        reporter.limited.over('write', 'segments are written again')
        deps.onRoom()
      }
      return true
    } catch (error) {
      diskTrouble = `writing a segment: ${messageOf(error)}`
      reporter.limited.error(
        'write',
        { err: messageOf(error) },
        'writing a segment; agents keep their rows',
      )
      return false
    }
  }

  function onEnd(segment: Segment): void {
    const wasFull = isFull()
    pendingBytes -= segment.bytes
    remembered.push(segment)
    const { table, nodeRows, refused = { rows: 0, nodeRows: {} } } = segment
    quarantined.add(refused.rows)
    const ledger = deps.ledger.of(table)
    countNodes(nodeRows, (node, rows) => {
      const lost = refused.nodeRows[node] ?? 0
      ledger.wait(node, 'store', -rows)
      ledger.count(node, 'store', 'left', rows - lost)
      if (lost > 0) ledger.lose(node, 'store', lost, 'quarantine')
    })
    if (wasFull && !isFull()) deps.onRoom()
  }

  function forgetOld(): void {
    const oldest = Date.now() - config.rememberMs
    while (remembered[0] && remembered[0].writtenMs < oldest) {
      const segment = remembered.shift() as Segment
      memory.forget(segment.frames)
      deps.folder.forget(segment).catch((error) => {
        const fields = { segment: segment.id, err: messageOf(error) }
        reporter.limited.error('forget', fields, 'removing what was known of a segment')
      })
    }
  }

  function isFull(): boolean {
    return diskTrouble !== undefined || pendingBytes > config.pendingBytesMax
  }

  function trouble(): ReturnType<Segments['trouble']> {
    if (diskTrouble !== undefined) return { place: 'disk', message: diskTrouble }
    const error = insert.trouble()
    if (!error) return undefined
    const place = error.code === 'disk_full' ? 'disk' : 'store'
    return { place, message: error.message }
  }

  let freshening: Promise<void> | undefined
  function fresh(): Promise<void> {
    freshening ??= insertHeld().finally(() => {
      freshening = undefined
    })
    return freshening
  }

  async function insertHeld(): Promise<void> {
    const released = await hold.release()
    if (released.length === 0 || insert.trouble()) return
    await Promise.race([insert.idle(), delay(freshWaitMs, undefined, { ref: false })])
  }

  async function inserted(): Promise<void> {
    await hold.release()
    await Promise.race([insert.idle(), delay(insertedWaitMs, undefined, { ref: false })])
  }

  async function settled(): Promise<void> {
    for (const place of [...open.keys()]) close(place)
    await writing
    await hold.release()
    await insert.idle()
  }

  /** Makes durable what is here; the insert may go on at the next start. */
  async function stop(): Promise<void> {
    clearInterval(forgetTimer)
    for (const place of [...open.keys()]) close(place)
    stopping = true
    await writing
    await hold.release()
    if (!insert.trouble()) {
      await Promise.race([insert.idle(), delay(stopWaitMs, undefined, { ref: false })])
    }
    await insert.stop()
  }

  function tee(listener: TeeListener): () => void {
    listeners.add(listener)
    return () => listeners.delete(listener)
  }

  return { name: 'segments', start, stop, append, tee, isFull, trouble, fresh, inserted, settled }
}

/** Segments are of one day, so that an insert is one part; a frame over midnight gets one of its own. */
function placeOf(intake: Intake): string {
  const day = 86_400_000_000_000n
  return `${intake.table.name} ${intake.timeMin / day} ${intake.timeMax / day}`
}

function keyOf(frame: FrameId): string {
  return `${frame.agent}/${frame.boot ?? ''}/${frame.sequence}`
}

function countNodes(
  nodeRows: Readonly<Record<string, number>>,
  each: (node: string, rows: number) => void,
): void {
  for (const [node, rows] of Object.entries(nodeRows)) each(node, rows)
}
