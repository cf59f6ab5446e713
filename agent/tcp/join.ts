// Which connection an end belongs to: the one with the same pair of initial sequence numbers, or, for an end whose
// pair is not known yet, the one whose end has the swapped tuple. An end that fits none begins a connection.

import { sipHash24 } from '../../wire/mod.ts'
import { octet, recordOctets, recordWords, roleSeen, word } from '../drain/record.ts'
import {
  flag,
  freeConnection,
  isSet,
  outdate,
  setFlag,
  takeConnection,
  wake,
} from './connection-table.ts'
import { hasPair, isInitiator, roleOf, u32At, u64At } from './end-table.ts'
import type { Connections } from './state.ts'

/** How much earlier than the initiator's start a responder's may be: they come from two clocks. */
const startSlackNs = 1e6

/** Gives a new end its connection. */
export function joinConnection(state: Connections, slot: number): void {
  const { ends } = state
  const paired = hasPair(ends, slot)
  let connection = paired ? findByPair(state, slot) : -1
  const known = paired && state.restored?.knows(slot) === true
  if (connection < 0 && !known) connection = findByTuple(state, slot, paired)
  if (connection < 0) connection = state.restored?.connectionOf(slot) ?? -1
  if (connection >= 0 && !attach(state, connection, slot)) connection = -1
  if (connection < 0) connection = newConnection(state, slot)
  ends.connection[slot] = connection
  state.restored?.claim(slot, connection)
  if (paired) identify(state, connection, slot)
  else state.byTuple.add(slot)
  noteOpening(state, connection, slot)
}

/** The pair came to be known: the connection can be found by it, or another one already is the same. */
export function learnPair(state: Connections, slot: number): void {
  const { ends } = state
  const own = ends.connection[slot] as number
  state.byTuple.remove(slot)
  const other = findByPair(state, slot)
  if (other < 0) identify(state, own, slot)
  else if (other !== own && isAlone(state, own)) merge(state, own, other)
}

/** The initiator's start is the connection's, else the responder's; a seen role makes the direction known. */
export function noteOpening(state: Connections, connection: number, slot: number): void {
  const { ends, table } = state
  const at = slot * recordWords
  const seen = (ends.octets[slot * recordOctets + octet.flags] as number) & roleSeen
  if (seen !== 0) setFlag(table, connection, flag.directionKnown)
  const low = ends.words[at + word.start] as number
  const high = ends.words[at + word.start + 1] as number
  if (low === 0 && high === 0) return
  const knownLow = table.start[connection * 2] as number
  const knownHigh = table.start[connection * 2 + 1] as number
  if (knownLow === low && knownHigh === high) return
  if ((knownLow !== 0 || knownHigh !== 0) && table.src[connection] !== slot) return
  outdate(table, connection)
  table.start[connection * 2] = low
  table.start[connection * 2 + 1] = high
}

function newConnection(state: Connections, slot: number): number {
  const { ends, table } = state
  const connection = takeConnection(table)
  if (isInitiator(ends, slot)) table.src[connection] = slot
  else table.dst[connection] = slot
  giveId(state, connection, slot)
  if (hasPair(ends, slot)) indexPair(state, connection, slot)
  return connection
}

function findByPair(state: Connections, slot: number): number {
  const { ends } = state
  return state.byPair.find(
    u32At(ends, slot, word.initiatorSeq),
    u32At(ends, slot, word.responderSeq),
  )
}

/** The connection of the end that dials this one. A pair rules out an attempt that is over, began later or has one. */
function findByTuple(state: Connections, slot: number, paired: boolean): number {
  const { ends, byTuple } = state
  if (byTuple.size() === 0) return -1
  const peer = byTuple.peerOf(slot)
  if (peer < 0) return -1
  const connection = ends.connection[peer] as number
  if (paired) {
    if (isSet(state.table, connection, flag.indexed)) return -1
    if (ends.closed[peer] === 1) return -1
    const start = u64At(ends, slot, word.start)
    if (start === 0 || u64At(ends, peer, word.start) > start + startSlackNs) return -1
  }
  return connection
}

/** Puts the end at its side, or at the free one when only the other end knows its role. */
function attach(state: Connections, connection: number, slot: number): boolean {
  if (!sit(state, connection, slot)) return false
  wake(state.table, connection)
  return true
}

function sit(state: Connections, connection: number, slot: number): boolean {
  const { ends, table } = state
  displaceStranger(state, connection, slot)
  const src = table.src[connection] as number
  const dst = table.dst[connection] as number
  if (src >= 0 && dst >= 0) return false
  if (src < 0 && dst < 0) return sitOpposite(state, connection, slot)
  const initiator = isInitiator(ends, slot)
  const side = initiator ? src : dst
  if (side < 0) {
    if (initiator) table.src[connection] = slot
    else table.dst[connection] = slot
    return true
  }
  const roleKnown = roleOf(ends, slot) !== 0
  if (roleKnown && roleOf(ends, side) !== 0) return false
  const swap = roleKnown && !isSet(table, connection, flag.rowSent)
  table.src[connection] = initiator === swap ? slot : side
  table.dst[connection] = initiator === swap ? side : slot
  return true
}

/** Of a restored connection that has ended only the side of the end that was seen is known. */
function sitOpposite({ ends, table }: Connections, connection: number, slot: number): boolean {
  const srcSeen = isSet(table, connection, flag.srcSeen)
  const dstSeen = isSet(table, connection, flag.dstSeen)
  const isSrc = srcSeen === dstSeen ? isInitiator(ends, slot) : dstSeen
  if (isSrc) table.src[connection] = slot
  else table.dst[connection] = slot
  return true
}

/** An end was joined by its tuple, and now one with the connection's own pair comes: the first was a stranger. */
function displaceStranger(state: Connections, connection: number, slot: number): void {
  const { ends, table } = state
  const src = table.src[connection] as number
  const dst = table.dst[connection] as number
  if (src < 0 || dst < 0 || !hasPair(ends, slot)) return
  for (const seats of [table.src, table.dst]) {
    const stranger = seats[connection] as number
    if (hasPair(ends, stranger)) continue
    seats[connection] = -1
    const own = newConnection(state, stranger)
    ends.connection[stranger] = own
    noteOpening(state, own, stranger)
    outdate(table, connection) // another cookie in the same seat
    return
  }
}

function isAlone({ table }: Connections, connection: number): boolean {
  return table.src[connection] === -1 || table.dst[connection] === -1
}

/** Two connections of one end each are the same one. The one that was reported stays: its id is known outside. */
function merge(state: Connections, own: number, other: number): void {
  const { table } = state
  const ownSent = isSet(table, own, flag.rowSent)
  const otherSent = isSet(table, other, flag.rowSent)
  if (ownSent && !otherSent && isAlone(state, other)) {
    unindex(state, other)
    move(state, other, own)
    return
  }
  if (move(state, own, other) && ownSent) state.counts.split++
}

/** Moves the only end of a connection to another one; the first is then no more. */
function move(state: Connections, from: number, to: number): boolean {
  const { ends, table } = state
  const slot = Math.max(table.src[from] as number, table.dst[from] as number)
  if (!attach(state, to, slot)) return false
  ends.connection[slot] = to
  identify(state, to, slot)
  noteOpening(state, to, slot)
  if (isSet(table, from, flag.waiting)) state.counts.waitingMerged++
  freeConnection(table, from)
  return true
}

/** Makes the connection known by the pair of this end, unless it is known by one. */
function identify(state: Connections, connection: number, slot: number): void {
  const { table } = state
  if (isSet(table, connection, flag.indexed)) return
  if (!isSet(table, connection, flag.rowSent)) giveId(state, connection, slot)
  indexPair(state, connection, slot)
}

function indexPair(state: Connections, connection: number, slot: number): void {
  const { ends } = state
  const initiator = u32At(ends, slot, word.initiatorSeq)
  const responder = u32At(ends, slot, word.responderSeq)
  setPair(state, connection, initiator, responder)
}

/** The connection is found by this pair from now on, unless another one already is. */
export function setPair(
  state: Connections,
  connection: number,
  initiator: number,
  responder: number,
): void {
  const { table } = state
  if (state.byPair.find(initiator, responder) >= 0) return
  table.pair[connection * 2] = initiator
  table.pair[connection * 2 + 1] = responder
  state.byPair.set(initiator, responder, connection)
  setFlag(table, connection, flag.indexed)
}

/** The pair leads to the connection no more. */
export function unindex({ table, byPair }: Connections, connection: number): void {
  if (!isSet(table, connection, flag.indexed)) return
  byPair.delete(table.pair[connection * 2] as number, table.pair[connection * 2 + 1] as number)
}

const message = new Uint32Array(4)
const id = new Uint32Array(2)

/** The keyed hash of the pair, or, without one, of cookie and start (other length, other hash). */
function giveId(state: Connections, connection: number, slot: number): void {
  const { ends, table, key } = state
  if (hasPair(ends, slot)) {
    message[0] = u32At(ends, slot, word.initiatorSeq)
    message[1] = u32At(ends, slot, word.responderSeq)
    message[2] = 0
    message[3] = 8 << 24
  } else {
    message[0] = u32At(ends, slot, word.cookie)
    message[1] = u32At(ends, slot, word.cookie + 1)
    message[2] = u32At(ends, slot, word.start)
    message[3] = (12 << 24) | (u32At(ends, slot, word.start + 1) & 0xff_ffff)
  }
  sipHash24(key, message, id)
  table.id[connection * 2] = id[0] as number
  table.id[connection * 2 + 1] = id[1] as number
}
