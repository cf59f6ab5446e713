// What /health says of central, from what its parts know.

import type { Health, HealthCheck } from '../api/mod.ts'
import type { Ingest } from './ingest/ingest.ts'
import type { Nodes } from './nodes.ts'

export interface HealthParts {
  readonly version: string
  readonly startedMs: number
  readonly isStoreReady: () => boolean
  readonly trouble: Ingest['trouble']
  readonly nodes: Pick<Nodes, 'list'>
}

const order = ['ok', 'degraded', 'failing'] as const

export function healthOf(parts: HealthParts): Health {
  const trouble = parts.trouble()
  const storeMessage = parts.isStoreReady()
    ? trouble?.place === 'store'
      ? trouble.message
      : ''
    : 'the storage worker is being started'
  const checks: readonly HealthCheck[] = [
    {
      name: 'store',
      status: parts.isStoreReady() ? (storeMessage === '' ? 'ok' : 'degraded') : 'failing',
      message: storeMessage,
    },
    trouble?.place === 'disk'
      ? { name: 'disk', status: 'failing', message: trouble.message }
      : { name: 'disk', status: 'ok', message: '' },
  ]
  const worst = Math.max(...checks.map(({ status }) => order.indexOf(status)))
  return {
    status: order[worst] as Health['status'],
    version: parts.version,
    started: new Date(parts.startedMs).toISOString(),
    checks: [...checks],
    nodes: parts.nodes.list().map((one) => ({
      node: one.node,
      state: one.state,
      last_seen: new Date(one.lastSeenMs).toISOString(),
      interval_ms: one.intervalMs,
      agent: one.agent,
      version: one.version,
    })),
  }
}
