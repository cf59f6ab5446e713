// Rows of this machine without a server: the agent's stages in the command's own process.

import { hostname } from 'node:os'
import type { FailedProbe } from '../../agent/mod.ts'
import { AppError, type Component, type Reporter } from '../../common/mod.ts'
import { createReporter } from '../../common/reporter/mod.ts'
import {
  type Batch,
  type Filter,
  fieldsIn,
  flowTable,
  inOneView,
  pickRows,
  probesAsked,
  type Row,
  rowOf,
  rowTest,
  unmeasuredHint,
  unmeasuredProtocol,
} from '../../wire/mod.ts'
import type { Flag, Terminal, Values } from '../commands/command.ts'
import { cliError } from '../errors.ts'
import { interfacesOf } from '../parse/interfaces.ts'
import type { KnownCoverage } from '../render/truth.ts'
import { localFilter } from './local-filter.ts'
import type { Question } from './server.ts'

export const localFlag: Flag = {
  name: 'local',
  short: 'l',
  kind: 'switch',
  help: 'This machine, without a server: probes run as long as the command does. Needs root.',
  group: 'Source',
}

/**
 * What the agent offers to a command: batches of flow rows as they are made, used again afterwards, and after
 * those of an interval one of the ledger. It ends the process when it cannot go on.
 */
export type OpenLocalAgent = (
  config: {
    readonly node: string
    readonly intervalMs: number
    /** Nobody here shows them. */
    readonly connectionEvents: 'off'
    readonly filter: WatchedInterfaces
  },
  reporter: Reporter,
  onBatch: (batch: Batch, from: bigint, to: bigint) => void,
) => Component & {
  /** Probes that could not be opened; empty before the start. */
  failedProbes(): readonly FailedProbe[]
}

export interface Interval {
  /** Rows that match. */
  readonly length: number
  /** The same as columns; nobody else uses them. */
  readonly batches: readonly Batch[]
  /** The same as objects, made when asked for. */
  readonly rows: readonly Row[]
  /** Of all intervals up to this one. */
  readonly coverage: KnownCoverage
  /** How long the probes have watched up to this one. */
  readonly watchedMs: number
}

const localIntervalMs = 1000

const waitingRowsMax = 200_000
const slowCause = 'terminal_slow'

/** Interfaces that are watched beside sockets. */
export type WatchedInterfaces = ReturnType<typeof interfacesOf>

export interface LocalQuestion {
  readonly filters: Question
  readonly interfaces?: WatchedInterfaces
  /** Rows that wait for a slow reader; older ones are dropped and counted as lost. */
  readonly waitingRowsMax?: number
}

/**
 * Yields the connections that live now at once, then what changed in each interval, until `ended`; the last
 * rows are those of the moment of the end. Throws what the agent throws: not root, no BTF, no libbpf; also when the
 * probe that makes the rows which are asked for is not open.
 */
export async function* localIntervals(
  question: LocalQuestion,
  ended: AbortSignal,
  open: OpenLocalAgent,
): AsyncGenerator<Interval, void, void> {
  const asked = localFilter(question.filters)
  refuseUnmeasured(asked)
  const queue = createQueue(inOneView(asked), question.waitingRowsMax ?? waitingRowsMax)
  const reporter = createReporter('weir', { level: 'fatal' })
  const filter = question.interfaces ?? {}
  const connectionEvents = 'off'
  const config = {
    node: hostname(),
    intervalMs: localIntervalMs,
    connectionEvents,
    filter,
  } as const
  const agent = open(config, reporter, queue.onBatch)
  let stopping: Promise<void> | undefined
  const stop = async (): Promise<void> => {
    stopping ??= Promise.resolve(agent.stop())
    await stopping
  }
  ended.addEventListener('abort', queue.wake, { once: true })
  await agent.start()
  queue.joinFirst()
  try {
    refuseUnopened(asked, agent.failedProbes())
    for (;;) {
      const batches = queue.next()
      if (batches) yield intervalOf(batches, queue.coverage(), queue.watchedMs())
      else if (stopping !== undefined) return
      else if (ended.aborted) await stop()
      else await queue.more()
    }
  } finally {
    await stop()
  }
}

function intervalOf(
  batches: readonly Batch[],
  coverage: KnownCoverage,
  watchedMs: number,
): Interval {
  return {
    length: lengthOf(batches),
    batches,
    coverage,
    watchedMs,
    get rows() {
      return batches.flatMap(rowsOf)
    },
  }
}

function lengthOf(batches: readonly Batch[]): number {
  return batches.reduce((sum, { length }) => sum + length, 0)
}

/** Rows that match, between the agent and whoever shows them: as columns, a tenth of what objects would take. */
function createQueue(filter: Filter, rowsMax: number) {
  const waiting: (readonly Batch[])[] = []
  let waitingRows = 0
  let made = 0
  let watchedNs = 0n
  let watchedTo = 0n
  const lost = new Map<string, number>()
  const lose = (cause: string, count: number): void => {
    if (count > 0) lost.set(cause, (lost.get(cause) ?? 0) + count)
  }
  let wake: () => void = () => {}

  function onBatch(batch: Batch, from: bigint, to: bigint): void {
    if (to > watchedTo) {
      watchedNs += to - (from > watchedTo ? from : watchedTo)
      watchedTo = to
    }
    if (batch.table.name === 'ledger') {
      for (const { cause, stage, table, lost: count } of rowsOf(batch)) {
        if (cause !== '' && table !== 'events' && stage !== 'agent')
          lose(String(cause), Number(count))
      }
      return
    }
    if (batch.table.name === 'events') return
    made += batch.length
    const picked = pickRows(batch, matching(batch))
    waiting.push([picked])
    waitingRows += picked.length
    while (waitingRows > rowsMax && waiting.length > 1) {
      const late = lengthOf(waiting.shift() as readonly Batch[])
      waitingRows -= late
      lose(slowCause, late)
    }
    wake()
  }

  function matching(batch: Batch): readonly number[] {
    return Array.from({ length: batch.length }, (_, index) => index).filter(rowTest(filter, batch))
  }

  function next(): readonly Batch[] | undefined {
    const batches = waiting.shift()
    waitingRows -= lengthOf(batches ?? [])
    return batches
  }

  /** Whatever is filtered: nobody knows what was in a lost row. Rows dropped here were made before. */
  function coverage(): KnownCoverage {
    const dropped = lost.get(slowCause) ?? 0
    const sum = [...lost.values()].reduce((total, count) => total + count, 0)
    const all = made + sum - dropped
    const share = all === 0 ? 1 : (made - dropped) / all
    return { share, watched: 1, lost: Object.fromEntries(lost), gaps: [] }
  }

  return {
    onBatch,
    next,
    coverage,
    watchedMs: () => Number(watchedNs / 1_000_000n),
    wake: () => wake(),
    more: () =>
      new Promise<void>((resolve) => {
        wake = resolve
      }),
    /** What lives at the start is one interval, also when it is empty or came in parts. */
    joinFirst: (): void => {
      waiting.push(waiting.splice(0).flat())
    },
  }
}

/** The agent itself; loaded only when it is asked for. */
export async function localAgent(): Promise<OpenLocalAgent> {
  const { createLocalAgent } = await import('../../agent/mod.ts')
  return createLocalAgent
}

function rowsOf(batch: Batch): readonly Row[] {
  return Array.from({ length: batch.length }, (_, index) => rowOf(batch, index))
}

/** Throws AppError bad_value when one of the flags is given beside the other. */
export function refuse(
  command: string,
  values: Values,
  names: readonly string[],
  beside: string,
): void {
  for (const name of names) {
    if (!values.given.includes(name)) continue
    const value = values.text(name) ?? ''
    const expected = `either it or ${beside}`
    throw cliError('bad_value', { details: { command, name: `--${name}`, value, expected } })
  }
}

/**
 * What a command with --local watches: --interface names interfaces there, whose rows are shown unless another view is
 * asked for.
 */
export function localQuestion(values: Values, filters: Question): LocalQuestion {
  const interfaces = interfacesOf(values)
  if (interfaces.interfaces === undefined) return { filters }
  const rest = filters.filter(([name]) => name !== 'interface')
  const isAsked = fieldsIn(localFilter(rest)).has('view')
  return { interfaces, filters: isAsked ? rest : [...rest, ['view', 'interface']] }
}

function refuseUnmeasured(filter: Filter): void {
  const protocol = unmeasuredProtocol(filter)
  if (protocol === undefined) return
  const reason = `"${protocol}" is not measured`
  throw cliError('bad_flag', { details: { name: '--protocol', reason, hint: unmeasuredHint } })
}

/** Without its probe there would be no rows, and it would look like a quiet host. */
function refuseUnopened(filter: Filter, failed: readonly FailedProbe[]): void {
  const asked = probesAsked(flowTable, filter)
  for (const { probe, message, ...failure } of failed) {
    if (!asked.includes(probe)) continue
    const why = `the ${probe} probe is not open: ${message}`
    throw new AppError(failure.code, { ...failure, message: why })
  }
}

/** Ends after `ms`, or when interrupted. */
export function endAfter(terminal: Terminal, ms: number): AbortSignal {
  return AbortSignal.any([terminal.interrupted(), AbortSignal.timeout(ms)])
}

/** A watch of `ms` that begins when the probes do: loading them is no part of it. */
export interface Watch {
  readonly ended: AbortSignal
  /** The first call counts. */
  readonly begin: () => void
}

export function createWatch(terminal: Terminal, ms: number): Watch {
  const time = new AbortController()
  let began = false
  return {
    ended: AbortSignal.any([terminal.interrupted(), time.signal]),
    begin: () => {
      if (!began) setTimeout(() => time.abort(), ms)
      began = true
    },
  }
}
