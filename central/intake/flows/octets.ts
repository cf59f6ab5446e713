// Numbers of a datagram. Everything is checked against the end of the octets: a datagram can come from anybody.

/** The datagram is not what it says it is. */
export class BadDatagram extends Error {}

/** An unsigned integer of 1 to 8 octets, most significant first; beyond 2^53 it is not exact. */
export function uintAt(octets: Uint8Array, at: number, length: number): number {
  if (at + length > octets.length) throw new BadDatagram('it ends too early')
  let value = 0
  for (let index = 0; index < length; index++) value = value * 256 + (octets[at + index] as number)
  return value
}

export function u16At(octets: Uint8Array, at: number): number {
  return uintAt(octets, at, 2)
}

export function u32At(octets: Uint8Array, at: number): number {
  return uintAt(octets, at, 4)
}

/** Throws BadDatagram unless `length` octets follow. */
export function needOctets(octets: Uint8Array, at: number, length: number): void {
  if (length < 0 || at + length > octets.length) throw new BadDatagram('it ends too early')
}
