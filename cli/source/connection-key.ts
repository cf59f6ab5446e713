// What tells one connection from another among rows in memory.

import type { Row } from '../../wire/mod.ts'

const names = ['src_address', 'src_port', 'dst_address', 'dst_port', 'src_netns', 'dst_netns']

/** The connection's id; attempts without a handshake may have none: their ends and their opening. */
export function connectionKey(row: Row): string {
  if (row['connection_id'] !== '0') return String(row['connection_id'])
  return [...names.map((name) => row[name]), row['start'] ?? row['time']].join(' ')
}
