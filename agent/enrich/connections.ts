// The live state of every connection of the node. Records come in (live ones of a snapshot first, then the
// closed ones of the ring), ends are found by cookie and start, and joined into connections by the pair of
// initial sequence numbers. What is due to be told is decided in report.ts.

import {
  kinds,
  octet,
  ownerIo,
  ownerSourceShift,
  ownerSourceWord,
  recordOctets,
  recordWords,
  roleSeen,
  word,
} from '../drain/record.ts'
import {
  clearFlag,
  flag,
  freeConnection,
  isSet,
  setFlag,
  takeConnection,
} from './connection-table.ts'
import {
  copyRecord,
  type EndTable,
  freeEnd,
  hasPair,
  isInitiator,
  roleOf,
  takeEnd,
  u32At,
} from './end-table.ts'
import { sipHash24 } from './siphash.ts'
import type { Connections } from './state.ts'

/** Takes in whole records. All views are of the same kind of memory: 168 octets a record, aligned. */
export function applyRecords(state: Connections, words: Uint32Array, count: number): void {
  state.counts.records += count
  for (let index = 0; index < count; index++) applyRecord(state, words, index * recordWords)
}

/** After a snapshot that showed everything: ends missing from two in a row have gone without a record. */
export function sweepVanished(state: Connections): void {
  const { ends } = state
  for (let slot = 0; slot < ends.high; slot++) {
    if (ends.connection[slot] === -1 || ends.closed[slot] !== 0) continue
    if (ends.seen[slot] === state.snapshot) continue
    ends.missed[slot] = (ends.missed[slot] as number) + 1
    if ((ends.missed[slot] as number) < 2) continue
    ends.closed[slot] = 2
    state.counts.vanished++
    forgetCookie(state, slot)
  }
}

/** Frees a connection and its ends. */
export function dropConnection(state: Connections, connection: number): void {
  const { table } = state
  for (const slot of [table.src[connection] as number, table.dst[connection] as number]) {
    if (slot >= 0) dropEnd(state, slot)
  }
  if (isSet(table, connection, flag.indexed)) {
    state.byPair.delete(
      table.pair[connection * 2] as number,
      table.pair[connection * 2 + 1] as number,
    )
  }
  freeConnection(table, connection)
}

function applyRecord(state: Connections, words: Uint32Array, at: number): void {
  const { ends } = state
  let slot = findEnd(state, words, at)
  if (slot < 0) {
    if (ends.high - ends.free.length >= state.endsMax) {
      state.counts.full++
      return
    }
    slot = addEnd(state, words, at)
  } else if (ends.closed[slot] === 0) {
    refreshEnd(state, slot, words, at)
  }
  if (ends.octets[slot * recordOctets + octet.kind] === kinds.closed) closeEnd(state, slot)
}

/** An end is a cookie and a start: a socket that connects again is another connection. */
function findEnd(state: Connections, words: Uint32Array, at: number): number {
  const { ends } = state
  const low = words[at + word.cookie] as number
  let slot = state.byCookie.find(low, words[at + word.cookie + 1] as number)
  while (slot >= 0 && !isSameLife(ends, slot, words, at)) slot = ends.older[slot] as number
  return slot
}

function isSameLife(ends: EndTable, slot: number, words: Uint32Array, at: number): boolean {
  const own = slot * recordWords
  const same =
    ends.words[own + word.start] === words[at + word.start] &&
    ends.words[own + word.start + 1] === words[at + word.start + 1]
  if (!same) return false
  const initiator = ends.words[own + word.initiatorSeq] as number
  const responder = ends.words[own + word.responderSeq] as number
  const known = initiator !== 0 || responder !== 0
  const other = words[at + word.initiatorSeq] !== 0 || words[at + word.responderSeq] !== 0
  if (!known || !other) return true
  return initiator === words[at + word.initiatorSeq] && responder === words[at + word.responderSeq]
}

function addEnd(state: Connections, words: Uint32Array, at: number): number {
  const { ends } = state
  const slot = takeEnd(ends)
  copyRecord(ends, slot, words, at)
  ends.closed[slot] = 0
  ends.missed[slot] = 0
  ends.byTuple[slot] = 0
  ends.older[slot] = -1
  ends.seen[slot] = state.snapshot
  if (ends.octets[slot * recordOctets + octet.kind] === kinds.live) rememberCookie(state, slot)
  joinConnection(state, slot)
  state.locality.note(slot)
  return slot
}

function rememberCookie(state: Connections, slot: number): void {
  const low = u32At(state.ends, slot, word.cookie)
  const high = u32At(state.ends, slot, word.cookie + 1)
  state.ends.older[slot] = state.byCookie.find(low, high)
  state.byCookie.set(low, high, slot)
}

function forgetCookie(state: Connections, slot: number): void {
  const { ends, byCookie } = state
  const low = u32At(ends, slot, word.cookie)
  const high = u32At(ends, slot, word.cookie + 1)
  const older = ends.older[slot] as number
  let newer = byCookie.find(low, high)
  ends.older[slot] = -1
  if (newer === slot) {
    if (older < 0) byCookie.delete(low, high)
    else byCookie.set(low, high, older)
    return
  }
  while (newer >= 0 && ends.older[newer] !== slot) newer = ends.older[newer] as number
  if (newer >= 0) ends.older[newer] = older
}

/** Newer counters; of the owner the better knowledge, and of several holders in one snapshot the lowest. */
function refreshEnd(state: Connections, slot: number, words: Uint32Array, at: number): void {
  const { ends } = state
  const own = slot * recordWords
  const hadPair = hasPair(ends, slot)
  const source = ((words[at + ownerSourceWord] as number) >>> ownerSourceShift) & 255
  const known = ends.octets[slot * recordOctets + octet.ownerSource] as number
  const again = ends.seen[slot] === state.snapshot
  const lower = (words[at + word.tgid] as number) < u32At(ends, slot, word.tgid)
  // Whoever read, wrote or closed last is the kernel's own answer; below that, better knowledge stays.
  const told = source >= ownerIo
  const better = told || source > known || (source === known && (!again || lower))
  if (better) copyRecord(ends, slot, words, at)
  else copyButOwner(ends, own, words, at)
  ends.seen[slot] = state.snapshot
  ends.missed[slot] = 0
  if (!hadPair && hasPair(ends, slot)) learnPair(state, slot)
  const connection = ends.connection[slot] as number
  noteOpening(state, connection, slot)
}

function copyButOwner(ends: EndTable, own: number, words: Uint32Array, at: number): void {
  const tgid = ends.words[own + word.tgid] as number
  const uid = ends.words[own + word.uid] as number
  const source = ends.octets[own * 4 + octet.ownerSource] as number
  const comm = ends.words.slice(own + word.comm, own + word.comm + 4)
  for (let index = 0; index < recordWords; index++) {
    ends.words[own + index] = words[at + index] as number
  }
  ends.words[own + word.tgid] = tgid
  ends.words[own + word.uid] = uid
  ends.octets[own * 4 + octet.ownerSource] = source
  ends.words.set(comm, own + word.comm)
}

function closeEnd(state: Connections, slot: number): void {
  if (state.ends.closed[slot] !== 0) return
  state.ends.closed[slot] = 1
  forgetCookie(state, slot)
}

function dropEnd(state: Connections, slot: number): void {
  if (state.ends.closed[slot] === 0) forgetCookie(state, slot)
  state.byTuple.remove(slot)
  freeEnd(state.ends, slot)
}

function joinConnection(state: Connections, slot: number): void {
  const { ends } = state
  const paired = hasPair(ends, slot)
  let connection = paired ? findByPair(state, slot) : findByTuple(state, slot)
  if (connection < 0) connection = state.restored?.connectionOf(state, slot) ?? -1
  if (connection >= 0 && !attach(state, connection, slot)) connection = -1
  if (connection < 0) connection = newConnection(state, slot)
  ends.connection[slot] = connection
  if (!paired) state.byTuple.add(slot)
  noteOpening(state, connection, slot)
}

function newConnection(state: Connections, slot: number): number {
  const { ends, table } = state
  const connection = takeConnection(table)
  if (isInitiator(ends, slot)) table.src[connection] = slot
  else table.dst[connection] = slot
  giveId(state, connection, slot)
  if (hasPair(ends, slot)) indexPair(state, connection, slot)
  state.restored?.claim(state, slot, connection)
  return connection
}

function findByPair(state: Connections, slot: number): number {
  const { ends } = state
  return state.byPair.find(
    u32At(ends, slot, word.initiatorSeq),
    u32At(ends, slot, word.responderSeq),
  )
}

function findByTuple(state: Connections, slot: number): number {
  const peer = state.byTuple.peerOf(slot)
  return peer < 0 ? -1 : (state.ends.connection[peer] as number)
}

/** Puts the end at its side, or at the free one when only the other end knows its role. */
function attach(state: Connections, connection: number, slot: number): boolean {
  const { ends, table } = state
  const src = table.src[connection] as number
  const dst = table.dst[connection] as number
  if (src >= 0 && dst >= 0) return false
  const initiator = isInitiator(ends, slot)
  const side = initiator ? src : dst
  const roleKnown = roleOf(ends, slot) !== 0
  if (side < 0) {
    if (initiator) table.src[connection] = slot
    else table.dst[connection] = slot
  } else {
    const otherKnown = roleOf(ends, side) !== 0
    if (roleKnown && otherKnown) return false
    const swap = roleKnown && !isSet(table, connection, flag.rowSent)
    table.src[connection] = initiator === swap ? slot : side
    table.dst[connection] = initiator === swap ? side : slot
  }
  if (
    isSet(table, connection, flag.endSent) &&
    ends.octets[slot * recordOctets + octet.kind] === kinds.live
  ) {
    clearFlag(table, connection, flag.endSent)
  }
  return true
}

/** The pair came to be known: the connection can be found by it, or another one already is the same. */
function learnPair(state: Connections, slot: number): void {
  const { ends, table } = state
  const own = ends.connection[slot] as number
  state.byTuple.remove(slot)
  const other = findByPair(state, slot)
  const alone = table.src[own] === -1 || table.dst[own] === -1
  if (other < 0) {
    if (!isSet(table, own, flag.rowSent)) giveId(state, own, slot)
    if (!isSet(table, own, flag.indexed)) indexPair(state, own, slot)
  } else if (other !== own && alone && attach(state, other, slot)) {
    freeConnection(table, own)
    ends.connection[slot] = other
  }
}

function indexPair(state: Connections, connection: number, slot: number): void {
  const { table, ends } = state
  const initiator = u32At(ends, slot, word.initiatorSeq)
  const responder = u32At(ends, slot, word.responderSeq)
  if (state.byPair.find(initiator, responder) >= 0) return
  table.pair[connection * 2] = initiator
  table.pair[connection * 2 + 1] = responder
  state.byPair.set(initiator, responder, connection)
  setFlag(table, connection, flag.indexed)
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

/** The initiator's start is the connection's, else the responder's; a seen role makes the direction known. */
function noteOpening(state: Connections, connection: number, slot: number): void {
  const { ends, table } = state
  const at = slot * recordWords
  const seen = (ends.octets[slot * recordOctets + octet.flags] as number) & roleSeen
  if (seen !== 0) setFlag(table, connection, flag.directionKnown)
  const low = ends.words[at + word.start] as number
  const high = ends.words[at + word.start + 1] as number
  if (low === 0 && high === 0) return
  const known = table.start[connection * 2] !== 0 || table.start[connection * 2 + 1] !== 0
  if (known && table.src[connection] !== slot) return
  table.start[connection * 2] = low
  table.start[connection * 2 + 1] = high
}
