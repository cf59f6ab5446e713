// Datagrams written octet by octet from the standards, for what no real exporter here sends when it is asked.

/** Numbers with their width in octets, one after the other. */
export function octetsOf(
  ...parts: readonly (readonly [number | bigint, number] | Buffer)[]
): Buffer {
  return Buffer.concat(
    parts.map((part) => {
      if (Buffer.isBuffer(part)) return part
      const [value, width] = part
      const hex = BigInt(value)
        .toString(16)
        .padStart(width * 2, '0')
      return Buffer.from(hex, 'hex')
    }),
  )
}

export const ipfixOf = (
  sequence: number,
  sets: readonly Buffer[],
  domain = 1,
  seconds = nowSeconds(),
) => {
  const body = Buffer.concat(sets)
  return octetsOf([10, 2], [16 + body.length, 2], [seconds, 4], [sequence, 4], [domain, 4], body)
}

export const netflow9Of = (sequence: number, sets: readonly Buffer[], uptimeMs = 1_000_000) =>
  octetsOf(
    [9, 2],
    [sets.length, 2],
    [uptimeMs, 4],
    [nowSeconds(), 4],
    [sequence, 4],
    [7, 4],
    ...sets,
  )

export const setOf = (id: number, body: Buffer) => octetsOf([id, 2], [body.length + 4, 2], body)

/** `fields`: element and width. */
export const templateOf = (id: number, fields: readonly (readonly [number, number])[]) =>
  octetsOf(
    [id, 2],
    [fields.length, 2],
    ...fields.flatMap(
      ([element, width]) =>
        [
          [element, 2],
          [width, 2],
        ] as const,
    ),
  )

export const nowSeconds = () => Math.floor(Date.now() / 1000)

/** src · dst · ports · protocol · bytes · packets */
export const v4Fields = [
  [8, 4],
  [12, 4],
  [7, 2],
  [11, 2],
  [4, 1],
  [1, 4],
  [2, 4],
] as const
export const v4Record = (bytes: number, packets: number, src = 0x0a000001) =>
  octetsOf([src, 4], [0x0a000002, 4], [40_000, 2], [443, 2], [6, 1], [bytes, 4], [packets, 4])

export interface SampledPacket {
  readonly rate: number
  readonly frame: Buffer
  readonly drops?: number
}

/** An sFlow v5 datagram of flow samples with raw headers, 128 octets of each at most. */
export function sflowOf(sequence: number, packets: readonly SampledPacket[]): Buffer {
  const samples = packets.map(({ rate, frame, drops = 0 }, index) => {
    const header = frame.subarray(0, 128)
    const padded = Buffer.concat([header, Buffer.alloc((4 - (header.length % 4)) % 4)])
    const raw = octetsOf([1, 4], [frame.length + 4, 4], [4, 4], [header.length, 4], padded)
    const record = octetsOf([1, 4], [raw.length, 4], raw)
    const head = [
      [index, 4],
      [3, 4],
      [rate, 4],
      [rate * (index + 1), 4],
      [drops, 4],
      [3, 4],
      [5, 4],
    ] as const
    const body = octetsOf(...head, [1, 4], record)
    return octetsOf([1, 4], [body.length, 4], body)
  })
  const agent = [
    [5, 4],
    [1, 4],
    [0xc0000201, 4],
    [0, 4],
  ] as const
  return octetsOf(...agent, [sequence, 4], [1_000_000, 4], [samples.length, 4], ...samples)
}

/** An Ethernet frame around an IP packet. */
export function frameOf(packet: Buffer, tags: readonly number[] = []): Buffer {
  const type = (packet[0] as number) >> 4 === 4 ? 0x0800 : 0x86dd
  const head = tags.flatMap(
    (tag) =>
      [
        [0x8100, 2],
        [tag, 2],
      ] as const,
  )
  return octetsOf([0x020000000001, 6], [0x020000000002, 6], ...head, [type, 2], packet)
}
