// Sockets ("ends") that Weir knows: each slot keeps the newest record whole, so nothing is decoded before a
// row needs it. Slots are reused; all arrays double together.

import { octet, recordOctets, recordWords, roles, short, word } from '../drain/record.ts'

export interface EndTable {
  capacity: number
  /** Slots below this have been used at least once. */
  high: number
  words: Uint32Array
  shorts: Uint16Array
  octets: Uint8Array
  /** The connection an end belongs to; -1 = a free slot. */
  connection: Int32Array
  /** 0 open, 1 closed by record, 2 vanished without one. */
  closed: Uint8Array
  /** An earlier life of the same cookie that is still known; -1 = none. */
  older: Int32Array
  /** Number of the snapshot that showed the end last. */
  seen: Uint32Array
  /** How many complete snapshots in a row did not show it. */
  missed: Uint8Array
  /** 1 = registered by its tuple, because its pair is not known; 2 = its tuple is ambiguous. */
  byTuple: Uint8Array
  readonly free: number[]
}

export function createEndTable(capacity = 1024): EndTable {
  return { capacity, high: 0, free: [], ...columns(capacity) }
}

/** A slot for a new end; its record and columns are to be filled by the caller. */
export function takeEnd(ends: EndTable): number {
  const reused = ends.free.pop()
  if (reused !== undefined) return reused
  if (ends.high === ends.capacity) grow(ends)
  return ends.high++
}

export function freeEnd(ends: EndTable, slot: number): void {
  ends.connection[slot] = -1
  ends.free.push(slot)
}

/** Copies a whole record into the slot. */
export function copyRecord(ends: EndTable, slot: number, from: Uint32Array, at: number): void {
  const { words } = ends
  const to = slot * recordWords
  for (let index = 0; index < recordWords; index++) words[to + index] = from[at + index] as number
}

export function roleOf(ends: EndTable, slot: number): number {
  return ends.octets[slot * recordOctets + octet.role] as number
}

/** A 64-bit counter of the record as a number; the kernel's stay far below 2^53. */
export function u64At(ends: EndTable, slot: number, member: number): number {
  const at = slot * recordWords + member
  return (ends.words[at] as number) + (ends.words[at + 1] as number) * 0x1_0000_0000
}

export function u32At(ends: EndTable, slot: number, member: number): number {
  return ends.words[slot * recordWords + member] as number
}

export function shortAt(ends: EndTable, slot: number, member: number): number {
  return ends.shorts[slot * recordWords * 2 + member] as number
}

/** Whether the pair of initial sequence numbers is known. */
export function hasPair(ends: EndTable, slot: number): boolean {
  return u32At(ends, slot, word.initiatorSeq) !== 0 || u32At(ends, slot, word.responderSeq) !== 0
}

/** Whether the end opened the connection: by its role, else by the port (the larger one is ephemeral). */
export function isInitiator(ends: EndTable, slot: number): boolean {
  const role = roleOf(ends, slot)
  if (role !== roles.unknown) return role === roles.initiator
  return shortAt(ends, slot, short.localPort) >= shortAt(ends, slot, short.remotePort)
}

function grow(ends: EndTable): void {
  const old = { ...ends }
  ends.capacity *= 2
  Object.assign(ends, columns(ends.capacity))
  ends.words.set(old.words)
  ends.connection.set(old.connection)
  ends.closed.set(old.closed)
  ends.older.set(old.older)
  ends.seen.set(old.seen)
  ends.missed.set(old.missed)
  ends.byTuple.set(old.byTuple)
}

function columns(capacity: number) {
  const words = new Uint32Array(capacity * recordWords)
  return {
    words,
    shorts: new Uint16Array(words.buffer),
    octets: new Uint8Array(words.buffer),
    connection: new Int32Array(capacity).fill(-1),
    closed: new Uint8Array(capacity),
    older: new Int32Array(capacity).fill(-1),
    seen: new Uint32Array(capacity),
    missed: new Uint8Array(capacity),
    byTuple: new Uint8Array(capacity),
  }
}
