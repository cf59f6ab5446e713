// Finds the other end of a connection by its swapped 5-tuple, for ends whose pair of sequence numbers is not
// known (failed handshakes). A tuple that two sockets share (two namespaces with the same addresses) joins nothing.

import { createSlotIndex } from '../../common/mod.ts'
import { octet, recordOctets, recordWords, short, word } from '../drain/record.ts'
import { type EndTable, shortAt, u32At } from './end-table.ts'

export interface TupleIndex {
  add(slot: number): void
  remove(slot: number): void
  /** The one end whose tuple is this one's swapped, or -1. */
  peerOf(slot: number): number
  size(): number
}

export function createTupleIndex(ends: EndTable): TupleIndex {
  const index = createSlotIndex()
  const key = new Uint32Array(2)

  function add(slot: number): void {
    tupleKey(ends, slot, word.local, word.remote, key)
    const other = index.find(key[0] as number, key[1] as number)
    // One that is over has no peer to come, and of two in one namespace the older one must be over.
    const isOver = other >= 0 && (ends.closed[other] !== 0 || isSameNamespace(ends, other, slot))
    if (other >= 0 && !isOver) {
      ends.byTuple[other] = 2
      ends.byTuple[slot] = 2
      return
    }
    ends.byTuple[slot] = 1
    index.set(key[0] as number, key[1] as number, slot)
  }

  function remove(slot: number): void {
    if (ends.byTuple[slot] === 0) return
    ends.byTuple[slot] = 0
    tupleKey(ends, slot, word.local, word.remote, key)
    if (index.find(key[0] as number, key[1] as number) === slot) {
      index.delete(key[0] as number, key[1] as number)
    }
  }

  function peerOf(slot: number): number {
    if (ends.byTuple[slot] === 2) return -1
    tupleKey(ends, slot, word.remote, word.local, key)
    const peer = index.find(key[0] as number, key[1] as number)
    if (peer < 0 || peer === slot || ends.byTuple[peer] !== 1) return -1
    return isSwapped(ends, slot, peer) ? peer : -1
  }

  return { add, remove, peerOf, size: () => index.size() }
}

function isSameNamespace(ends: EndTable, a: number, b: number): boolean {
  return u32At(ends, a, word.netns) === u32At(ends, b, word.netns)
}

/** Two 32-bit hashes over address and port of both sides, `first` before the other. */
function tupleKey(
  ends: EndTable,
  slot: number,
  first: number,
  second: number,
  key: Uint32Array,
): void {
  const local = shortAt(ends, slot, short.localPort)
  const remote = shortAt(ends, slot, short.remotePort)
  const swapped = first === word.remote
  let low = swapped ? (remote << 16) | local : (local << 16) | remote
  let high = low ^ 0x5bd1_e995
  for (const member of [first, second]) {
    for (let index = 0; index < 4; index++) {
      const part = u32At(ends, slot, member + index)
      low = Math.imul(low ^ part, 0x0100_0193) ^ (low >>> 15)
      high = Math.imul(high ^ part, 0x85eb_ca6b) ^ (high >>> 13)
    }
  }
  key[0] = low
  key[1] = high
}

function isSwapped(ends: EndTable, a: number, b: number): boolean {
  if (shortAt(ends, a, short.localPort) !== shortAt(ends, b, short.remotePort)) return false
  if (shortAt(ends, a, short.remotePort) !== shortAt(ends, b, short.localPort)) return false
  for (let index = 0; index < 4; index++) {
    if (u32At(ends, a, word.local + index) !== u32At(ends, b, word.remote + index)) return false
    if (u32At(ends, a, word.remote + index) !== u32At(ends, b, word.local + index)) return false
  }
  return !isLoopback(ends, a) || u32At(ends, a, word.netns) === u32At(ends, b, word.netns)
}

/** 127.0.0.0/8 and ::1 never leave a namespace. */
export function isLoopback(ends: EndTable, slot: number): boolean {
  const at = slot * recordWords + word.local
  const { words, octets } = ends
  if (words[at] !== 0 || words[at + 1] !== 0) return false
  if (words[at + 2] === 0 && words[at + 3] === 0x0100_0000) return true
  return words[at + 2] === 0xffff_0000 && octets[slot * recordOctets + octet.local + 12] === 127
}
