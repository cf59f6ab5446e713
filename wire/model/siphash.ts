// SipHash-2-4 (Aumasson and Bernstein, 2012) with 64-bit output, in u32 halves: no BigInt per connection. The carry
// comes from the bits, because a comparison beyond 31 bits makes V8 calculate in floating point (seven times slower).

/**
 * Hashes `words` (little-endian u32 pairs, the paper's padded last block included) under a key of four u32.
 * Writes the low half to `out[0]` and the high half to `out[1]`.
 */
export function sipHash24(key: Uint32Array, words: Uint32Array, out: Uint32Array): void {
  const k0 = key[0] as number
  const k1 = key[1] as number
  const k2 = key[2] as number
  const k3 = key[3] as number
  let v0l = k0 ^ 0x70736575
  let v0h = k1 ^ 0x736f6d65
  let v1l = k2 ^ 0x6e646f6d
  let v1h = k3 ^ 0x646f7261
  let v2l = k0 ^ 0x6e657261
  let v2h = k1 ^ 0x6c796765
  let v3l = k2 ^ 0x79746573
  let v3h = k3 ^ 0x74656462
  for (let at = 0; at <= words.length; at += 2) {
    const last = at === words.length
    const ml = last ? 0 : (words[at] as number)
    const mh = last ? 0 : (words[at + 1] as number)
    v3l ^= ml
    v3h ^= mh
    if (last) v2l ^= 0xff
    for (let round = last ? 4 : 2; round > 0; round--) {
      let sum = (v0l + v1l) | 0
      v0h = (v0h + v1h + (((v0l & v1l) | ((v0l | v1l) & ~sum)) >>> 31)) | 0
      v0l = sum
      let low = ((v1l << 13) | (v1h >>> 19)) ^ v0l
      v1h = ((v1h << 13) | (v1l >>> 19)) ^ v0h
      v1l = low
      low = v0l
      v0l = v0h
      v0h = low
      sum = (v2l + v3l) | 0
      v2h = (v2h + v3h + (((v2l & v3l) | ((v2l | v3l) & ~sum)) >>> 31)) | 0
      v2l = sum
      low = ((v3l << 16) | (v3h >>> 16)) ^ v2l
      v3h = ((v3h << 16) | (v3l >>> 16)) ^ v2h
      v3l = low
      sum = (v0l + v3l) | 0
      v0h = (v0h + v3h + (((v0l & v3l) | ((v0l | v3l) & ~sum)) >>> 31)) | 0
      v0l = sum
      low = ((v3l << 21) | (v3h >>> 11)) ^ v0l
      v3h = ((v3h << 21) | (v3l >>> 11)) ^ v0h
      v3l = low
      sum = (v2l + v1l) | 0
      v2h = (v2h + v1h + (((v2l & v1l) | ((v2l | v1l) & ~sum)) >>> 31)) | 0
      v2l = sum
      low = ((v1l << 17) | (v1h >>> 15)) ^ v2l
      v1h = ((v1h << 17) | (v1l >>> 15)) ^ v2h
      v1l = low
      low = v2l
      v2l = v2h
      v2h = low
    }
    v0l ^= ml
    v0h ^= mh
  }
  out[0] = v0l ^ v1l ^ v2l ^ v3l
  out[1] = v0h ^ v1h ^ v2h ^ v3h
}
