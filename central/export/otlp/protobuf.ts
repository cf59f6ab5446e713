// Writes protobuf (https://protobuf.dev/programming-guides/encoding) in one pass into one buffer that grows. The length
// of a nested message is not known when it begins: four octets are left for it, and filled when it ends.

const nestedLength = 4
/** Its length is one octet. */
const shortText = 128

export interface ProtobufWriter {
  /** A number that is not negative, below 2^53. */
  varint(field: number, value: number): void
  fixed64(field: number, low: number, high: number): void
  /** A signed 64-bit integer in eight octets; below 2^53. */
  sfixed64(field: number, value: number): void
  text(field: number, value: string): void
  bytes(field: number, value: Uint8Array): void
  /** Begins a nested message; `end` takes what this gives. */
  begin(field: number): number
  end(start: number): void
  length(): number
  /** A copy of what was written; the writer begins anew. */
  take(): Buffer
}

export function createProtobufWriter(): ProtobufWriter {
  let octets = Buffer.allocUnsafe(64 * 1024)
  let at = 0

  function room(length: number): void {
    if (at + length <= octets.length) return
    const larger = Buffer.allocUnsafe(Math.max(octets.length * 2, at + length))
    octets.copy(larger, 0, 0, at)
    octets = larger
  }

  function raw(value: number): void {
    let rest = value
    while (rest >= 128) {
      octets[at++] = (rest % 128) | 128
      rest = Math.floor(rest / 128)
    }
    octets[at++] = rest
  }

  /** A short text, octet by octet: a call into the runtime costs more. False and nothing written when it is not ASCII. */
  function ascii(value: string): boolean {
    const { length } = value
    const from = at + 1
    for (let index = 0; index < length; index++) {
      const code = value.charCodeAt(index)
      if (code > 127) return false
      octets[from + index] = code
    }
    octets[at] = length
    at = from + length
    return true
  }

  function tag(field: number, wireType: number): void {
    room(20)
    raw(field * 8 + wireType)
  }

  function fixed64(field: number, low: number, high: number): void {
    tag(field, 1)
    octets.writeUInt32LE(low >>> 0, at)
    octets.writeUInt32LE(high >>> 0, at + 4)
    at += 8
  }

  return {
    varint: (field, value) => {
      tag(field, 0)
      raw(value)
    },
    fixed64,
    sfixed64: (field, value) => fixed64(field, value, Math.floor(value / 0x1_0000_0000)),
    text: (field, value) => {
      tag(field, 2)
      const { length } = value
      room(3 * length + 10)
      if (length < shortText && ascii(value)) return
      const octetLength = Buffer.byteLength(value)
      raw(octetLength)
      at += octets.write(value, at)
    },
    bytes: (field, value) => {
      tag(field, 2)
      room(value.length + 10)
      raw(value.length)
      octets.set(value, at)
      at += value.length
    },
    begin: (field) => {
      tag(field, 2)
      at += nestedLength
      return at
    },
    end: (start) => {
      const length = at - start
      // A varint may be longer than it must: all octets but the last say that another follows.
      octets[start - 4] = (length & 127) | 128
      octets[start - 3] = ((length >>> 7) & 127) | 128
      octets[start - 2] = ((length >>> 14) & 127) | 128
      octets[start - 1] = (length >>> 21) & 127
    },
    length: () => at,
    take: () => {
      const copy = Buffer.from(octets.subarray(0, at))
      at = 0
      return copy
    },
  }
}
