// Composes central: the lock of the data folder, the store, the ingest, the API. Nothing else happens here.

import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createHttp, type Http } from '../api/mod.ts'
import {
  type Component,
  createFolderWatch,
  createLifecycle,
  endOfProcess,
  type Reporter,
  readVersion,
} from '../common/mod.ts'
import { createStore, type RetentionConfig, type Store } from '../store/mod.ts'
import { centralError } from './errors.ts'
import type { ExportConfig } from './export/config.ts'
import { createExports } from './export/exports.ts'
import { receiverKinds } from './export/kinds.ts'
import { fleetKeyOf } from './fleet-key.ts'
import { createFolderLock } from './folder-lock.ts'
import { createFreshReader } from './fresh-reader.ts'
import { healthOf } from './health.ts'
import { createIngest, type IngestAddress } from './ingest/ingest.ts'
import { insertPending } from './ingest/insert-pending.ts'
import { createStageLedger } from './ingest/stage-ledger.ts'
import { type IntakeConfig, intakeNothing } from './intake/config.ts'
import { createIntake, type Intake, takesSpans } from './intake/intake.ts'
import { createTraceLabels } from './intake/spans/trace-labels.ts'
import { createTraces } from './intake/spans/traces.ts'
import { createSeriesFeed, type MetricsConfig } from './metrics/series-feed.ts'
import { createNodeOwners, type NodeOwners } from './node-owners.ts'
import { createNodes, type Nodes } from './nodes.ts'

export interface CentralConfig {
  readonly dataDir: string
  /** Of the API and the page; port 0 = any free one. */
  readonly listen: { readonly host: string; readonly port: number }
  /** Where the same is answered as well. */
  readonly alsoListen?: readonly { readonly host: string; readonly port: number }[]
  /** Where agents come to; `DATA/ingest.sock` alone when not given. */
  readonly ingest?: readonly IngestAddress[]
  /** From where frames of XDP telemetry are taken there, beside loopback: addresses and prefixes. */
  readonly telemetryAllow?: readonly string[]
  /** Folder of the built page; that of this package when not given. */
  readonly webDir?: string
  readonly retention?: RetentionConfig
  /** Series of flows and events at /metrics; none when not given. */
  readonly metrics?: MetricsConfig
  /** Who else gets the rows. */
  readonly exports?: readonly ExportConfig[]
  /** Flows and spans of others than agents; none when not given. */
  readonly intake?: IntakeConfig
  /** Octets of rows that wait for receivers that are away. */
  readonly journalBytesMax?: number
}

export interface Central extends Component {
  /** Address of the page and the API; only between start and stop. */
  url(): string
  /** Where agents can connect; only after start. */
  ingestAddresses(): readonly IngestAddress[]
  /** Where NetFlow, IPFIX and sFlow come in; only after start. */
  flowAddresses(): readonly { readonly host: string; readonly port: number }[]
  /** Where OTLP comes in; only after start. */
  otlpAddresses: Intake['otlpAddresses']
}

const defaultWebDir = fileURLToPath(new URL('../web/dist', import.meta.url))
/** Of each component: a running insert may take that long. */
const stopDeadlineMs = 4_000

/**
 * The server: takes frames, keeps rows, answers HTTP. Errors at start: `data_folder_in_use`,
 * `data_folder_unwritable`, `address_taken` (ingest), `port_taken` (HTTP), `store_not_started`.
 */
export function createCentral(config: CentralConfig, reporter: Reporter): Central {
  const { dataDir } = config
  const version = readVersion()
  const startedMs = Date.now()
  const nodes = createNodes()
  const owners = createNodeOwners(dataDir, reporter.child('nodes'))
  const store = createStore(storeConfig(config), reporter.child('store'))
  const ledger = createStageLedger(BigInt(startedMs) * 1_000_000n)
  const exports = createExports(
    { dataDir, exports: config.exports ?? [], journalBytesMax: config.journalBytesMax },
    { ledger, kinds: receiverKinds, writeFile: store.writeFile },
    reporter.child('export'),
  )
  const { intake: intakeConfig = intakeNothing } = config
  const traces = createTraces()
  const label = takesSpans(intakeConfig) ? createTraceLabels(traces) : undefined
  const ingest = createIngest(
    {
      dataDir,
      listen: config.ingest ?? [{ path: join(dataDir, 'ingest.sock') }],
      version,
      pids: () => ownPids(store.workerPid()),
      telemetryAllow: config.telemetryAllow ?? [],
    },
    { store, nodes, owners, ledger, journal: exports.journal, label },
    reporter.child('ingest'),
  )
  if (config.metrics) createSeriesFeed(config.metrics, ingest.tee, reporter)
  const reader = createFreshReader(store, ingest.fresh)
  const health = () =>
    healthOf({
      version,
      startedMs,
      isStoreReady: store.isReady,
      readTrouble: reader.trouble,
      trouble: ingest.trouble,
      nodes,
    })
  const { tee: live, take, packetsJson } = ingest
  const shown = { live, take, packetsJson, exports: exports.list }
  const intake = createIntake(
    intakeConfig,
    { ledger, take, traces, reported: nodes.exports, fleetKey: () => fleetKeyOf(dataDir) },
    reporter,
  )
  const http: Http = createHttp(
    { ...config.listen, also: config.alsoListen ?? [], webDir: config.webDir ?? defaultWebDir },
    { reader, files: store, health, ...shown, metrics: reporter.metrics },
    reporter.child('http'),
  )
  const guards = [createFolderLock(dataDir), folderWatch(dataDir, reporter)]
  const loadNodes = nodesLoader(nodes, owners, store)
  const journal: Component = { name: 'journal', start: exports.open, stop: () => {} }
  const { start, stop } = createLifecycle(
    [...guards, store, loadNodes, journal, ingest, intake, exports, http],
    { reporter, stopDeadlineMs },
  )
  return {
    name: 'central',
    start,
    stop,
    url: () => http.address().url,
    ingestAddresses: ingest.addresses,
    flowAddresses: intake.flowAddresses,
    otlpAddresses: intake.otlpAddresses,
  }
}

function storeConfig({ dataDir, retention }: CentralConfig): Parameters<typeof createStore>[0] {
  return {
    dataDir,
    beforeRewrite: (insert) => insertPending(dataDir, insert),
    ...(retention ? { retention } : {}),
  }
}

function folderWatch(folder: string, reporter: Reporter): Component {
  return createFolderWatch(folder, {
    onLost: (reason) =>
      endOfProcess(reporter)(centralError('data_folder_lost', { details: { folder, reason } })),
  })
}

/** Who reported before this start, and whose the names of nodes are. */
function nodesLoader(nodes: Nodes, owners: NodeOwners, store: Store): Component {
  return {
    name: 'nodes',
    start: async () => {
      await nodes.load(store)
      owners.load()
      for (const { node, lastSeenMs } of nodes.list()) {
        owners.reported(node, BigInt(lastSeenMs) * 1_000_000n)
      }
    },
    stop: () => {},
  }
}

/** This process, its worker, and its supervisor when it has one. */
function ownPids(worker: number | undefined): readonly number[] {
  const pids = [process.pid]
  if (worker !== undefined) pids.push(worker)
  if (process.connected) pids.push(process.ppid)
  return pids
}
