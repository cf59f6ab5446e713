// Which agent a node's name belongs to. Two agents under one name would measure one host twice and add up to twice
// its bytes, so one of them is refused (docs/design/007-node-names-and-clocks.md).
//
//              HELLO under a free name                  connection closed, 15 s and 3 intervals pass,
//     free ───────────────────────────▶ owned by A ─────────── then HELLO of B ───────────▶ owned by B
//                                        │    ▲                                              frames of B about
//                                        └────┘ HELLO of B before: refused, node_taken       A's time: left out

import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type AppError, messageOf, type Reporter } from '../common/mod.ts'
import { centralError } from './errors.ts'

/** A time in which another agent reported the node; nanoseconds since 1970. */
export interface Reign {
  readonly fromNs: bigint
  readonly toNs: bigint
}

export interface NodeOwners {
  /** Reads who owned what when central last ran. */
  load(): void
  /** The name is the agent's from now on, or the error that refuses it. The agent reports every `intervalMs`. */
  claim(node: string, agent: string, intervalMs: number): AppError | undefined
  /** A connection of the agent ended. */
  closed(node: string, agent: string): void
  /** A frame of the owner that ends at `timeNs`. */
  reported(node: string, timeNs: bigint): void
  /** Whether an interval that ends at `timeNs` is one that another agent has reported already. */
  isReportedByAnother(node: string, timeNs: bigint): boolean
}

interface Owner {
  readonly agent: string
  readonly sinceNs: bigint
  /** Of the owner before this one. */
  readonly before: Reign | undefined
  intervalMs: number
  connections: number
  /** When the last connection ended. */
  closedMs: number
  /** End of the last interval that was reported. */
  toldNs: bigint
}

/** As in the file; bigints as text. */
interface Kept {
  readonly node: string
  readonly agent: string
  readonly since: string
  readonly before?: { readonly from: string; readonly to: string }
}

/** An agent that restarts, or a network that fails for a moment, keeps the name. */
const patienceMs = 15_000
const patienceIntervals = 3
const defaultIntervalMs = 5_000

export function createNodeOwners(
  dataDir: string,
  reporter: Reporter,
  nowMs: () => number = Date.now,
): NodeOwners {
  const file = join(dataDir, 'nodes.json')
  const owners = new Map<string, Owner>()

  function load(): void {
    try {
      for (const kept of JSON.parse(readFileSync(file, 'utf8')) as readonly Kept[]) {
        owners.set(kept.node, ownerOf(kept, nowMs()))
      }
    } catch (error) {
      // Without the file, or with a damaged one, names go to whoever comes first.
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
      owners.clear()
      reporter.log.warn({ file, err: messageOf(error) }, 'reading the owners of node names')
    }
  }

  function claim(node: string, agent: string, intervalMs: number): AppError | undefined {
    const owner = owners.get(node)
    if (owner?.agent === agent) {
      owner.connections++
      owner.intervalMs = intervalMs
      return undefined
    }
    if (owner && !isGone(owner)) return taken(node, owner)
    const toldNs = owner?.toldNs ?? 0n
    const before = owner && toldNs > 0n ? { fromNs: owner.sinceNs, toNs: toldNs } : undefined
    const sinceNs = owner ? BigInt(nowMs()) * 1_000_000n : 0n
    owners.set(node, { agent, sinceNs, before, intervalMs, connections: 1, closedMs: 0, toldNs })
    if (owner) reporter.log.warn({ node, from: owner.agent, to: agent }, 'a node has a new agent')
    save()
    return undefined
  }

  function isGone(owner: Owner): boolean {
    const patience = Math.max(patienceMs, patienceIntervals * owner.intervalMs)
    return owner.connections === 0 && nowMs() - owner.closedMs >= patience
  }

  function closed(node: string, agent: string): void {
    const owner = owners.get(node)
    if (owner?.agent !== agent) return
    owner.connections--
    if (owner.connections === 0) owner.closedMs = nowMs()
  }

  function reported(node: string, timeNs: bigint): void {
    const owner = owners.get(node)
    if (owner && timeNs > owner.toldNs) owner.toldNs = timeNs
  }

  /** Of two intervals that overlap one is left out whole: a moment without rows is said, one counted twice is not. */
  function isReportedByAnother(node: string, timeNs: bigint): boolean {
    const owner = owners.get(node)
    if (!owner?.before) return false
    const intervalNs = BigInt(owner.intervalMs) * 1_000_000n
    return timeNs > owner.before.fromNs && timeNs - intervalNs < owner.before.toNs
  }

  function save(): void {
    const kept = [...owners].map(([node, { agent, sinceNs, before }]): Kept => {
      const reign = before && { from: String(before.fromNs), to: String(before.toNs) }
      return { node, agent, since: String(sinceNs), ...(reign ? { before: reign } : {}) }
    })
    const temporary = `${file}.tmp`
    try {
      writeFileSync(temporary, JSON.stringify(kept), { mode: 0o600 })
      renameSync(temporary, file)
    } catch (error) {
      rmSync(temporary, { force: true })
      reporter.limited.error(
        'owners',
        { err: messageOf(error) },
        'keeping the owners of node names',
      )
    }
  }

  return { load, claim, closed, reported, isReportedByAnother }
}

function ownerOf({ agent, since, before }: Kept, closedMs: number): Owner {
  return {
    agent,
    sinceNs: BigInt(since),
    before: before && { fromNs: BigInt(before.from), toNs: BigInt(before.to) },
    connections: 0,
    closedMs,
    toldNs: 0n,
    intervalMs: defaultIntervalMs,
  }
}

function taken(node: string, { agent, connections }: Owner): AppError {
  const owner = `${agent.slice(0, 8)}, ${connections > 0 ? 'connected' : 'here a moment ago'}`
  return centralError('node_taken', { details: { node, owner } })
}
