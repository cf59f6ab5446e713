// What an agent is started with.

import type { ProbeOptions, XdpEvent, XdpWatch } from '../kernel/mod.ts'
import type { AgentFilter, SeriesConfig } from '../wire/mod.ts'
import type { ConnectionEventChoice } from './events/connection-events.ts'
import type { SpoolLimits } from './spool/spool.ts'
import type { Upstream } from './stream/stream.ts'

export interface AgentConfig {
  readonly dataDir: string
  /** Name of this host in rows. */
  readonly node: string
  readonly intervalMs: number
  /** How far this host's clock is made to be off; for tests. */
  readonly clockShiftMs?: number
  readonly upstream: Upstream
  /** Only these sockets; the kernel leaves the rest out and counts it. */
  readonly filter?: Omit<ProbeOptions, 'ringBytes'>
  readonly ringBytes?: number
  /** Only rows that pass are reported; all when not given. */
  readonly rowFilter?: AgentFilter
  /** Which connections have events: all when not given. */
  readonly connectionEvents?: ConnectionEventChoice
  /** Interfaces whose packets become events; none when not given. */
  readonly xdp?: XdpWatch
  /** Gets each packet of these interfaces as it comes. */
  readonly onPacket?: (event: XdpEvent) => void
  readonly spool?: SpoolLimits
  /** Where the agent's own /metrics and /health are, when it runs alone. */
  readonly metrics?: { readonly host: string; readonly port: number }
  /** Where XDP programs are pinned, whose rules are reported; none when not given. */
  readonly pinRoot?: string
  /** The series of flows and events there; none when not given. */
  readonly series?: Omit<SeriesConfig, 'metrics'>
}
