// Sockets ("ends") that Weir knows: each slot keeps the newest record whole, so nothing is decoded before a
// row needs it. Slots are reused.

import { octet, recordOctets, recordWords, roles, short, word } from '../drain/record.ts'
import { column, type SlotTable, slotsOf, view } from './slot-table.ts'

const columns = {
  /** The newest record; who takes the slot copies it. */
  words: column(Uint32Array, { width: recordWords, kept: true }),
  shorts: view(Uint16Array, 'words'),
  octets: view(Uint8Array, 'words'),
  /** The connection an end belongs to; -1 = a free slot. */
  connection: column(Int32Array, { empty: -1 }),
  /** 0 open, 1 closed by record, 2 vanished without one. */
  closed: column(Uint8Array),
  /** An earlier life of the same cookie that is still known; -1 = none. */
  older: column(Int32Array, { empty: -1 }),
  /** Number of the snapshot that showed the end last. */
  seen: column(Uint32Array),
  /** How many complete snapshots in a row did not show it. */
  missed: column(Uint8Array),
  /** Which of its events were reported: bits of `reported` (events/connection-events.ts). */
  events: column(Uint8Array),
  /** 1 = registered by its tuple, because its pair is not known; 2 = its tuple is ambiguous. */
  byTuple: column(Uint8Array),
}

export type EndTable = SlotTable<typeof columns>

const slots = slotsOf(columns)

export function createEndTable(): EndTable {
  return slots.create()
}

/** A slot for a new end; its record is to be copied by the caller. */
export function takeEnd(ends: EndTable): number {
  return slots.take(ends)
}

export function freeEnd(ends: EndTable, slot: number): void {
  ends.connection[slot] = -1
  slots.free(ends, slot)
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
