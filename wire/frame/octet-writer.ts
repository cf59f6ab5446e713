// A buffer that grows by doubling, is used again for the next block, and shrinks when many blocks were small.

export interface OctetWriter {
  /** Begins anew; what `octets` gave before is overwritten from now on. */
  reset(): void
  u8(value: number): void
  u64(value: number): void
  varint(value: number): void
  /** Varint length, then the octets of the text in UTF-8. */
  text(text: string): void
  copy(octets: Uint8Array): void
  /** Room for `length` octets to be filled by the caller at once. */
  room(length: number): Uint8Array
  /** What was written; valid until the next reset. */
  octets(): Uint8Array
}

/** When so many blocks in a row need a quarter of the buffer at most, it begins anew smaller. */
const calmBlocks = 24

export function createOctetWriter(capacity = 1 << 16): OctetWriter {
  let buffer = Buffer.allocUnsafe(capacity)
  let at = 0
  let blocks = 0
  let most = 0

  function reset(): void {
    most = Math.max(most, at)
    at = 0
    if (++blocks < calmBlocks) return
    if (buffer.length > capacity && most * 4 <= buffer.length) {
      buffer = Buffer.allocUnsafe(Math.max(buffer.length >> 2, capacity))
    }
    blocks = 0
    most = 0
  }

  function ensure(more: number): void {
    if (at + more <= buffer.length) return
    const larger = Buffer.allocUnsafe(Math.max(buffer.length * 2, at + more))
    buffer.copy(larger, 0, 0, at)
    buffer = larger
  }

  function u8(value: number): void {
    ensure(1)
    buffer[at++] = value
  }

  function u64(value: number): void {
    ensure(8)
    buffer.writeUInt32LE(value >>> 0, at)
    buffer.writeUInt32LE(Math.floor(value / 0x1_0000_0000), at + 4)
    at += 8
  }

  function varint(value: number): void {
    let rest = value
    while (rest >= 128) {
      u8((rest & 127) | 128)
      rest >>>= 7
    }
    u8(rest)
  }

  function text(text: string): void {
    const length = Buffer.byteLength(text)
    varint(length)
    ensure(length)
    at += buffer.write(text, at)
  }

  function copy(octets: Uint8Array): void {
    ensure(octets.length)
    buffer.set(octets, at)
    at += octets.length
  }

  function room(length: number): Uint8Array {
    ensure(length)
    at += length
    return buffer.subarray(at - length, at)
  }

  return {
    reset,
    u8,
    u64,
    varint,
    text,
    copy,
    room,
    octets: () => buffer.subarray(0, at),
  }
}
