// What the agent knows of the process it runs in.

import { networkInterfaces } from 'node:os'

/** This process and, when a supervisor started it, that one: their connections are Weir's own. */
export function ownPids(): Set<number> {
  return new Set(process.connected ? [process.pid, process.ppid] : [process.pid])
}

/** Of the namespace that the agent runs in. */
export function interfaceAddresses(): readonly string[] {
  return Object.values(networkInterfaces()).flatMap(
    (all) => all?.map(({ address }) => address) ?? [],
  )
}
