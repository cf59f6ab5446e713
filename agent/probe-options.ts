// What of the agent's configuration the kernel, the rows of interfaces and the events of packets need to know, and what
// a checkpoint is worth under another one.

import { createHash } from 'node:crypto'
import { createRuleNames, type ProbeOptions } from '../kernel/mod.ts'
import type { AgentConfig } from './config.ts'
import type { EventsOptions } from './events/events.ts'
import { kernelConditions } from './filter/push-down.ts'

type Selection = Pick<AgentConfig, 'filter' | 'ringBytes' | 'rowFilter' | 'xdp'>

/** What the rows of interfaces need to know of the configuration. */
export function interfaceOptions({ filter = {} }: Pick<AgentConfig, 'filter'>) {
  const { netns = 0, sample = 0 } = filter
  return { netns, sampling: sample }
}

/** What another selection of the kernel left out did not end meanwhile: a checkpoint of that one says nothing. */
export function checkpointKey(boot: string, config: Selection): string {
  const { netns = 0, cgroupId = 0n, conditions = [] } = probeOptions(config)
  if (netns === 0 && cgroupId === 0n && conditions.length === 0) return boot
  const asked = conditions.map(({ field, prefixes }) => [
    field,
    prefixes.map(({ octets, bits }) => `${Buffer.from(octets).toString('hex')}/${bits}`),
  ])
  const selection = JSON.stringify([boot, netns, String(cgroupId), asked])
  return createHash('sha256').update(selection).digest('hex').slice(0, 32)
}

/** The kernel's side of the configuration. */
export function probeOptions({ filter, ringBytes, rowFilter, xdp }: Selection): ProbeOptions {
  return {
    ...filter,
    ...kernelConditions(rowFilter),
    ...(ringBytes === undefined ? {} : { ringBytes }),
    ...(xdp && { xdp }),
  }
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
