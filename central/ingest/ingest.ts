// Takes frames from any number of agents and brings their rows into the store, exactly once.

import { chmod, rm } from 'node:fs/promises'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { type Component, messageOf, type Reporter } from '../../common/mod.ts'
import type { Store } from '../../store/mod.ts'
import {
  type Batch,
  type BlockView,
  byDay,
  createBlockCheck,
  createBlockEncoder,
  timeRange,
} from '../../wire/mod.ts'
import { centralError } from '../errors.ts'
import type { Journal } from '../export/journal.ts'
import { fleetKeyOf } from '../fleet-key.ts'
import type { NodeOwners } from '../node-owners.ts'
import type { Nodes } from '../nodes.ts'
import { createPacketFeed } from '../telemetry/packet-feed.ts'
import { createTelemetry } from '../telemetry/telemetry.ts'
import { createFrameIntake } from './frame-intake.ts'
import { createResolve, type Resolve } from './resolve/resolve.ts'
import { createSegmentFolder } from './segment-folder.ts'
import { createSegments, type Segments, type SegmentsConfig, segmentsDefaults } from './segments.ts'
import { createSession, type Session, type SessionConfig, type SessionCounts } from './session.ts'
import { createStageLedger, type StageLedger } from './stage-ledger.ts'

/** A unix socket (readable and writable by its owner alone) or a TCP address; port 0 = any free one. */
export type IngestAddress =
  | { readonly path: string }
  | { readonly host: string; readonly port: number }

export interface IngestConfig {
  readonly dataDir: string
  readonly listen: readonly IngestAddress[]
  readonly version: string
  /** Processes of ours that an agent on this host should leave out. */
  readonly pids: () => readonly number[]
  readonly ledgerIntervalMs?: number
  readonly helloMs?: number
  readonly clockMs?: number
  readonly segments?: Partial<SegmentsConfig>
  /** From where frames of XDP telemetry are taken, beside loopback: addresses and prefixes. */
  readonly telemetryAllow?: readonly string[]
}

export interface IngestDeps {
  readonly store: Pick<Store, 'insertSegment' | 'read'>
  readonly nodes: Nodes
  readonly owners: NodeOwners
  /** Shared with the exports, when there are some. */
  readonly ledger?: StageLedger
  readonly journal?: Pick<Journal, 'adopt' | 'append'> | undefined
  /** Writes onto rows what is known of them elsewhere, before their segment is written. */
  readonly label?: ((view: BlockView) => BlockView) | undefined
}

export interface Ingest extends Component {
  /** Where it listens, in the order of the config; only after start. */
  addresses(): readonly IngestAddress[]
  /** What keeps rows from disk or store; undefined when all is well. */
  trouble(): { readonly place: 'disk' | 'store'; readonly message: string } | undefined
  /** Before a question: brings rows that wait for their insert into the store (`Segments.fresh`). */
  fresh(): Promise<void>
  /** Every segment, once it is durable (`Segments.tee`). */
  tee: Segments['tee']
  /** Takes rows of a node that came by another way than a frame; resolves when they are durable. */
  take(node: string, batch: Batch): Promise<void>
  /** What /metrics.json shows. */
  packetsJson(): string
  /** Resolves when all that was taken is in the store. */
  settled(): Promise<void>
}

const credits = 32

export function createIngest(config: IngestConfig, deps: IngestDeps, reporter: Reporter): Ingest {
  const { ledger = createStageLedger(nowNs()) } = deps
  const folder = createSegmentFolder(config.dataDir)
  const segments: Segments = createSegments(
    { ...segmentsDefaults, ...config.segments },
    {
      store: deps.store,
      folder,
      ledger,
      journal: deps.journal,
      resolve: labelled(
        createResolve({
          reader: deps.store,
          settled: () => segments.inserted(),
          log: reporter.log,
        }),
        deps.label,
      ),
      onRoom: () => forEachSession((one) => one.resume()),
    },
    reporter,
  )
  const intake = createFrameIntake()
  let fleetKey = new Uint8Array(16)
  const sessions = new Set<Session>()
  const packets = createPacketFeed(segments.tee, reporter)
  const servers: Server[] = []
  const counts = countsOf(reporter)
  const telemetry = createTelemetry(
    config.telemetryAllow ?? [],
    { take, ledger, onEvent: packets.take, counts },
    reporter.child('telemetry'),
  )
  let ledgerTimer: NodeJS.Timeout | undefined
  reporter.gauge('connections', 'Connections of agents', () => sessions.size)

  async function start(): Promise<void> {
    fleetKey = Uint8Array.from(fleetKeyOf(config.dataDir))
    await segments.start()
    for (const address of config.listen) servers.push(await listen(address, accept))
    ledgerTimer = setInterval(writeLedger, config.ledgerIntervalMs ?? 5_000)
  }

  function accept(socket: Socket): void {
    counts.connections.add(1)
    socket.setKeepAlive(true, 30_000)
    const sessionConfig: SessionConfig = {
      version: config.version,
      credits,
      helloMs: config.helloMs ?? 5_000,
      clockMs: config.clockMs ?? 10_000,
      pids: config.pids,
      fleetKey,
    }
    const session: Session = createSession(
      socket,
      sessionConfig,
      {
        intake,
        segments,
        ledger,
        nodes: deps.nodes,
        owners: deps.owners,
        counts,
        onHello: (agent) => replaceOlder(agent, session),
        onTelemetry: telemetry.open,
        onClose: () => sessions.delete(session),
      },
      reporter,
    )
    sessions.add(session)
  }

  /** The older one is most often half dead: its agent has lost it and come again. */
  function replaceOlder(agent: string, newer: Session): void {
    forEachSession((one) => {
      if (one !== newer && one.agent() === agent) one.end(centralError('agent_twice'))
    })
  }

  function writeLedger(): void {
    const rows = ledger.take(nowNs())
    if (rows) segments.append(rows, () => undefined)
    if (segments.isFull()) forEachSession((one) => one.hold())
  }

  function forEachSession(action: (session: Session) => void): void {
    for (const session of [...sessions]) action(session)
  }

  async function stop(): Promise<void> {
    clearInterval(ledgerTimer)
    const closed = servers.map((server) => new Promise((resolve) => server.close(resolve)))
    await telemetry.stop()
    writeLedger()
    await segments.stop()
    forEachSession((one) => one.end(centralError('stopping')))
    await Promise.all(closed)
  }

  async function take(node: string, batch: Batch): Promise<void> {
    const days = byDay(batch).map((day) => {
      const times = timeRange(day)
      const { table, length: rows } = day
      const octets = Uint8Array.from(createBlockEncoder().encode(day))
      const view = createBlockCheck(table)(octets, { rows, ...times })
      const lines = ledger.of(table.name)
      lines.count(node, 'ingest', 'entered', rows)
      lines.count(node, 'ingest', 'left', rows)
      return new Promise<void>((resolve) => {
        segments.append({ table, node, rows, ...times, view, frame: undefined }, resolve)
      })
    })
    await Promise.all(days)
  }

  function addresses(): readonly IngestAddress[] {
    return servers.map((server) => {
      const bound = server.address() as AddressInfo | string
      if (typeof bound === 'string') return { path: bound }
      return { host: bound.address, port: bound.port }
    })
  }

  const { trouble, fresh, settled } = segments
  return {
    name: 'ingest',
    start,
    stop,
    tee: segments.tee,
    take,
    packetsJson: packets.json,
    addresses,
    trouble,
    fresh,
    settled,
  }
}

function labelled(resolve: Resolve, label: IngestDeps['label']): Resolve {
  if (!label) return resolve
  return {
    parts: (parts) => resolve.parts(parts.map(({ node, view }) => ({ node, view: label(view) }))),
  }
}

function countsOf(reporter: Reporter): SessionCounts {
  return {
    frames: reporter.counter('frames_total', 'Frames whose header and checksum were right'),
    rows: reporter.counter('rows_total', 'Flow rows, by taken or duplicate'),
    refusals: reporter.counter('refusals_total', 'Frames and connections refused, by cause'),
    connections: reporter.counter('connections_total', 'Connections accepted'),
  }
}

/** A socket file that is left over is removed: the lock of the data folder says that nobody listens. */
async function listen(address: IngestAddress, accept: (socket: Socket) => void): Promise<Server> {
  const server = createServer(accept)
  const name = 'path' in address ? address.path : `${address.host}:${address.port}`
  if ('path' in address) await rm(address.path, { force: true })
  const before = process.umask(0o177)
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(address, () => resolve())
    })
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EADDRINUSE') {
      throw centralError('address_taken', { details: { address: name }, cause })
    }
    throw new Error(`listening on ${name}: ${messageOf(cause)}`, { cause })
  } finally {
    process.umask(before)
  }
  if ('path' in address) await chmod(address.path, 0o600)
  return server
}

function nowNs(): bigint {
  return BigInt(Date.now()) * 1_000_000n
}
