// What /health says of central, from what its parts know.

import type { HealthCheck, ServerHealth } from '../api/mod.ts'
import type { Ingest } from './ingest/ingest.ts'
import type { NodeReport, Nodes } from './nodes.ts'

export interface HealthParts {
  readonly version: string
  readonly startedMs: number
  readonly isStoreReady: () => boolean
  /** What a question met, when the store did not answer it. */
  readonly readTrouble: () => string | undefined
  readonly trouble: Ingest['trouble']
  readonly nodes: Pick<Nodes, 'list'>
}

/** Of one kind; the rest stands at the nodes. */
const messagesMax = 10
const order = ['ok', 'degraded', 'failing'] as const

export function healthOf(parts: HealthParts): ServerHealth {
  const nodes = parts.nodes.list()
  const checks = [...storeChecks(parts), ...nodeChecks(nodes)]
  const worst = Math.max(...checks.map(({ status }) => order.indexOf(status)))
  return {
    status: order[worst] as HealthCheck['status'],
    version: parts.version,
    started: new Date(parts.startedMs).toISOString(),
    checks,
    nodes: nodes.map((node) => ({
      node: node.node,
      state: node.state,
      last_seen: new Date(node.lastSeenMs).toISOString(),
      interval_ms: node.intervalMs,
      agent: node.agent,
      version: node.version,
      clock_offset_ms: node.clockOffsetMs ?? null,
      message: joined([
        probesMessage(node),
        clockMessage(node),
        refusedMessage(node),
        sameHostMessage(node),
      ]),
    })),
  }
}

function storeChecks({ trouble, isStoreReady, readTrouble }: HealthParts): HealthCheck[] {
  const writes = trouble()
  const failure = isStoreReady() ? readTrouble() : 'the storage worker is being started'
  const message = failure ?? (writes?.place === 'store' ? writes.message : '')
  const status = failure !== undefined ? 'failing' : message === '' ? 'ok' : 'degraded'
  const full = writes?.place === 'disk'
  return [
    { name: 'store', status, message },
    { name: 'disk', status: full ? 'failing' : 'ok', message: full ? writes.message : '' },
  ]
}

/** They do not fail: what is stored is right, or is said to be doubled. */
function nodeChecks(nodes: readonly NodeReport[]): readonly HealthCheck[] {
  const check = (name: string, messageOf: (node: NodeReport) => string): HealthCheck => {
    const messages = nodes.map(messageOf).filter(isSaid)
    return {
      name,
      status: messages.length > 0 ? 'degraded' : 'ok',
      message: messages.slice(0, messagesMax).join('; '),
    }
  }
  return [
    check('agents', (node) => joined([refusedMessage(node), sameHostMessage(node)])),
    check('probes', probesMessage),
    check('clocks', clockMessage),
  ]
}

const isSaid = (message: string) => message !== ''
const joined = (messages: readonly string[]) => messages.filter(isSaid).join('; ')

function probesMessage({ node, state, failedProbes }: NodeReport): string {
  if (state === 'gone') return ''
  const messages = failedProbes.map(({ probe, reason }) => {
    return `the ${probe} probe of ${node} is not open, its rows are missing: ${reason}`
  })
  return messages.join('; ')
}

function clockMessage({ node, state, clockOffsetMs = 0, isCorrected }: NodeReport): string {
  if (!isCorrected || state === 'gone') return ''
  const seconds = Math.round(Math.abs(clockOffsetMs) / 1000)
  const way = clockOffsetMs > 0 ? 'ahead' : 'behind'
  return `the clock of ${node} is ${seconds} s ${way}: its times are corrected by that`
}

function refusedMessage({ node, refused }: NodeReport): string {
  if (refused === undefined) return ''
  return `a second agent (${refused.slice(0, 8)}) reports as ${node} and is refused: stop it, or name it with --node`
}

function sameHostMessage({ node, sameHost }: NodeReport): string {
  if (sameHost.length === 0) return ''
  return `${node} and ${sameHost.join(', ')} are one host with ${sameHost.length + 1} agents: its traffic is there under each of the names`
}
