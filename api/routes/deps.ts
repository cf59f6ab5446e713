// What the routes are given.

import type { Reporter } from '../../common/mod.ts'
import type { FileWriter, Reader } from '../../store/mod.ts'
import type { ExportStatus, ServerHealth } from '../contract/mod.ts'
import type { Ask } from './ask.ts'

export interface RouteDeps {
  readonly reader: Reader
  /** Writes rows into files; without it there are no files to fetch. */
  readonly files?: FileWriter
  readonly health: () => ServerHealth | Promise<ServerHealth>
  /** Who else gets the rows; nobody when left out. */
  readonly exports?: () => readonly ExportStatus[]
  readonly metrics: Reporter['metrics']
  /** The document of /metrics.json; without it there are no packets. */
  readonly packetsJson?: () => string
  readonly ask: Ask
  /** Nanoseconds since 1970. */
  readonly nowNs: () => bigint
}
