// The agent's heart, the same for `weir agent` and for --local: each interval a snapshot, then the rows.

import type { Component, Reporter } from '../common/mod.ts'
import type { ProbeOptions } from '../kernel/mod.ts'
import type { Batch } from '../wire/mod.ts'
import type { SourceReport } from './drain/collector.ts'
import { createDrain, type Drain } from './drain/drain.ts'
import type { SnapshotReport } from './drain/messages.ts'
import { recordSource } from './drain/record.ts'
import type { Events } from './events/events.ts'
import { flowSource, type Interfaces } from './interfaces/interfaces.ts'
import { createFlowLabels } from './labels/labels.ts'
import { momentOf } from './rows/moment.ts'
import type { Enrich } from './tcp/enrich.ts'

export interface WatchConfig {
  readonly intervalMs: number
  readonly probe: ProbeOptions
  /** Added to the host's clock; for tests of a clock that is wrong. */
  readonly clockShiftMs?: number
}

/** One interval as it was watched; times in nanoseconds since 1970. */
export interface WatchedInterval {
  readonly from: bigint
  readonly to: bigint
  readonly snapshot: SnapshotReport
  readonly before: SnapshotReport | undefined
  /** Names of the probes that could not be opened. */
  readonly failed: readonly string[]
}

export interface WatchDeps {
  readonly enrich: Enrich
  readonly events: Pick<Events, 'report' | 'takes'>
  /** Rows of events, before `onRows`; the batch is used again afterwards. */
  readonly onEvents: (batch: Batch, range: { readonly from: bigint; readonly to: bigint }) => void
  readonly interfaces: Pick<Interfaces, 'take' | 'know' | 'report'>
  /** Rows of interfaces, before `onRows`; the batch is used again afterwards. */
  readonly onInterfaces: (
    batch: Batch,
    range: { readonly from: bigint; readonly to: bigint },
  ) => void
  /** Rows that are due; the batch is used again afterwards. */
  readonly onRows: (batch: Batch, range: { readonly from: bigint; readonly to: bigint }) => void
  /** After all rows of the interval. */
  readonly onInterval: (interval: WatchedInterval) => void
  readonly onDeath: (error: Error) => void
}

export interface Watch extends Component {
  readonly drain: Drain
  /** Interfaces of the last interval: those that are watched, and those that refused. */
  interfaces(): readonly InterfaceReport[]
}

/** An interface that a probe watches, by which hook, or why it does not. */
export interface InterfaceReport {
  readonly probe: string
  readonly name: string
  readonly hook: string
  readonly refused: string
}

/** Every living socket is shown at the start and then so often; between, only what has changed. */
const completeEveryMs = 60_000

export function createWatch(config: WatchConfig, deps: WatchDeps, reporter: Reporter): Watch {
  const { enrich, interfaces } = deps
  const shiftMs = config.clockShiftMs ?? 0
  const takes: Events['takes'] = {
    [recordSource]: enrich.take,
    [flowSource]: interfaces.take,
    ...deps.events.takes,
  }
  const onRecords = (source: string, words: Uint32Array, records: number) =>
    takes[source]?.(words, records)
  const drain = createDrain(config.probe, { onRecords, onDeath: deps.onDeath }, reporter)
  const labels = createFlowLabels(config.probe.xdp)
  let timer: NodeJS.Timeout | undefined
  let running: Promise<void> = Promise.resolve()
  let before: SnapshotReport | undefined
  let from = 0n
  let completeDueMs = 0
  const refused = new Map<string, string>()
  let reported: readonly InterfaceReport[] = []
  let stopped = false

  async function interval(last: boolean): Promise<void> {
    const startedMs = Date.now()
    const complete = startedMs >= completeDueMs && !last
    if (complete) completeDueMs = startedMs + completeEveryMs
    enrich.beginSnapshot()
    const snapshot = await drain.snapshot(complete)
    enrich.endSnapshot(complete)
    const bootToWallNs = snapshot.bootToWallNs + BigInt(shiftMs) * 1_000_000n
    // The next whole millisecond: no record of the interval is later than its end.
    const moment = momentOf(Date.now() + shiftMs + 1, {
      bootToWallNs,
      intervalMs: config.intervalMs,
      last,
    })
    const range = { from, to: moment.time }
    learn(snapshot)
    deps.events.report(moment, (batch) => deps.onEvents(batch, range))
    labels.begin()
    interfaces.report(moment, (batch) => {
      labels.write(batch)
      deps.onInterfaces(batch, range)
    })
    enrich.report(moment, (batch) => {
      labels.write(batch)
      deps.onRows(batch, range)
    })
    const failed = drain.failed().map(({ probe }) => probe)
    deps.onInterval({ ...range, snapshot, before, failed })
    from = moment.time
    before = snapshot
  }

  /** Which interfaces are watched; why one is not is logged when that is new. */
  function learn({ sources }: SnapshotReport): void {
    reported = sources.flatMap(reportsOf)
    for (const { source, interfaces: watched = [] } of sources) {
      if (source === flowSource) interfaces.know(watched)
      for (const { name, refused: why } of watched) {
        const key = `${source} ${name}`
        if ((refused.get(key) ?? '') === why) continue
        refused.set(key, why)
        const of = { probe: source, interface: name }
        if (why === '') reporter.log.info(of, 'an interface is watched again')
        else reporter.log.warn({ ...of, why }, 'an interface is not watched')
      }
    }
  }

  /**
   * Intervals end on multiples of their length by the wall clock, so that the halves of a connection that two
   * nodes see arrive together. One that is late is not made up for.
   */
  function next(): void {
    if (stopped) return
    timer = setTimeout(
      () => {
        running = interval(false).then(next, deps.onDeath)
      },
      untilMultipleMs(Date.now() + shiftMs, config.intervalMs),
    )
  }

  async function start(): Promise<void> {
    from = BigInt(Date.now() + shiftMs) * 1_000_000n
    await drain.start()
    await interval(false)
    next()
  }

  async function stop(): Promise<void> {
    if (stopped) return
    stopped = true
    clearTimeout(timer)
    await running
    if (before) await interval(true)
    await drain.stop()
  }

  return { name: 'watch', start, stop, drain, interfaces: () => reported }
}

/** Of an interface that has gone lately there is neither a hook nor a reason. */
function reportsOf({ source, interfaces = [] }: SourceReport): readonly InterfaceReport[] {
  return interfaces
    .map(({ name, hook = '', refused }) => ({ probe: source, name, hook, refused }))
    .filter(({ hook, refused }) => hook !== '' || refused !== '')
}

/** A timer may strike a moment early: the next multiple is then the one after. */
export function untilMultipleMs(nowMs: number, intervalMs: number): number {
  const left = intervalMs - (nowMs % intervalMs)
  return left < intervalMs / 10 ? left + intervalMs : left
}
