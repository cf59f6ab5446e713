// The agent of a node: watches, keeps what it saw in the spool, and sends it to central.

import { randomBytes } from 'node:crypto'
import {
  type Component,
  createFolderWatch,
  createLifecycle,
  endOfProcess,
  type FolderWatch,
  type Reporter,
  readVersion,
} from '../common/mod.ts'
import { releaseProgramPages } from '../kernel/mod.ts'
import {
  type Batch,
  byDay,
  createBlockEncoder,
  createSeriesSet,
  encodeFrame,
  eventTable,
  type Hello,
  metricsOfDialect,
  type SeriesConfig,
  type SeriesSet,
  schemaNumbers,
  tables,
  timeRange,
} from '../wire/mod.ts'
import type { AgentConfig } from './config.ts'
import { bootId, type DataFolder, openDataFolder } from './data/data-folder.ts'
import type { FailedProbe, RunningProbe } from './drain/messages.ts'
import { programRows } from './drain/program-rows.ts'
import { agentError } from './errors.ts'
import { createEvents, type Events } from './events/events.ts'
import { createRowFilter, type RowFilter } from './filter/row-filter.ts'
import { cgroupMount } from './identity/cgroups.ts'
import { ownOf } from './identity/own.ts'
import { createInterfaces, type Interfaces } from './interfaces/interfaces.ts'
import { createLedger } from './ledger/ledger.ts'
import { checkpointKey, interfaceOptions, packetsOf, probeOptions } from './probe-options.ts'
import { interfaceAddresses } from './process.ts'
import { createRuleReport, type RuleReport } from './rules/rule-report.ts'
import { createCheckpoints } from './spool/checkpoint.ts'
import { createSpool, type Spool } from './spool/spool.ts'
import { createStatus } from './status/status.ts'
import { type Admission, createAdmission } from './stream/admission.ts'
import { createStream, type Stream, type StreamRefusal } from './stream/stream.ts'
import { createEnrich, type Enrich } from './tcp/enrich.ts'
import { createWatch, type InterfaceReport, type Watch, type WatchedInterval } from './watch.ts'

export interface Agent extends Component {
  /** The probes that run, with their programs; empty before the start. */
  probes(): readonly RunningProbe[]
  /** Those that could not be opened, each with the reason; empty before the start. */
  failedProbes(): readonly FailedProbe[]
  /** The interfaces that they watch, and those that refused. */
  interfaces(): readonly InterfaceReport[]
  health(): AgentHealth
}

export interface AgentHealth {
  readonly status: 'ok' | 'failing'
  /** Why nothing or not all is measured, or nothing is taken; '' when all is well. */
  readonly message: string
  readonly connected: boolean
  readonly spool: ReturnType<Spool['waiting']>
  readonly connections: number
}

/** Of an agent that no central has ever answered. */
const unanswered = 'central has not answered yet: nothing is measured before its first answer'

interface Parts {
  readonly spool: Spool
  readonly stream: Stream
  readonly watch: Watch
  readonly enrich: Enrich
  readonly folderWatch: FolderWatch
  readonly admission: Admission
}

/**
 * An agent that does nothing until started. `start` resolves when the probes are on and the first rows are in
 * the spool. When its drain dies the process ends: half an agent is worse than none.
 */
export function createAgent(config: AgentConfig, reporter: Reporter): Agent {
  let stopAll: () => Promise<void> = async () => {}
  let parts: Parts | undefined

  async function start(): Promise<void> {
    const folder = openDataFolder(config.dataDir)
    stopAll = async () => folder.release()
    const made = await compose(config, folder, reporter)
    const status = config.metrics ? [createStatus(config.metrics, health, reporter)] : []
    const lifecycle = createLifecycle([made.folderWatch, ...status, made.stream, made.admission], {
      reporter,
    })
    parts = made
    stopAll = async () => {
      await lifecycle.stop()
      folder.release()
    }
    try {
      await lifecycle.start()
      releaseProgramPages()
    } catch (error) {
      folder.release()
      throw error
    }
  }

  function health(): AgentHealth {
    const refusal = parts?.stream.refusal()?.message
    const wait = parts && !parts.admission.isWatching() ? unanswered : ''
    const message = refusal ?? (wait || unopened())
    return {
      status: message === '' ? 'ok' : 'failing',
      message,
      connected: parts?.stream.isConnected() ?? false,
      spool: parts?.spool.waiting() ?? { frames: 0, rows: 0, octets: 0 },
      connections: parts?.enrich.sizes().connections ?? 0,
    }
  }

  const failedProbes = () => parts?.watch.drain.failed() ?? []
  const unopened = () =>
    failedProbes()
      .map(({ probe, message }) => `the ${probe} probe is not open: ${message}`)
      .join('; ')

  return {
    name: 'agent',
    start,
    stop: () => stopAll(),
    probes: () => parts?.watch.drain.running() ?? [],
    failedProbes,
    interfaces: () => parts?.watch.interfaces() ?? [],
    health,
  }
}

async function compose(
  config: AgentConfig,
  folder: DataFolder,
  reporter: Reporter,
): Promise<Parts> {
  const boot = bootId()
  const spool = createSpool(
    { folder: `${folder.path}/spool`, boot, ...config.spool },
    reporter.child('spool'),
  )
  const checkpoints = createCheckpoints(folder.path, checkpointKey(boot, config))
  const restored = checkpoints.load(spool.lastSequence())
  const own = await ownOf(config.upstream)
  const enrich = createEnrich({
    node: config.node,
    key: folder.fleetKey() ?? new Uint8Array(16),
    cgroupRoot: cgroupMount(),
    own,
    addresses: interfaceAddresses,
    ...(restored ? { restored } : {}),
  })
  const { node, connectionEvents: choice = 'all' } = config
  const packets = packetsOf(config)
  const events = createEvents({ node, own, choice, ...enrich, ...(packets && { packets }) })
  const interfaces = createInterfaces({ node, ...enrich, ...interfaceOptions(config) })
  const hello = helloOf(config, folder, boot)
  const stream = createStream(
    { upstream: config.upstream, hello, nowMs: () => Date.now() + (config.clockShiftMs ?? 0) },
    { spool, onKey, onPids: (pids) => addAll(own.tgids, pids), onRefused },
    reporter.child('stream'),
  )
  /** Connections that are open keep their id; an older central has no key, so this agent makes one. */
  function onKey(key: Uint8Array | undefined): void {
    folder.keepFleetKey(key ?? folder.fleetKey() ?? randomBytes(16))
    enrich.setKey(folder.fleetKey() as Uint8Array)
  }

  /** Refused while it watches (another one has taken over): it ends, and waits for the name at its next start. */
  function onRefused({ code, message }: StreamRefusal): void {
    if (code !== 'node_taken' || !admission.isWatching()) return
    end(agentError('node_taken', { details: { why: message } }))
  }
  const series = config.series && seriesAt(config.series, reporter)
  const filter = createRowFilter(config.rowFilter)
  const keep = createKeeper(
    { agent: folder.agentId, boot, node: config.node, rules: createRuleReport(config) },
    { filter, series, spool, checkpoints, enrich, events, interfaces, stream, reporter },
  )
  const end = endOfProcess(reporter)
  const folderWatch = createFolderWatch(folder.path, {
    onLost: (why) => end(agentError('data_lost', { details: { path: folder.path, why } })),
  })
  /** A write that fails because the folder is gone is no defect of the writer. */
  const onDeath = (error: Error) => {
    folderWatch.look()
    end(error)
  }
  const probe = probeOptions(config)
  const watch = createWatch(
    { intervalMs: config.intervalMs, probe, clockShiftMs: config.clockShiftMs ?? 0 },
    {
      enrich,
      events,
      interfaces,
      onEvents: keep.beside,
      onInterfaces: keep.beside,
      onRows: keep.rows,
      onInterval: keep.interval,
      onDeath,
    },
    reporter.child('watch'),
  )
  const admission = createAdmission({
    stream,
    watch,
    log: reporter.log,
    hasKey: () => folder.fleetKey() !== undefined,
    onDeath,
  })
  reporter.gauge('connections', 'Connections known now.', () => enrich.sizes().connections)
  reporter.gauge('spool_rows', 'Rows that wait for central.', () => spool.waiting().rows)
  return { spool, stream, watch, enrich, folderWatch, admission }
}

/** Of an interval: how much later than others an agent sends. */
const sendJitter = 0.1

/** What this node saw; what a node beyond it saw too, central counts once. */
function seriesAt(config: Omit<SeriesConfig, 'metrics'>, reporter: Reporter): SeriesSet {
  const series = createSeriesSet({ ...config, metrics: metricsOfDialect(config.dialect) })
  reporter.families(() => series.families(Date.now()))
  return series
}

interface KeeperDeps {
  readonly filter: RowFilter
  readonly series: SeriesSet | undefined
  readonly spool: Spool
  readonly checkpoints: ReturnType<typeof createCheckpoints>
  readonly enrich: Enrich
  readonly events: Events
  readonly interfaces: Interfaces
  readonly stream: Stream
  readonly reporter: Reporter
}

/** Rows → frames in the spool, each with the checkpoint that says the same; then the ledger of the interval. */
function createKeeper(
  who: Record<'agent' | 'boot' | 'node', string> & { readonly rules: RuleReport },
  { filter, series, spool, checkpoints, enrich, events, interfaces, stream, reporter }: KeeperDeps,
) {
  const encoder = createBlockEncoder()
  /** Rows were marked as reported that the filter left out: the checkpoint goes with the ledger of the interval. */
  let isBehind = false
  const oddities = reporter.counter(
    'oddities_total',
    'clamped: counters that went back; vanished: sockets that went without a record; split: connections reported under two ids; storage: sockets whose begin and owner could not be kept; namespace_gone; conditions_full: sockets that the kernel passed without looking at --filter, because its table of connections was full once.',
  )
  const unaccounted = reporter.counter(
    'ledger_unaccounted_total',
    'What the counters of a stage leave unexplained, by stage: always 0 unless there is a bug.',
  )
  const ledger = createLedger({
    node: who.node,
    spoolWaiting: new Map(tables.map(({ name }) => [name, spool.waitingRows(name)])),
    onUnaccounted: (stage, count) => {
      unaccounted.add(Math.abs(count), stage)
      reporter.log.error({ stage, count }, 'the ledger does not add up')
    },
  })
  const forgotten = reporter.counter(
    'late_peers_forgotten_total',
    'Ended connections forgotten before their time, whose other end must be here, or may be (unknown).',
  )

  function frameOf(batch: Batch): Buffer {
    const block = encoder.encode(batch)
    return encodeFrame(
      {
        table: batch.table,
        schema: batch.table.schema,
        codec: 'zstd',
        agent: who.agent,
        boot: who.boot,
        sequence: spool.nextSequence(),
        rows: batch.length,
        ...timeRange(batch),
      },
      block,
    )
  }

  /** The checkpoint goes with the last day: only rows with times of their own are of several, and flows have one. */
  function rows(all: Batch): void {
    const batch = filter.pass(all)
    series?.take(batch, Date.now())
    const days = byDay(batch)
    const last = days.at(-1)
    for (const day of days.slice(0, -1)) spool.commit(frameOf(day))
    isBehind = !last
    if (last) commitWithCheckpoint(last)
  }

  function commitWithCheckpoint(batch: Batch): void {
    const sequence = spool.nextSequence()
    const write = () => checkpoints.write(sequence, enrich.changes)
    if (spool.commit(frameOf(batch), write)) checkpoints.prune()
    else checkpoints.clear()
    isBehind = false
  }

  function interval({ from, to, snapshot, before, failed }: WatchedInterval): void {
    spool.sweep(Number(to / 1_000_000n))
    const counts = { ...enrich.takeCounts(), leftOut: filter.takeFiltered('flows') }
    oddities.add(counts.clamped, 'clamped')
    oddities.add(counts.vanished, 'vanished')
    oddities.add(counts.split, 'split')
    forgotten.add(counts.evictedHere, 'here')
    forgotten.add(counts.evictedUnknown, 'unknown')
    for (const source of snapshot.sources) {
      const earlier = before?.sources.find((each) => each.source === source.source)
      const rise = (name: string) => (source.counters[name] ?? 0) - (earlier?.counters[name] ?? 0)
      oddities.add(source.skippedNamespaces, 'namespace_gone')
      oddities.add(rise('lost_storage'), 'storage')
      oddities.add(rise('conditions_full'), 'conditions_full')
      if (rise('conditions_full') > 0 && (earlier?.counters['conditions_full'] ?? 0) === 0) {
        reporter.log.warn(
          {},
          'the table of --filter in the kernel is full: the agent filters alone',
        )
      }
    }
    const batch = ledger.batch({
      start: from,
      time: to,
      snapshot,
      before,
      failed,
      enrich: counts,
      interfaces: interfaces.takeCounts(),
      spool: spool.takeCounts(),
      events: {
        ...events.takeCounts(),
        leftOut: filter.takeFiltered('events'),
        spool: spool.takeCounts(eventTable.name),
      },
    })
    if (isBehind) commitWithCheckpoint(batch)
    else spool.commit(frameOf(batch))
    const programs = programRows(snapshot.programs, who.node, to)
    if (programs) spool.commit(frameOf(programs))
    const loaded = who.rules.take(to)
    if (loaded) spool.commit(frameOf(loaded))
    // All agents end their intervals at once: not all of them send at once.
    setTimeout(stream.offer, Math.random() * sendJitter * Number((to - from) / 1_000_000n)).unref()
  }

  /** Events and rows of interfaces, without a checkpoint: nothing of them is reported again. */
  function beside(batch: Batch): void {
    for (const day of byDay(filter.pass(batch))) spool.commit(frameOf(day))
  }

  return { rows, beside, interval }
}

function helloOf(
  { node, intervalMs }: AgentConfig,
  { agentId }: DataFolder,
  boot: string,
): Omit<Hello, 'timeMs'> {
  const version = readVersion()
  return { protocol: 1, agent: agentId, boot, node, version, intervalMs, schemas: schemaNumbers() }
}

function addAll(to: Set<number>, pids: readonly number[]): void {
  for (const pid of pids.slice(0, 64)) to.add(pid)
}
