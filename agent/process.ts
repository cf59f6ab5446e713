// What the agent knows of the process it runs in.

import { readFileSync } from 'node:fs'

/** This process and, when a supervisor started it, that one: their connections are Weir's own. */
export function ownPids(): Set<number> {
  return new Set(process.connected ? [process.pid, process.ppid] : [process.pid])
}

/** The one version of Weir: that of its package. */
export function readVersion(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { readonly version: string }).version
}
