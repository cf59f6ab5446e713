// Who reports, and since when not: silence is shown, never just absent.

import type { Reader } from '../store/mod.ts'
import type { Table } from '../wire/mod.ts'

export type NodeState = 'live' | 'idle' | 'late' | 'gone'

export interface NodeReport {
  readonly node: string
  /** live: rows come. idle: it reports that there are none. late, gone: it does not report. */
  readonly state: NodeState
  readonly lastSeenMs: number
  readonly intervalMs: number
  readonly agent: string
  readonly version: string
}

export interface Nodes {
  /** Nodes of the last day from the ledger in the store, so that one that is gone is known after a restart. */
  load(reader: Reader): Promise<void>
  connected(hello: {
    readonly node: string
    readonly agent: string
    readonly version: string
  }): void
  /** A frame came; one of a table that measures nothing ends an interval. Times in nanoseconds since 1970. */
  reported(node: string, table: Table, timeMaxNs: bigint): void
  list(): readonly NodeReport[]
}

interface Known {
  agent: string
  version: string
  lastSeenMs: number
  /** Of the last frame with flows; 0 for none. */
  lastFlowsMs: number
  lastLedgerNs: bigint
  intervalMs: number
}

const defaultIntervalMs = 5_000
/** An unchanged connection makes one row a minute: longer without any means there is none. */
const idleAfterMs = 90_000
const lateAfterIntervals = 3
const goneAfterMs = 60_000
const goneAfterIntervals = 12

const loadSql = `
  SELECT node, toUnixTimestamp64Milli(max(time)) AS seen_ms,
         toUInt64(argMax(dateDiff('millisecond', start, time), time)) AS interval_ms
  FROM ledger WHERE stage = 'hook' AND time > now() - INTERVAL 1 DAY GROUP BY node`

export function createNodes(nowMs: () => number = Date.now): Nodes {
  const nodes = new Map<string, Known>()

  function known(node: string): Known {
    const found = nodes.get(node)
    if (found) return found
    const fresh: Known = {
      agent: '',
      version: '',
      lastSeenMs: 0,
      lastFlowsMs: 0,
      lastLedgerNs: 0n,
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
    one.lastSeenMs = nowMs()
  }

  function reported(node: string, table: Table, timeMaxNs: bigint): void {
    const one = known(node)
    one.lastSeenMs = nowMs()
    if (table.measured) {
      one.lastFlowsMs = one.lastSeenMs
      return
    }
    const intervalMs = Number((timeMaxNs - one.lastLedgerNs) / 1_000_000n)
    if (intervalMs > 0 && intervalMs < 600_000) one.intervalMs = intervalMs
    one.lastLedgerNs = timeMaxNs
  }

  function stateOf(one: Known): NodeState {
    const silentMs = nowMs() - one.lastSeenMs
    if (silentMs > Math.max(goneAfterMs, goneAfterIntervals * one.intervalMs)) return 'gone'
    if (silentMs > lateAfterIntervals * one.intervalMs) return 'late'
    return nowMs() - one.lastFlowsMs > idleAfterMs ? 'idle' : 'live'
  }

  function list(): readonly NodeReport[] {
    const reports: NodeReport[] = []
    for (const [node, one] of nodes) {
      const { lastSeenMs, intervalMs, agent, version } = one
      reports.push({ node, state: stateOf(one), lastSeenMs, intervalMs, agent, version })
    }
    return reports.toSorted((a, b) => (a.node < b.node ? -1 : 1))
  }

  return { load, connected, reported, list }
}
