// Brings durable segments into the store, one after the other, oldest first; whatever the store says,
// a segment ends inserted or its rows in quarantine, never nowhere. One that cannot be inserted now is tried again
// later, and those behind it do not wait for that.

import { setTimeout as delay } from 'node:timers/promises'
import { AppError, messageOf, type Reporter } from '../../common/mod.ts'
import type { Segment } from './segment-folder.ts'
import { openSplit, type SegmentSplit, type SplitDeps } from './segment-split.ts'

export interface SegmentInsert {
  /** Queues a segment that is on disk; the bound is the budget of the caller. */
  add(segment: Segment): void
  /** Ends after the insert that runs now; what is left is found again at the next start. */
  stop(): Promise<void>
  /** Resolves when the queue is empty, or stays as it is because of `stop`. */
  idle(): Promise<void>
  /** Why the oldest segment that has to wait does; undefined when none has to. */
  trouble(): Trouble | undefined
}

export interface Trouble {
  /** `disk_full`, `store_away` or `insert_later`. */
  readonly code: string
  readonly message: string
}

export interface SegmentInsertDeps extends SplitDeps {
  /** Called once per segment, when it left the queue; its `refused` says what of it was set aside. */
  readonly onEnd: (segment: Segment) => void
}

interface Waiting {
  segment: Segment
  /** Once the engine has refused the whole. */
  split: SegmentSplit | undefined
  trouble: Trouble | undefined
  /** How often the engine could not insert it, with a reason that we do not know. */
  failures: number
  delayMs: number
  /** Not tried before, by performance.now(). */
  notBeforeMs: number
}

/** How long a segment waits after its first failure, and at most. */
const delays = { firstMs: 100, longestMs: 5_000 }
/** Tries of a segment that the engine itself cannot insert, with a reason that we do not know. */
const triesMax = 10
/** While all have to wait: a new one may come. */
const lookMs = 50

export function createSegmentInsert(
  deps: SegmentInsertDeps,
  reporter: Reporter,
  { firstMs, longestMs } = delays,
): SegmentInsert {
  const queue: Waiting[] = []
  const stopped = new AbortController()
  let work: Promise<void> | undefined

  function add(segment: Segment): void {
    queue.push({
      segment,
      split: undefined,
      trouble: undefined,
      failures: 0,
      delayMs: firstMs,
      notBeforeMs: 0,
    })
    work ??= drain().finally(() => {
      work = undefined
    })
  }

  async function drain(): Promise<void> {
    while (queue.length > 0 && !stopped.signal.aborted) {
      const nowMs = performance.now()
      const due = queue.find(({ notBeforeMs }) => notBeforeMs <= nowMs)
      if (due) await attempt(due)
      else await delay(lookMs, undefined, { signal: stopped.signal }).catch(() => undefined)
    }
  }

  async function attempt(waiting: Waiting): Promise<void> {
    try {
      if (!(await isInserted(waiting))) return
    } catch (error) {
      postpone(waiting, troubleOf(error))
      return
    }
    queue.splice(queue.indexOf(waiting), 1)
    if (!queue.some(({ trouble }) => trouble)) {
      reporter.limited.over('insert', 'segments are inserted again')
    }
    // What kept the others from being inserted may be over too.
    for (const other of queue) if (other.failures === 0) other.notBeforeMs = 0
    const { id, refused } = waiting.segment
    if (refused) reporter.log.error({ segment: id, rows: refused.rows }, 'rows put in quarantine')
    deps.onEnd(waiting.segment)
  }

  /** False if we are stopped before it is over. */
  async function isInserted(waiting: Waiting): Promise<boolean> {
    const { segment, failures } = waiting
    const isHopeless = failures >= triesMax
    const isSplit = waiting.split !== undefined || segment.ranges !== undefined
    if (isSplit || isHopeless || !(await isTakenWhole(segment))) {
      waiting.split ??= await openSplit(segment, deps)
      if (isHopeless) await waiting.split.giveUp()
      while (!stopped.signal.aborted && (await waiting.split.next())) waiting.delayMs = firstMs
      waiting.segment = waiting.split.segment()
      if (waiting.segment.ranges?.length !== 0) return false
    }
    await deps.folder.discard(waiting.segment)
    return true
  }

  /** False if the engine refuses it. */
  async function isTakenWhole({ id, table, schema = 1 }: Segment): Promise<boolean> {
    try {
      await deps.store.insertSegment(deps.folder.path(id), table, id, schema)
      return true
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== 'insert_refused') throw error
      reporter.limited.warn('refused', { segment: id, err: error.message }, 'inserting a segment')
      return false
    }
  }

  function postpone(waiting: Waiting, trouble: Trouble): void {
    waiting.trouble = trouble
    if (trouble.code === 'insert_later') waiting.failures++
    waiting.notBeforeMs = performance.now() + waiting.delayMs
    waiting.delayMs = Math.min(waiting.delayMs * 2, longestMs)
    const fields = { segment: waiting.segment.id, code: trouble.code, err: trouble.message }
    reporter.limited.warn('insert', fields, 'inserting a segment')
  }

  async function stop(): Promise<void> {
    stopped.abort()
    await work
  }

  return {
    add,
    stop,
    idle: async () => work,
    trouble: () => queue.find(({ trouble }) => trouble)?.trouble,
  }
}

/** What no store said is trouble of the disk: reading, marking or deleting a segment's files. */
function troubleOf(error: unknown): Trouble {
  const code = error instanceof AppError ? error.code : 'disk_full'
  return { code, message: messageOf(error) }
}
