// Reads protobuf (https://protobuf.dev/programming-guides/encoding) without objects of its schema. Every length is
// checked: a request can come from anybody.

/** The octets are no protobuf of that message. */
export class BadMessage extends Error {}

/** One field of a message; the object is used again for the next one. */
export interface WireField {
  number: number
  /** A varint up to 2^53, beyond not exact; of what has a length, the length. */
  value: number
  /** Where the content begins; `value` octets of what has a length, 8 or 4 of what is fixed. */
  at: number
}

/** Calls `each` for every field between `from` and `to`. Throws BadMessage. */
export function forEachField(
  octets: Buffer,
  from: number,
  to: number,
  each: (field: WireField) => void,
): void {
  const field: WireField = { number: 0, value: 0, at: 0 }
  let at = from
  const varint = (): number => {
    let value = 0
    for (let shift = 1, count = 0; count < 10; count++, shift *= 128) {
      if (at >= to) throw new BadMessage('it ends within a number')
      const octet = octets[at++] as number
      value += (octet & 127) * shift
      if (octet < 128) return value
    }
    throw new BadMessage('a number is too long')
  }
  while (at < to) {
    const tag = varint()
    field.number = Math.floor(tag / 8)
    const wire = tag % 8
    if (wire === 0) {
      field.value = varint()
      field.at = at
    } else {
      if (wire !== 1 && wire !== 2 && wire !== 5) throw new BadMessage(`wire type ${wire}`)
      field.value = wire === 2 ? varint() : wire === 1 ? 8 : 4
      field.at = at
      at += field.value
      if (at > to) throw new BadMessage('it ends within a field')
    }
    each(field)
  }
}

/** The text of a field with a length. */
export function textOf(octets: Buffer, { at, value }: WireField): string {
  return octets.toString('utf8', at, at + value)
}
