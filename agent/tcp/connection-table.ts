// Connections: one or two ends and what was already reported of them. Counters are kept per direction,
// so a connection may gain or lose an end between intervals and still count every byte once.

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

export interface ConnectionTable {
  capacity: number
  high: number
  used: number
  /** End slots; -1 = not on this node, or not seen yet. */
  src: Int32Array
  dst: Int32Array
  flags: Uint16Array
  /** The pair of initial sequence numbers, when indexed. */
  pair: Uint32Array
  /** connection_id as u32 halves. */
  id: Uint32Array
  /** When it was opened, boot nanoseconds as u32 halves; 0 = not known. */
  start: Uint32Array
  /** Six totals as last reported (offsets: `total`); −1 = never. */
  reported: Float64Array
  /** TCP state of the last row. */
  state: Uint8Array
  /** Milliseconds since 1970 of the last row. */
  lastRow: Float64Array
  /** Its turn in a queue of late-peers.ts; 0 = in none. */
  turn: Uint32Array
  /** What the last checkpoint said of the slot (entries.ts); it outlives the connection. */
  said: Uint8Array
  readonly free: number[]
  /** Turns given so far. */
  turns: number
}

export function createConnectionTable(capacity = 1024): ConnectionTable {
  return { capacity, high: 0, used: 0, free: [], turns: 0, ...columns(capacity) }
}

/** A fresh connection with no ends. */
export function takeConnection(table: ConnectionTable): number {
  const slot = table.free.pop() ?? next(table)
  table.used++
  table.src[slot] = -1
  table.dst[slot] = -1
  table.flags[slot] = flag.used
  table.turn[slot] = 0
  table.start[slot * 2] = 0
  table.start[slot * 2 + 1] = 0
  table.state[slot] = 0
  for (let index = 0; index < totals; index++) table.reported[slot * totals + index] = -1
  return slot
}

export function freeConnection(table: ConnectionTable, slot: number): void {
  table.flags[slot] = 0
  table.turn[slot] = 0
  outdate(table, slot)
  table.used--
  table.free.push(slot)
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

function next(table: ConnectionTable): number {
  if (table.high === table.capacity) grow(table)
  return table.high++
}

function grow(table: ConnectionTable): void {
  const old = { ...table }
  table.capacity *= 2
  Object.assign(table, columns(table.capacity))
  for (const name of [
    'src',
    'dst',
    'flags',
    'said',
    'pair',
    'id',
    'start',
    'state',
    'turn',
  ] as const) {
    table[name].set(old[name])
  }
  table.reported.set(old.reported)
  table.lastRow.set(old.lastRow)
}

function columns(capacity: number) {
  return {
    src: new Int32Array(capacity).fill(-1),
    dst: new Int32Array(capacity).fill(-1),
    flags: new Uint16Array(capacity),
    pair: new Uint32Array(capacity * 2),
    id: new Uint32Array(capacity * 2),
    start: new Uint32Array(capacity * 2),
    reported: new Float64Array(capacity * totals),
    state: new Uint8Array(capacity),
    lastRow: new Float64Array(capacity),
    turn: new Uint32Array(capacity),
    said: new Uint8Array(capacity),
  }
}
