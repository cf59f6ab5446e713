// Addresses of this node, learnt from the sockets themselves: whether a peer is still to be expected here.

import { recordWords, word } from '../drain/record.ts'
import { type EndTable, u32At } from './end-table.ts'
import { createSlotIndex } from './slot-index.ts'

export interface Locality {
  /** Notes the end's own address. */
  note(slot: number): void
  /** Whether the end's peer has an address that a socket here had. */
  hasPeerHere(slot: number): boolean
}

/** A host has few addresses; more are not kept (transparent proxies answer for any), which costs only a hint. */
const addressesMax = 16_384

export function createLocality(ends: EndTable): Locality {
  const index = createSlotIndex()

  function low(slot: number, member: number): number {
    return (u32At(ends, slot, member) ^ Math.imul(u32At(ends, slot, member + 2), 0x9e37_79b1)) >>> 0
  }

  function high(slot: number, member: number): number {
    return (
      (u32At(ends, slot, member + 3) ^ Math.imul(u32At(ends, slot, member + 1), 0x85eb_ca6b)) >>> 0
    )
  }

  return {
    note: (slot) => {
      if (index.size() < addressesMax) index.set(low(slot, word.local), high(slot, word.local), 1)
    },
    hasPeerHere: (slot) =>
      index.find(low(slot, word.remote), high(slot, word.remote)) >= 0 ||
      isSame(ends, slot * recordWords),
  }
}

function isSame({ words }: EndTable, at: number): boolean {
  for (let index = 0; index < 4; index++) {
    if (words[at + word.local + index] !== words[at + word.remote + index]) return false
  }
  return true
}
