// The agent's stages inside the process of a command (`--local`): no spool, no central, nothing on disk.

import { randomBytes } from 'node:crypto'
import type { Component, Reporter } from '../common/mod.ts'
import type { ProgramReport } from '../kernel/mod.ts'
import type { Batch } from '../wire/mod.ts'
import { type AgentConfig, probeOptions } from './agent.ts'
import { cgroupMount } from './enrich/cgroups.ts'
import { createEnrich } from './enrich/enrich.ts'
import { createWatch } from './watch.ts'

export type LocalAgentConfig = Pick<AgentConfig, 'node' | 'intervalMs' | 'filter' | 'ringBytes'>

/** The rows of an interval [from, to) in nanoseconds since 1970; the batch is used again afterwards. */
export type OnBatch = (batch: Batch, from: bigint, to: bigint) => void

export interface LocalAgent extends Component {
  programs(): readonly ProgramReport[]
  /** Records known to be lost since the start: what coverage is made of. */
  lost(): number
}

/** `onBatch` is called at the start and each interval, several times for very many rows, and not for none. */
export function createLocalAgent(
  config: LocalAgentConfig,
  deps: { readonly onBatch: OnBatch; readonly onDeath: (error: Error) => void },
  reporter: Reporter,
): LocalAgent {
  const enrich = createEnrich({
    node: config.node,
    key: randomBytes(16),
    cgroupRoot: cgroupMount(),
    own: { tgids: new Set([process.pid]), upstream: undefined },
  })
  let from = BigInt(Date.now()) * 1_000_000n
  let lost = 0
  const onRows = (batch: Batch) => {
    const values = batch.columns['time']?.values as Uint32Array
    deps.onBatch(batch, from, (BigInt(values[1] as number) << 32n) | BigInt(values[0] as number))
  }
  const watch = createWatch(
    { intervalMs: config.intervalMs, probe: probeOptions(config) },
    {
      enrich,
      onRows,
      onInterval: ({ to, snapshot }) => {
        from = to
        lost = snapshot.counters.lost_ring + snapshot.lost
      },
      onDeath: deps.onDeath,
    },
    reporter,
  )
  return {
    name: 'local-agent',
    start: watch.start,
    stop: watch.stop,
    programs: watch.drain.programs,
    lost: () => lost,
  }
}
