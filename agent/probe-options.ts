// What of the agent's configuration the kernel and the rows of interfaces need to know.

import type { ProbeOptions } from '../kernel/mod.ts'
import type { AgentConfig } from './agent.ts'

/** What the rows of interfaces need to know of the configuration. */
export function interfaceOptions({ filter = {} }: Pick<AgentConfig, 'filter'>) {
  const { netns = 0, sample = 0 } = filter
  return { netns, sampling: sample }
}

/** The kernel's side of the configuration. */
export function probeOptions({
  filter,
  ringBytes,
}: Pick<AgentConfig, 'filter' | 'ringBytes'>): ProbeOptions {
  return { ...filter, ...(ringBytes === undefined ? {} : { ringBytes }) }
}
