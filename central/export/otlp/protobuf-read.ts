// Reads the fields of one small protobuf message (https://protobuf.dev/programming-guides/encoding): an answer of a
// collector. What it cannot read ends the message: an answer is said by somebody else.

/** The last value of each field: numbers below 2^53 and octets; other kinds are passed over. */
export function readFields(message: Uint8Array): ReadonlyMap<number, number | Uint8Array> {
  const fields = new Map<number, number | Uint8Array>()
  let at = 0
  const varint = (): number => {
    let value = 0
    for (let factor = 1; at < message.length && factor < 2 ** 53; factor *= 128) {
      const octet = message[at++] as number
      value += (octet & 127) * factor
      if (octet < 128) return value
    }
    return Number.NaN
  }
  while (at < message.length) {
    const tag = varint()
    const wireType = tag % 8
    const value = wireType === 0 || wireType === 2 ? varint() : wireType === 1 ? 8 : 4
    if (Number.isNaN(tag) || Number.isNaN(value)) break
    const field = Math.floor(tag / 8)
    if (wireType === 0) {
      fields.set(field, value)
      continue
    }
    if (wireType === 2) fields.set(field, message.subarray(at, at + value))
    at += value
  }
  return fields
}
