// The agent's stages inside the process of a command (`--local`): no spool, no central, nothing on disk.

import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import { type Component, endOfProcess, type Reporter } from '../common/mod.ts'
import { type ProgramReport, releaseProgramPages } from '../kernel/mod.ts'
import type { Batch } from '../wire/mod.ts'
import type { AgentConfig } from './config.ts'
import type { FailedProbe } from './drain/messages.ts'
import { createEvents, type Events } from './events/events.ts'
import { cgroupMount } from './identity/cgroups.ts'
import { createInterfaces, type Interfaces } from './interfaces/interfaces.ts'
import { createLedger } from './ledger/ledger.ts'
import { interfaceOptions, packetsOf, probeOptions } from './probe-options.ts'
import { interfaceAddresses, ownPids } from './process.ts'
import { createEnrich, type Enrich } from './tcp/enrich.ts'
import { createWatch, type WatchedInterval } from './watch.ts'

export type LocalAgentConfig = Pick<
  AgentConfig,
  'intervalMs' | 'filter' | 'ringBytes' | 'connectionEvents' | 'xdp'
> & {
  /** Name of this host in rows; default: what the host calls itself. */
  readonly node?: string
}

/**
 * Rows of an interval, `from` to `to` in nanoseconds since 1970; the batch is used again afterwards. Events first,
 * then flows of interfaces, then batches of flows, none when nothing is new, several for very many rows; then one of the ledger (`batch.table`).
 */
export type OnBatch = (batch: Batch, from: bigint, to: bigint) => void

export interface LocalAgent extends Component {
  /** Probes that could not be opened; empty before the start. */
  failedProbes(): readonly FailedProbe[]
  /** Programs of the probes; empty before the start. */
  programs(): readonly ProgramReport[]
}

/** `onBatch` is called at the start and then each interval; the process ends when the drain dies. */
export function createLocalAgent(
  config: LocalAgentConfig,
  reporter: Reporter,
  onBatch: OnBatch,
): LocalAgent {
  const node = config.node ?? hostname()
  const own = { tgids: ownPids(), upstream: undefined }
  const enrich = createEnrich({
    node,
    key: randomBytes(16),
    cgroupRoot: cgroupMount(),
    own,
    addresses: interfaceAddresses,
  })
  const { connectionEvents: choice = 'all' } = config
  const packets = packetsOf(config)
  const events = createEvents({ node, own, choice, ...enrich, ...(packets && { packets }) })
  const interfaces = createInterfaces({ node, ...enrich, ...interfaceOptions(config) })
  const ledger = createLedger({
    node,
    onUnaccounted: (stage, count) =>
      reporter.log.error({ stage, count }, 'the ledger does not add up'),
  })
  const stages = { enrich, events, interfaces }
  const watch = createWatch(
    { intervalMs: config.intervalMs, probe: probeOptions(config) },
    {
      enrich,
      events,
      onEvents: (batch, { from, to }) => onBatch(batch, from, to),
      interfaces,
      onInterfaces: (batch, { from, to }) => onBatch(batch, from, to),
      onRows: (batch, { from, to }) => onBatch(batch, from, to),
      onInterval: (interval) =>
        onBatch(ledger.batch(countsOf(interval, stages)), interval.from, interval.to),
      onDeath: endOfProcess(reporter),
    },
    reporter,
  )
  return {
    name: 'local-agent',
    start: async () => {
      await watch.start()
      releaseProgramPages()
    },
    stop: watch.stop,
    failedProbes: () => watch.drain.failed(),
    programs: () => watch.drain.running().flatMap(({ programs }) => programs),
  }
}

/** Rows go straight to the caller: there is no spool to lose or keep them. */
function countsOf(interval: WatchedInterval, { enrich, events, interfaces }: Stages) {
  const { from: start, to: time, snapshot, before, failed } = interval
  const counts = {
    enrich: enrich.takeCounts(),
    events: events.takeCounts(),
    interfaces: interfaces.takeCounts(),
  }
  return { start, time, snapshot, before, failed, ...counts }
}

interface Stages {
  readonly enrich: Enrich
  readonly events: Events
  readonly interfaces: Interfaces
}
