// comm and interface names stand in records as 16 octets; each distinct text is decoded once, then found by
// its four words. The cache is emptied with the interner it points into.

import type { Interner } from '../../wire/mod.ts'

export interface TextCache {
  /** Interner index of the zero-terminated text of up to 16 octets at word `at`. */
  indexOf(words: Uint32Array, at: number): number
}

const capacity = 4096

export function createTextCache(names: Interner): TextCache {
  const keys = new Uint32Array(capacity * 4)
  const indexes = new Uint32Array(capacity)
  const filled = new Uint8Array(capacity)

  function indexOf(words: Uint32Array, at: number): number {
    if (words[at] === 0) return 0
    const a = words[at] as number
    const b = words[at + 1] as number
    const c = words[at + 2] as number
    const d = words[at + 3] as number
    const mixed = Math.imul(
      a ^ Math.imul(b ^ Math.imul(c ^ d, 0x9e37_79b1), 0x85eb_ca6b),
      0xc2b2_ae35,
    )
    const place = (mixed ^ (mixed >>> 15)) & (capacity - 1)
    const key = place * 4
    const same =
      keys[key] === a && keys[key + 1] === b && keys[key + 2] === c && keys[key + 3] === d
    if (filled[place] === 1 && same) return indexes[place] as number
    keys[key] = a
    keys[key + 1] = b
    keys[key + 2] = c
    keys[key + 3] = d
    filled[place] = 1
    const index = names.index(textAt(words, at))
    indexes[place] = index
    return index
  }

  return { indexOf }
}

function textAt(words: Uint32Array, at: number): string {
  const octets = Buffer.from(words.buffer, words.byteOffset + at * 4, 16)
  const end = octets.indexOf(0)
  return octets.toString('utf8', 0, end < 0 ? 16 : end)
}
