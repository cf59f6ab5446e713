// Connections: one or two ends and what was already reported of them. Counters are kept per direction,
// so a connection may gain or lose an end between intervals and still count every byte once.

import { column, type SlotTable, slotsOf } from './slot-table.ts'

/** Offsets into the six totals of a connection in `reported`. */
export const total = {
  bytes: 0,
  reverseBytes: 1,
  packets: 2,
  reversePackets: 3,
  retransmits: 4,
  reverseRetransmits: 5,
} as const
export const totals = 6

export const flag = {
  used: 1,
  /** A row was reported: orientation and id are fixed. */
  rowSent: 2,
  /** The opening was observed at one of the ends. */
  directionKnown: 4,
  /** The row with the end was reported. */
  endSent: 8,
  /** Deferred once while it was open. */
  deferredOpen: 16,
  /** The pair index points here. */
  indexed: 32,
  /** Weir's own: reported to nobody. */
  own: 64,
  /** Deferred once since it has ended. */
  deferredEnd: 128,
  /** Its end was reported, it has no open end, and nothing came since: it rests in a queue (late-peers.ts). */
  resting: 256,
  /** A row named both ends. */
  bothNamed: 512,
  /** Ended, and the address of the end that was not seen is one of this node. */
  peerHere: 1024,
  /** Restored without its ends: the one at this side was seen by the agent before. */
  srcSeen: 2048,
  dstSeen: 4096,
  /** A row of it is due and deferred. */
  waiting: 8192,
} as const

/** Bits of `said` that are not in entries.ts alone. */
export const said = { entry: 128, outdated: 64 } as const

const columns = {
  /** End slots; -1 = not on this node, or not seen yet. */
  src: column(Int32Array, { empty: -1 }),
  dst: column(Int32Array, { empty: -1 }),
  flags: column(Uint16Array),
  /** The pair of initial sequence numbers, when indexed. */
  pair: column(Uint32Array, { width: 2 }),
  /** connection_id as u32 halves. */
  id: column(Uint32Array, { width: 2 }),
  /** When it was opened, boot nanoseconds as u32 halves; 0 = not known. */
  start: column(Uint32Array, { width: 2 }),
  /** Six totals as last reported (offsets: `total`); −1 = never. */
  reported: column(Float64Array, { width: totals, empty: -1 }),
  /** TCP state of the last row. */
  state: column(Uint8Array),
  /** Milliseconds since 1970 of the last row. */
  lastRow: column(Float64Array),
  /** Its turn in a queue of late-peers.ts; 0 = in none. */
  turn: column(Uint32Array),
  /** What the last checkpoint said of the slot (entries.ts); it outlives the connection. */
  said: column(Uint8Array, { kept: true }),
}

export type ConnectionTable = SlotTable<typeof columns> & {
  used: number
  /** Turns given so far. */
  turns: number
}

const slots = slotsOf(columns)

export function createConnectionTable(): ConnectionTable {
  return Object.assign(slots.create(), { used: 0, turns: 0 })
}

/** A fresh connection with no ends. */
export function takeConnection(table: ConnectionTable): number {
  const slot = slots.take(table)
  table.used++
  table.flags[slot] = flag.used
  return slot
}

export function freeConnection(table: ConnectionTable, slot: number): void {
  table.flags[slot] = 0
  table.turn[slot] = 0
  outdate(table, slot)
  table.used--
  slots.free(table, slot)
}

/** Something came of a connection that rested: it leaves its queue. */
export function wake(table: ConnectionTable, slot: number): void {
  clearFlag(table, slot, flag.resting)
  table.turn[slot] = 0
}

/** What the last checkpoint said of the slot holds no more. */
export function outdate(table: ConnectionTable, slot: number): void {
  table.said[slot] = (table.said[slot] as number) | said.outdated
}

export function isSet(table: ConnectionTable, slot: number, bit: number): boolean {
  return ((table.flags[slot] as number) & bit) !== 0
}

export function setFlag(table: ConnectionTable, slot: number, bit: number): void {
  table.flags[slot] = (table.flags[slot] as number) | bit
}

export function clearFlag(table: ConnectionTable, slot: number, bit: number): void {
  table.flags[slot] = (table.flags[slot] as number) & ~bit
}
