// Addresses of this node, learnt from the sockets themselves and from its interfaces: whether a peer is still to
// be expected here. A namespace of which no socket was seen yet is unknown, so "not here" only means "perhaps".

import { createSlotIndex } from '../../common/mod.ts'
import { parseAddress } from '../../wire/mod.ts'
import { recordWords, word } from '../drain/record.ts'
import type { EndTable } from './end-table.ts'

export interface Locality {
  /** Notes the end's own address. */
  note(slot: number): void
  /** Notes an address of an interface, as text; what is no address is left out. */
  noteAddress(text: string): void
  /** Whether the address at word `from` is one of this node. */
  has(words: Uint32Array, from: number): boolean
  /** Whether the end's peer has an address that a socket here had. */
  hasPeerHere(slot: number): boolean
}

/** A host has few addresses; more are not kept (transparent proxies answer for any), which costs only a hint. */
const addressesMax = 16_384

export function createLocality(ends: EndTable): Locality {
  const index = createSlotIndex()

  function low(words: Uint32Array, from: number): number {
    return ((words[from] as number) ^ Math.imul(words[from + 2] as number, 0x9e37_79b1)) >>> 0
  }

  function high(words: Uint32Array, from: number): number {
    return ((words[from + 3] as number) ^ Math.imul(words[from + 1] as number, 0x85eb_ca6b)) >>> 0
  }

  function note(words: Uint32Array, from: number): void {
    if (index.size() < addressesMax) index.set(low(words, from), high(words, from), 1)
  }

  const last = new Uint32Array(4)

  /** Most sockets have the address of the one before. */
  function noteLocal(slot: number): void {
    const { words } = ends
    const from = slot * recordWords + word.local
    let isSame = true
    for (let index = 0; index < 4; index++) {
      if (words[from + index] !== last[index]) isSame = false
      last[index] = words[from + index] as number
    }
    if (!isSame) note(words, from)
  }

  function has(words: Uint32Array, from: number): boolean {
    return index.find(low(words, from), high(words, from)) >= 0
  }

  return {
    note: noteLocal,
    has,
    noteAddress: (text) => {
      const octets = parseAddress(text)
      if (octets) note(new Uint32Array(Uint8Array.from(octets).buffer), 0)
    },
    hasPeerHere: (slot) => {
      const from = slot * recordWords + word.remote
      return has(ends.words, from) || isSame(ends, slot * recordWords)
    },
  }
}

function isSame({ words }: EndTable, at: number): boolean {
  for (let index = 0; index < 4; index++) {
    if (words[at + word.local + index] !== words[at + word.remote + index]) return false
  }
  return true
}
