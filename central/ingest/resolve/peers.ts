// Which node counts a connection that two nodes may see, and what the other one says of its end. Chosen once per
// connection and kept:
//
//   first row, of node A ──▶ A counts ──┬─ rows of A: counted, with B's end as soon as it is known
//   both halves in one segment:         └─ rows of B: kept, not counted
//   the initiator's node counts
//
// Forgotten three minutes after its last row: an open connection makes one a minute.

import type { FarEnd } from './far-end.ts'

export interface Peer {
  /** The upper half of the connection's id: the key of the table holds 53 of its 64 bits. */
  readonly high: number
  /** The node whose rows count. */
  node: string
  /** Chosen by an earlier segment: the choice stands. */
  settled: boolean
  /** The end that the other node sees; undefined until its first row. */
  far: FarEnd | undefined
  /** Counted rows that were written without it. */
  bare: number
  lastMs: number
}

export interface Peers {
  /** The connection of that id (low, high half), made when it is not known. Undefined when the table is full of others. */
  of(low: number, high: number, node: string): Peer | undefined
  /** Forgets what has had no row for three minutes. */
  sweep(): void
  size(): number
}

const forgetAfterMs = 180_000
const peersMax = 1_000_000

export function createPeers(nowMs: () => number = Date.now, most = peersMax): Peers {
  /** In the order of their first row. */
  const table = new Map<number, Peer>()

  function find(low: number, high: number, node: string): Peer | undefined {
    const key = (high & 0x1f_ffff) * 0x1_0000_0000 + low
    const known = table.get(key)
    if (known) {
      if (known.high !== high) return undefined
      known.lastMs = nowMs()
      return known
    }
    if (table.size >= most) table.delete(table.keys().next().value as number)
    const peer: Peer = { high, node, settled: false, far: undefined, bare: 0, lastMs: nowMs() }
    table.set(key, peer)
    return peer
  }

  function sweep(): void {
    const oldest = nowMs() - forgetAfterMs
    for (const [key, { lastMs }] of table) if (lastMs < oldest) table.delete(key)
  }

  return { of: find, sweep, size: () => table.size }
}
