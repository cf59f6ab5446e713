// Who reports, and since when not: silence is shown, never just absent.

import type { Reader } from '../store/mod.ts'
import type { Table } from '../wire/mod.ts'
import type { FailedProbe } from './ingest/failed-probes.ts'

export type NodeState = 'live' | 'idle' | 'late' | 'gone'

export interface NodeReport {
  readonly node: string
  /** live: rows come. idle: it reports that there are none. late, gone: it does not report. */
  readonly state: NodeState
  readonly lastSeenMs: number
  readonly intervalMs: number
  readonly agent: string
  readonly version: string
  /** The agent's clock minus ours in milliseconds; undefined before it was heard. */
  readonly clockOffsetMs: number | undefined
  /** Its rows are moved by that, because it is too much. */
  readonly isCorrected: boolean
  /** Of another agent that wanted the name and was refused, lately. */
  readonly refused: string | undefined
  /** Live nodes of the same kernel under other names: each of them reports every connection of the host. */
  readonly sameHost: readonly string[]
  /** What its agent could not open, as it last said: at its start and once a minute. */
  readonly failedProbes: readonly FailedProbe[]
}

export interface Nodes {
  /** Nodes of the last day from the ledger in the store, so that one that is gone is known after a restart. */
  load(reader: Reader): Promise<void>
  connected(hello: {
    readonly node: string
    readonly agent: string
    readonly version: string
    readonly boot: string
    readonly intervalMs: number
  }): void
  /** An agent was refused because the name is another's. */
  refused(node: string, agent: string): void
  /** The clock of the agent was read. */
  clock(node: string, offsetMs: number, isCorrected: boolean): void
  /** A frame came; one of a table that measures nothing says that the agent is there, not that anything happens. */
  reported(node: string, table: Table): void
  /** The agent has reported its programs. */
  failedProbes(node: string, probes: readonly FailedProbe[]): void
  /** A device that is no agent sends flows by that protocol. */
  exports(node: string, protocol: string): void
  list(): readonly NodeReport[]
}

interface Known {
  agent: string
  version: string
  /** Id of the kernel's boot; '' until the agent was heard. */
  boot: string
  clockOffsetMs: number | undefined
  isCorrected: boolean
  refusal: { readonly agent: string; readonly atMs: number } | undefined
  failedProbes: readonly FailedProbe[]
  lastSeenMs: number
  /** Of the last frame with flows; 0 for none. */
  lastFlowsMs: number
  intervalMs: number
}

const defaultIntervalMs = 5_000
const exporterIntervalMs = 60_000
/** An unchanged connection makes one row a minute: longer without any means there is none. */
const idleAfterMs = 90_000
const lateAfterIntervals = 3
const goneAfterMs = 60_000
const goneAfterIntervals = 12
/** An agent that is refused comes again within seconds. */
const refusedForMs = 60_000

const loadSql = `
  SELECT node, toUnixTimestamp64Milli(max(time)) AS seen_ms,
         toUInt64(argMax(dateDiff('millisecond', start, time), time)) AS interval_ms
  FROM ledger WHERE stage IN ('agent', 'hook') AND time > now() - INTERVAL 1 DAY GROUP BY node`

export function createNodes(nowMs: () => number = Date.now): Nodes {
  const nodes = new Map<string, Known>()

  function known(node: string): Known {
    const found = nodes.get(node)
    if (found) return found
    const fresh: Known = {
      agent: '',
      version: '',
      boot: '',
      clockOffsetMs: undefined,
      isCorrected: false,
      refusal: undefined,
      failedProbes: [],
      lastSeenMs: 0,
      lastFlowsMs: 0,
      intervalMs: defaultIntervalMs,
    }
    nodes.set(node, fresh)
    return fresh
  }

  async function load(reader: Reader): Promise<void> {
    for (const row of await reader.read(loadSql)) {
      const one = known(String(row['node']))
      one.lastSeenMs = Math.max(one.lastSeenMs, Number(row['seen_ms']))
      one.intervalMs = Number(row['interval_ms']) || defaultIntervalMs
    }
  }

  function connected(hello: Parameters<Nodes['connected']>[0]): void {
    const one = known(hello.node)
    one.agent = hello.agent
    one.version = hello.version
    one.boot = hello.boot
    one.intervalMs = hello.intervalMs
    one.lastSeenMs = nowMs()
  }

  function reported(node: string, table: Table): void {
    const one = known(node)
    one.lastSeenMs = nowMs()
    if (table.measured) one.lastFlowsMs = one.lastSeenMs
  }

  /** Exporters send when there is something, and their templates about once a minute. */
  function exports(node: string, protocol: string): void {
    const one = known(node)
    one.lastSeenMs = nowMs()
    one.lastFlowsMs = one.lastSeenMs
    if (one.agent !== '') return
    one.version = protocol
    one.intervalMs = exporterIntervalMs
  }

  function refused(node: string, agent: string): void {
    known(node).refusal = { agent, atMs: nowMs() }
  }

  function failedProbes(node: string, probes: readonly FailedProbe[]): void {
    known(node).failedProbes = probes
  }

  function clock(node: string, offsetMs: number, isCorrected: boolean): void {
    Object.assign(known(node), { clockOffsetMs: offsetMs, isCorrected })
  }

  function stateOf(one: Known): NodeState {
    const silentMs = nowMs() - one.lastSeenMs
    if (silentMs > Math.max(goneAfterMs, goneAfterIntervals * one.intervalMs)) return 'gone'
    if (silentMs > lateAfterIntervals * one.intervalMs) return 'late'
    return nowMs() - one.lastFlowsMs > idleAfterMs ? 'idle' : 'live'
  }

  function list(): readonly NodeReport[] {
    const names = [...nodes.keys()].toSorted()
    return names.map((node) => reportOf(node, known(node)))
  }

  function reportOf(node: string, one: Known): NodeReport {
    const { boot, lastFlowsMs, refusal, ...shown } = one
    const isFresh = refusal !== undefined && nowMs() - refusal.atMs < refusedForMs
    return {
      ...shown,
      node,
      state: stateOf(one),
      refused: isFresh ? refusal.agent : undefined,
      sameHost: sameHostAs(node, one),
    }
  }

  function sameHostAs(node: string, one: Known): readonly string[] {
    if (one.boot === '' || stateOf(one) === 'gone') return []
    const same = [...nodes].filter(
      ([name, other]) => name !== node && other.boot === one.boot && stateOf(other) !== 'gone',
    )
    return same.map(([name]) => name)
  }

  return { load, connected, refused, clock, reported, failedProbes, exports, list }
}
