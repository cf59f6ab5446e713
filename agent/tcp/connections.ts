// The live state of every connection of the node. Records come in (live ones of a snapshot first, then the
// closed ones of the ring), ends are found by cookie and start, and joined into connections (join.ts). What is
// due to be reported is decided in report.ts.

import {
  kinds,
  octet,
  ownerIo,
  ownerSourceShift,
  ownerSourceWord,
  recordOctets,
  recordWords,
  word,
} from '../drain/record.ts'
import { freeConnection, wake } from './connection-table.ts'
import { copyRecord, type EndTable, freeEnd, hasPair, takeEnd, u32At } from './end-table.ts'
import { joinConnection, learnPair, noteOpening, unindex } from './join.ts'
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
  }
}

/** Frees a connection and its ends. */
export function dropConnection(state: Connections, connection: number): void {
  const { table } = state
  dropEnd(state, table.src[connection] as number)
  dropEnd(state, table.dst[connection] as number)
  unindex(state, connection)
  freeConnection(table, connection)
}

function dropEnd(state: Connections, slot: number): void {
  if (slot < 0) return
  if (state.ends.closed[slot] !== 1) forgetCookie(state, slot)
  state.byTuple.remove(slot)
  freeEnd(state.ends, slot)
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
  } else if (ends.closed[slot] !== 1) {
    if (ends.closed[slot] === 2) revive(state, slot)
    refreshEnd(state, slot, words, at)
  }
  if (ends.octets[slot * recordOctets + octet.kind] === kinds.closed) closeEnd(state, slot)
}

/** It was given up as vanished, and is there again: its cookie was kept for that. */
function revive({ ends, table }: Connections, slot: number): void {
  ends.closed[slot] = 0
  wake(table, ends.connection[slot] as number)
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
  const isCertain = source >= ownerIo
  const better = isCertain || source > known || (source === known && (!again || lower))
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
  if (state.ends.closed[slot] === 1) return
  state.ends.closed[slot] = 1
  forgetCookie(state, slot)
}
