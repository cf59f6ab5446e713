// Brings durable segments into the store, one after the other, oldest first; whatever the store says,
// a segment ends inserted or in quarantine, never nowhere.

import { setTimeout as delay } from 'node:timers/promises'
import { AppError, messageOf, type Reporter } from '../../common/mod.ts'
import type { Store } from '../../store/mod.ts'
import type { Segment, SegmentFolder } from './segment-folder.ts'

export interface SegmentInsert {
  /** Queues a segment that is on disk; the bound is the budget of the caller. */
  add(segment: Segment): void
  /** Ends after the insert that runs now; what is left is found again at the next start. */
  stop(): Promise<void>
  /** Resolves when the queue is empty, or stays as it is because of `stop`. */
  idle(): Promise<void>
  /** Why the oldest segment waits; undefined when none has to. */
  trouble(): Trouble | undefined
}

export interface Trouble {
  /** `disk_full`, `store_away`, `insert_later` or `insert_refused`. */
  readonly code: string
  readonly message: string
}

export interface SegmentInsertDeps {
  readonly store: Pick<Store, 'insertSegment'>
  readonly folder: SegmentFolder
  /** Called once per segment, when it left the queue. */
  readonly onEnd: (segment: Segment, outcome: 'inserted' | 'quarantined') => void
}

const firstDelayMs = 100
const longestDelayMs = 5_000
/** Tries of a segment that the engine itself cannot insert, with a reason we do not know. */
const triesMax = 10

export function createSegmentInsert(deps: SegmentInsertDeps, reporter: Reporter): SegmentInsert {
  const queue: Segment[] = []
  const stopped = new AbortController()
  let trouble: Trouble | undefined
  let work: Promise<void> | undefined

  function add(segment: Segment): void {
    queue.push(segment)
    work ??= drain().finally(() => {
      work = undefined
    })
  }

  async function drain(): Promise<void> {
    while (queue.length > 0 && !stopped.signal.aborted) {
      const segment = queue[0] as Segment
      const outcome = await insertOrKeep(segment)
      if (!outcome) return
      queue.shift()
      trouble = undefined
      reporter.limited.over('insert', 'segments are inserted again')
      deps.onEnd(segment, outcome)
    }
  }

  /** Tries until it is in, refused for good, or we are stopped (undefined). */
  async function insertOrKeep(segment: Segment) {
    let delayMs = firstDelayMs
    for (let failures = 0; !stopped.signal.aborted; ) {
      try {
        const { id, table, schema = 1 } = segment
        await deps.store.insertSegment(deps.folder.path(id), table, id, schema)
        await deps.folder.discard(segment)
        return 'inserted'
      } catch (error) {
        trouble = troubleOf(error)
        if (trouble.code === 'insert_later') failures++
        const fields = { segment: segment.id, code: trouble.code, err: trouble.message }
        reporter.limited.warn('insert', fields, 'inserting a segment')
        if (trouble.code === 'insert_refused' || failures >= triesMax) return setAside(segment)
        await delay(delayMs, undefined, { signal: stopped.signal }).catch(() => undefined)
        delayMs = Math.min(delayMs * 2, longestDelayMs)
      }
    }
    return undefined
  }

  async function setAside(segment: Segment): Promise<'quarantined'> {
    await deps.folder.quarantine(segment)
    reporter.log.error({ segment: segment.id, rows: segment.rows }, 'segment put in quarantine')
    return 'quarantined'
  }

  async function stop(): Promise<void> {
    stopped.abort()
    await work
  }

  return { add, stop, idle: async () => work, trouble: () => trouble }
}

function troubleOf(error: unknown): Trouble {
  const code = error instanceof AppError ? error.code : 'insert_later'
  return { code, message: messageOf(error) }
}
