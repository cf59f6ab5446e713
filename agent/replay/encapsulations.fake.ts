// Writes capture files from the formats' own words (draft-ietf-opsawg-pcap, -pcapng), for tests of their reader.

export type Order = 'little' | 'big'

export interface Link {
  /** LINKTYPE. */
  readonly type: number
  /** The frame of Ethernet in this link. */
  readonly wrap: (frame: Buffer) => Buffer
}

const seconds = 1_700_000_000

function numbersOf(order: Order) {
  const u32 = (...values: readonly number[]) => {
    const octets = Buffer.alloc(values.length * 4)
    values.forEach((value, at) => {
      if (order === 'little') octets.writeUInt32LE(value >>> 0, at * 4)
      else octets.writeUInt32BE(value >>> 0, at * 4)
    })
    return octets
  }
  const u16 = (...values: readonly number[]) => {
    const octets = Buffer.alloc(values.length * 2)
    values.forEach((value, at) => {
      if (order === 'little') octets.writeUInt16LE(value, at * 2)
      else octets.writeUInt16BE(value, at * 2)
    })
    return octets
  }
  return { u16, u32 }
}

export function pcap(
  type: number,
  frames: readonly Buffer[],
  { order, nano }: { readonly order: Order; readonly nano: boolean },
): Buffer {
  const { u16, u32 } = numbersOf(order)
  const magic = nano ? 0xa1b23c4d : 0xa1b2c3d4
  const records = frames.flatMap((frame, at) => [
    u32(seconds, at, frame.length, frame.length),
    frame,
  ])
  return Buffer.concat([u32(magic), u16(2, 4), u32(0, 0, 262_144, type), ...records])
}

/** An interface per type; its packets in blocks of each kind, with others between them. */
export function pcapng(
  types: readonly number[],
  frames: readonly (readonly Buffer[])[],
  order: Order,
): Buffer {
  const { u16, u32 } = numbersOf(order)
  const padded = (octets: Buffer) => Buffer.concat([octets, Buffer.alloc(-octets.length & 3)])
  const block = (type: number, ...body: readonly Buffer[]) => {
    const whole = padded(Buffer.concat(body))
    return Buffer.concat([u32(type, whole.length + 12), whole, u32(whole.length + 12)])
  }
  const option = (kind: number, value: Buffer) =>
    Buffer.concat([u16(kind, value.length), padded(value)])
  const end = u16(0, 0)
  /** Units of a second: 10^6 unless said, 10^9, 2^20. */
  const resolution = (at: number) => [undefined, 9, 0x94][at % 3]
  const section = block(
    0x0a0d0d0a,
    ...[u32(0x1a2b3c4d), u16(1, 0), u32(0xffffffff, 0xffffffff)],
    ...[option(4, Buffer.from('a test')), end],
  )
  const interfaces = types.map((type, at) => {
    const unit = resolution(at)
    const units = unit === undefined ? [] : [option(9, Buffer.from([unit]))]
    return block(1, u16(type, 0), u32(0), option(2, Buffer.from(`if${at}`)), ...units, end)
  })
  const timeOf = (at: number): readonly [number, number] => {
    const perSecond = [1_000_000n, 1_000_000_000n, 1n << 20n][at % 3] as bigint
    const time = BigInt(seconds) * perSecond
    return [Number(time >> 32n), Number(time & 0xffff_ffffn)]
  }
  const others = [
    block(4, u16(0, 0)),
    block(5, u32(0, 0, 0), option(4, u32(1, 0)), end),
    block(0x4000_0001, Buffer.from('nobody knows this block')),
  ]
  const packets = frames.flatMap((all, at) =>
    all.map((frame, turn) => {
      const sizes = [frame.length, frame.length] as const
      const comment = [option(1, Buffer.from(`packet ${turn}`)), end]
      if (at === 0 && turn === 0) return block(3, u32(frame.length), frame)
      if (turn === 1) return block(2, u16(at, 0xffff), u32(...timeOf(at), ...sizes), frame)
      return block(6, u32(at, ...timeOf(at), ...sizes), padded(frame), ...comment)
    }),
  )
  const mixed = packets.flatMap((one, at) => [...others.slice(at % 4, (at % 4) + 1), one])
  return Buffer.concat([section, ...interfaces, ...mixed])
}
