// What the enrich stage knows: the ends, the connections, and the ways to find them.

import { createSlotIndex, type SlotIndex } from '../../common/mod.ts'
import { type ConnectionTable, createConnectionTable } from './connection-table.ts'
import { createEndTable, type EndTable } from './end-table.ts'
import { createLocality, type Locality } from './locality.ts'
import { createTupleIndex, type TupleIndex } from './tuple-index.ts'

export interface Connections {
  readonly ends: EndTable
  readonly table: ConnectionTable
  /** Cookie → newest end with it. */
  readonly byCookie: SlotIndex
  /** Pair of sequence numbers → connection. */
  readonly byPair: SlotIndex
  readonly byTuple: TupleIndex
  readonly locality: Locality
  /** What the checkpoint of an earlier agent knows, until the first complete snapshot is in. */
  restored: Restored | undefined
  /** Key of the connection id, four u32. */
  /** Of connection ids; central may hand out another one. */
  key: Uint32Array
  /** Number of the snapshot in progress. */
  snapshot: number
  readonly endsMax: number
  /** What happened since the counts were last taken. */
  readonly counts: ConnectionCounts
}

export interface ConnectionCounts {
  records: number
  /** Records that are no end of the tables, for want of room. */
  full: number
  vanished: number
  /** Connections of which rows were reported under two ids, before their ends were known to be one. */
  split: number
  /** Deferred connections that turned out to be another one: their row is no longer due. */
  waitingMerged: number
}

/** Entries of a checkpoint, given to the sockets that they belong to. */
export interface Restored {
  /** Whether an entry is of this end, or of its pair. */
  knows(slot: number): boolean
  /** The connection that the end's entry was already given to, or −1. */
  connectionOf(slot: number): number
  /** Continues an entry in the connection that this end has joined, if there is one for it. */
  claim(slot: number, connection: number): void
  /** Entries that no socket claimed: they ended while no agent watched. */
  unclaimed(): number
}

export const noCounts: Readonly<ConnectionCounts> = {
  records: 0,
  full: 0,
  vanished: 0,
  split: 0,
  waitingMerged: 0,
}

export function createConnections(key: Uint32Array, endsMax = 2_000_000): Connections {
  const ends = createEndTable()
  return {
    ends,
    table: createConnectionTable(),
    byCookie: createSlotIndex(),
    byPair: createSlotIndex(),
    byTuple: createTupleIndex(ends),
    locality: createLocality(ends),
    restored: undefined,
    key,
    snapshot: 0,
    endsMax,
    counts: { ...noCounts },
  }
}
