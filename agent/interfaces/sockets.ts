// Which connection of a socket here a conversation belongs to: by the tuple of either end. Through NAT only one of the
// ends has the tuple that passed.

import { endsOfRecords, type TupleLayout } from '../events/tuples.ts'
import { flag, isSet } from '../tcp/connection-table.ts'
import { hasPair } from '../tcp/end-table.ts'
import type { Connections } from '../tcp/state.ts'
import { type Conversations, mark, tuple, tupleWords } from './conversations.ts'

/** The tuple of a conversation, then the namespace. */
const wanted = tupleWords + 2
const layout: TupleLayout = {
  bytes: wanted * 4,
  source: tuple.a,
  destination: tuple.b,
  netns: tupleWords,
  source_port: tuple.ports * 4,
  destination_port: tuple.ports * 4 + 2,
  protocol: tuple.kind * 4,
}
const tcp = 6
/** A socket may come to be known an interval later than its packets. */
const triesMax = 3

/** Gives conversations of this interval the connection, its id and its orientation. */
export function joinSockets(conversations: Conversations, state: Connections, netns: number): void {
  const { table } = conversations
  const looked = conversations.touched.filter((slot) => isWanted(conversations, slot))
  if (looked.length === 0) return
  const words = new Uint32Array(looked.length * wanted)
  for (const [at, slot] of looked.entries()) {
    table.tries[slot] = (table.tries[slot] as number) + 1
    words.set(table.tuple.subarray(slot * tupleWords, (slot + 1) * tupleWords), at * wanted)
    words[at * wanted + tupleWords] = netns
  }
  const { src: ofA, dst: ofB } = endsOfRecords(words, looked.length, state.ends, layout)
  for (const [at, slot] of looked.entries()) {
    const [a, b] = [ofA[at] as number, ofB[at] as number]
    const end = a >= 0 ? a : b
    if (end >= 0) join(conversations, slot, state, { end, isA: a >= 0 })
  }
}

function isWanted({ table }: Conversations, slot: number): boolean {
  const protocol = (table.tuple[slot * tupleWords + tuple.kind] as number) & 0xff
  const isOpen = (table.connection[slot] as number) < 0 && (table.tries[slot] as number) < triesMax
  return protocol === tcp && isOpen
}

interface FoundEnd {
  readonly end: number
  readonly isA: boolean
}

function join(
  { table }: Conversations,
  slot: number,
  ...[state, { end, isA }]: [Connections, FoundEnd]
): void {
  const connection = state.ends.connection[end] as number
  // A connection in its handshake has an id that it may not keep.
  if (!hasPair(state.ends, end) && state.ends.closed[end] === 0) return
  const isSource = state.table.src[connection] === end
  let flags = (table.flags[slot] as number) & ~(mark.reversed | mark.directionKnown)
  flags |= mark.oriented | mark.named
  if (isSource !== isA) flags |= mark.reversed
  if (isSet(state.table, connection, flag.directionKnown)) flags |= mark.directionKnown
  table.flags[slot] = flags
  table.connection[slot] = connection
  for (const half of [0, 1]) {
    table.id[slot * 2 + half] = state.table.id[connection * 2 + half] as number
  }
}

/** The connection whose id the conversation has, if the stage enrich still knows it; −1 = not. */
export function connectionOf({ table }: Conversations, slot: number, state: Connections): number {
  const connection = table.connection[slot] as number
  if (connection < 0 || state.table.flags[connection] === 0) return -1
  for (const half of [0, 1]) {
    if (table.id[slot * 2 + half] !== state.table.id[connection * 2 + half]) return -1
  }
  return connection
}
