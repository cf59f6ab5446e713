// Most columns of a wide table are empty in most blocks: a comparison with zeros sees that many times as fast as a loop.

const zeros = Buffer.alloc(65_536)

/** Whether all octets from `from` to before `to` are 0. */
export function isZero(octets: Uint8Array, from: number, to: number): boolean {
  if (from < to && octets[from] !== 0) return false
  for (let at = from; at < to; at += zeros.length) {
    const end = Math.min(at + zeros.length, to)
    if (zeros.compare(octets, at, end, 0, end - at) !== 0) return false
  }
  return true
}
