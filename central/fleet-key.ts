// The key of connection ids: one for all agents of a central, so that two nodes that see one connection name it
// alike. Sequence numbers themselves never leave an agent.

import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { keepFile } from '../common/mod.ts'

/** 16 octets, made at the first start and kept in `DATA/fleet.key`. */
export function fleetKeyOf(dataDir: string): Uint8Array {
  return keepFile(
    join(dataDir, 'fleet.key'),
    (octets) => octets.length === 16,
    () => randomBytes(16),
  )
}
