// What of the agent's configuration the kernel, the rows of interfaces and the events of packets need to know.

import { createRuleNames, type ProbeOptions } from '../kernel/mod.ts'
import type { AgentConfig } from './agent.ts'
import type { EventsOptions } from './events/events.ts'

/** What the rows of interfaces need to know of the configuration. */
export function interfaceOptions({ filter = {} }: Pick<AgentConfig, 'filter'>) {
  const { netns = 0, sample = 0 } = filter
  return { netns, sampling: sample }
}

/** The kernel's side of the configuration. */
export function probeOptions({
  filter,
  ringBytes,
  xdp,
}: Pick<AgentConfig, 'filter' | 'ringBytes' | 'xdp'>): ProbeOptions {
  return { ...filter, ...(ringBytes === undefined ? {} : { ringBytes }), ...(xdp && { xdp }) }
}

/** Interfaces whose packets become events, with the names of their rules. */
export function packetsOf({
  xdp,
  onPacket,
}: Pick<AgentConfig, 'xdp' | 'onPacket'>): EventsOptions['packets'] {
  if (!xdp) return undefined
  const { interfaces, root, snap } = xdp
  return {
    snap,
    ...(onPacket && { onPacket }),
    interfaces: interfaces.map(({ name, netns }) => {
      const target = { interface: name, root, ...(netns !== undefined && { netns }) }
      return { name, rules: createRuleNames(target) }
    }),
  }
}
