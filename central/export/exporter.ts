// One export: takes batches from the journal behind its cursor, has the receiver take them, moves the cursor.
// A receiver that is away is tried again for as long as it takes; nobody else waits for it.

import { setTimeout as delay } from 'node:timers/promises'
import { AppError, messageOf, type Reporter } from '../../common/mod.ts'
import { exportDefaults } from './config.ts'
import { readCursor, writeCursor } from './cursor-file.ts'
import type { ExportCounts } from './export-counts.ts'
import type { Gather, Gathered } from './gather.ts'
import type { Journal, JournalEntry } from './journal.ts'
import {
  type ExportBatch,
  type Position,
  type Receiver,
  type Rejected,
  RetryLater,
} from './receiver.ts'

export interface ExporterConfig {
  readonly name: string
  readonly tables: readonly string[]
  readonly cursorFile: string
  readonly timeoutMs: number
  readonly retryMaxMs: number
}

export interface ExporterDeps {
  readonly journal: Journal
  readonly receiver: Receiver
  readonly gather: Gather
  readonly counts: ExportCounts
  /** The cursor has moved. */
  readonly onMoved: () => void
}

export interface ExporterState {
  readonly position: Position | undefined
  readonly trouble: string | undefined
  readonly failures: number
  readonly lastSuccessMs: number | undefined
  readonly lastError: { readonly message: string; readonly timeMs: number } | undefined
}

export interface Exporter {
  start(): Promise<void>
  stop(): Promise<void>
  /** There is a new entry. */
  wake(): void
  onEvicted(entry: JournalEntry): void
  state(): ExporterState
}

const firstDelayMs = 200
/** What is on its way when central stops may still arrive. */
const stopWaitMs = 2_000

export function createExporter(
  config: ExporterConfig,
  deps: ExporterDeps,
  reporter: Reporter,
): Exporter {
  const { journal, receiver, gather, counts } = deps
  const stopped = new AbortController()
  const end = abortOf(stopped.signal)
  let position: Position | undefined
  let isRepeated = false
  let failures = 0
  let trouble: string | undefined
  let lastSuccessMs: number | undefined
  let lastError: ExporterState['lastError']
  let running: Promise<void> | undefined
  let awake = Promise.withResolvers<void>()
  /** The entry whose rows are in memory: it cannot be lost any more. */
  let holding = 0
  /** Rows that were counted as lost when their entry went. */
  let lostHere = 0
  /** Entries of an earlier life; those of this one count when they come. */
  const enteredTo = journal.last()
  const stopNow = new AbortController()

  async function start(): Promise<void> {
    const cursor = await readCursor(config.cursorFile)
    // Known before the receiver answers, so that what waits is not removed meanwhile.
    position = cursor?.position.journal === journal.id() ? cursor.position : atEnd()
    if (!cursor) await writeCursor(config.cursorFile, { position, isClean: true })
    isRepeated = cursor !== undefined && !cursor.isClean
    await writeCursor(config.cursorFile, { position, isClean: false })
    running = run().catch((error) => {
      trouble = messageOf(error)
      reporter.log.error({ err: error, export: config.name }, 'exporting')
    })
  }

  /** An export that is new here begins now. */
  function atEnd(): Position {
    return { journal: journal.id(), sequence: journal.last(), row: 0, passed: passedAt(Infinity) }
  }

  /** Rows of our tables in all entries before the first behind `sequence`. */
  function passedAt(sequence: number): number {
    const next = journal.after(sequence)
    const newest = next ?? journal.allAfter(0).at(-1)
    if (!newest) return 0
    const before = config.tables.reduce((sum, name) => sum + (newest.before[name] ?? 0), 0)
    const own = !next && config.tables.includes(newest.table) ? newest.rows : 0
    return before + own
  }

  async function run(): Promise<void> {
    if (position) {
      const waiting = await rowsBetween(position, { sequence: enteredTo, row: 0 })
      for (const [node, rows] of waiting) counts.wait(node, rows)
    }
    await agree()
    while (!stopped.signal.aborted) {
      const seen = awake.promise
      skipLost()
      const gathered = await gatherNext()
      if (gathered) await bring(gathered)
      else await Promise.race([seen, end])
    }
  }

  /** A receiver that keeps the position with the rows knows it better than our file. */
  async function agree(): Promise<void> {
    if (!receiver.position) return
    const theirs = await persistently(async () => {
      const signal = AbortSignal.any([stopped.signal, AbortSignal.timeout(config.timeoutMs)])
      return { known: await receiver.position?.(signal) }
    })
    if (!theirs) return
    isRepeated = false
    const { known } = theirs
    if (!position || known?.journal !== journal.id()) return
    if (known.passed > position.passed) {
      for (const [node, rows] of await rowsBetween(position, known)) {
        counts.wait(node, -rows)
        counts.leave(node, rows)
      }
    }
    position = known
  }

  /** Rows of each node between two positions. */
  async function rowsBetween(from: Position, to: Pick<Position, 'sequence' | 'row'>) {
    const nodes = new Map<string, number>()
    const add = (node: string, rows: number) => nodes.set(node, (nodes.get(node) ?? 0) + rows)
    for (const entry of journal.allAfter(from.sequence)) {
      if (!config.tables.includes(entry.table)) continue
      if (entry.sequence <= to.sequence) {
        for (const [node, rows] of Object.entries(entry.nodeRows)) add(node, rows)
      } else if (entry.sequence === to.sequence + 1) {
        for (const [node, rows] of await gather.passedIn(entry, to.row)) add(node, rows)
      }
    }
    const first = journal.after(from.sequence)
    if (first?.sequence !== from.sequence + 1) return nodes
    for (const [node, rows] of await gather.passedIn(first, from.row)) add(node, -rows)
    return nodes
  }

  /** Entries that went while this export was not running: how many rows, but no more of whom. */
  function skipLost(): void {
    if (!position) return
    const first = journal.after(position.sequence)
    if (!first || first.sequence === position.sequence + 1) return
    const passed = passedAt(first.sequence - 1)
    const lost = Math.max(passed - position.passed, 0)
    const missed = lost - lostHere
    lostHere = 0
    if (missed > 0) {
      counts.lose('', missed, 'journal_full')
      reporter.log.warn(
        { export: config.name, rows: missed },
        'rows went before they were exported',
      )
    }
    position = { ...position, sequence: first.sequence - 1, row: 0, passed }
  }

  function onEvicted(entry: JournalEntry): void {
    const isOurs = config.tables.includes(entry.table)
    if (!position || entry.sequence <= Math.max(position.sequence, holding)) return
    if (!isOurs) return
    lostHere += entry.rows
    for (const [node, rows] of Object.entries(entry.nodeRows)) {
      counts.lose(node, rows, 'journal_full')
      counts.wait(node, -rows)
    }
  }

  async function gatherNext(): Promise<Gathered | undefined> {
    if (!position) return undefined
    holding = position.sequence + 1
    try {
      const gathered = await gather.next(position)
      const { sequence, row } = gathered?.position ?? position
      holding = sequence + (row > 0 ? 1 : 0)
      return gathered
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
      holding = position.sequence
      return undefined
    }
  }

  async function bring(gathered: Gathered): Promise<void> {
    const refused = gathered.batch.count === 0 ? 0 : await deliver(gathered)
    if (refused === undefined) return
    await writeCursor(config.cursorFile, { position: gathered.position, isClean: false })
    position = gathered.position
    let left = refused
    for (const [node, { sent, filtered }] of gathered.nodes) {
      // A receiver says how many it refused, not whose.
      const lost = Math.min(sent, left)
      left -= lost
      counts.wait(node, -(sent + filtered))
      if (filtered > 0) counts.leaveOut(node, filtered)
      if (sent > lost) counts.leave(node, sent - lost)
      if (lost > 0) counts.lose(node, lost, 'export_refused')
    }
    deps.onMoved()
  }

  /** Rows that the receiver refused; undefined when we are stopped. */
  async function deliver({ batch, position: after }: Gathered): Promise<number | undefined> {
    return persistently(async () => {
      const marked: ExportBatch = { ...batch, repeated: isRepeated }
      const signal = AbortSignal.any([stopNow.signal, AbortSignal.timeout(config.timeoutMs)])
      let rejected: Rejected | undefined
      try {
        rejected = await receiver.send(marked, after, signal)
      } catch (error) {
        if (error instanceof AppError && error.code === 'export_refused') {
          failed(error)
          return batch.count
        }
        isRepeated = !receiver.position
        throw error
      }
      if (isRepeated) counts.repeat(batch.count)
      isRepeated = false
      lastSuccessMs = Date.now()
      if (!rejected) return 0
      failed(new Error(`${rejected.rows} rows were refused: ${rejected.what}`))
      return Math.min(rejected.rows, batch.count)
    })
  }

  /** Until it is done or we are stopped (undefined). */
  async function persistently<T>(work: () => Promise<T>): Promise<T | undefined> {
    for (let tries = 0; !stopped.signal.aborted; tries++) {
      try {
        const result = await work()
        trouble = undefined
        reporter.limited.over(config.name, 'the export goes on')
        return result
      } catch (error) {
        if (stopped.signal.aborted) return undefined
        failed(error)
        const pauseMs =
          error instanceof RetryLater ? error.afterMs : pauseOf(tries, config.retryMaxMs)
        await delay(pauseMs, undefined, { signal: stopped.signal }).catch(() => undefined)
      }
    }
    return undefined
  }

  function failed(error: unknown): void {
    failures++
    counts.fail()
    trouble = reasonOf(error)
    lastError = { message: trouble, timeMs: Date.now() }
    reporter.limited.warn(config.name, { export: config.name, err: trouble }, 'exporting rows')
  }

  async function stop(): Promise<void> {
    stopped.abort()
    const late = setTimeout(() => stopNow.abort(), stopWaitMs)
    await running
    clearTimeout(late)
    // A batch whose end nobody saw may be there.
    if (position && !isRepeated) await writeCursor(config.cursorFile, { position, isClean: true })
    await receiver.close()
  }

  function wake(): void {
    awake.resolve()
    awake = Promise.withResolvers()
  }

  const state = () => ({ position, trouble, failures, lastSuccessMs, lastError })
  return { start, stop, wake, onEvicted, state }
}

/** Doubles, up to the longest; a random half of it, so that many centrals do not come at once. */
function pauseOf(tries: number, longestMs: number): number {
  const longest = Math.min(firstDelayMs * 2 ** Math.min(tries, 20), longestMs)
  return longest * (0.5 + Math.random() / 2)
}

function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined
  const said = error instanceof AggregateError ? error.errors.map(messageOf).join('; ') : ''
  const text = said || messageOf(error)
  return cause instanceof Error && cause.message !== '' && !text.includes(cause.message)
    ? `${text}: ${cause.message}`
    : text
}

function abortOf(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

/** The bounds of an export that says none. */
export function boundsOf(config: Partial<Pick<ExporterConfig, 'timeoutMs' | 'retryMaxMs'>>) {
  const { timeoutMs, retryMaxMs } = { ...exportDefaults, ...config }
  return { timeoutMs, retryMaxMs }
}
