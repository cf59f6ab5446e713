// Blocks of a pcapng file (draft-ietf-opsawg-pcapng), little-endian, times in nanoseconds.
//
//   block       u32 type | u32 length | body | options | u32 length      all padded to 4
//   option      u16 code | u16 length | value                            0 ends them

const block = { section: 0x0a0d0d0a, interface: 1, statistics: 5, packet: 6 } as const
const option = {
  comment: 1,
  application: 4,
  name: 2,
  timeUnit: 9,
  flags: 2,
  start: 2,
  end: 3,
  received: 4,
  dropped: 5,
} as const
const nanoseconds = 9
const sectionLengthUnknown = 0xffff_ffff_ffff_ffffn

export interface PacketOfFile {
  readonly seconds: number
  readonly nanoseconds: number
  readonly length: number
  readonly isSent: boolean
  readonly octets: Uint8Array
  /** '' = none. */
  readonly comment: string
}

/** The begin of a file: who wrote it, and the one interface. `linkType` as LINKTYPE_* has it. */
export function fileHead(head: {
  readonly application: string
  readonly interface: string
  readonly linkType: number
  readonly snap: number
}): Buffer {
  const section = Buffer.alloc(16)
  section.writeUInt32LE(0x1a2b3c4d, 0)
  section.writeUInt16LE(1, 4)
  section.writeBigUInt64LE(sectionLengthUnknown, 8)
  const face = Buffer.alloc(8)
  face.writeUInt16LE(head.linkType, 0)
  face.writeUInt32LE(head.snap, 4)
  return Buffer.concat([
    blockOf(block.section, section, [[option.application, Buffer.from(head.application)]]),
    blockOf(block.interface, face, [
      [option.name, Buffer.from(head.interface)],
      [option.timeUnit, Buffer.of(nanoseconds)],
    ]),
  ])
}

/** An enhanced packet block; the direction is in its flags. */
export function packetBlock(packet: PacketOfFile): Buffer {
  const { octets, comment, isSent } = packet
  const body = Buffer.alloc(20 + padded(octets.length))
  writeTime(body, 4, BigInt(packet.seconds) * 1_000_000_000n + BigInt(packet.nanoseconds))
  body.writeUInt32LE(octets.length, 12)
  body.writeUInt32LE(packet.length, 16)
  body.set(octets, 20)
  const flags = Buffer.alloc(4)
  flags.writeUInt32LE(isSent ? 2 : 1)
  return blockOf(block.packet, body, [
    ...(comment === '' ? [] : [[option.comment, Buffer.from(comment)] as const]),
    [option.flags, flags],
  ])
}

/** The end of a file: frames that came, and those that the kernel had no room for. */
export function statisticsBlock(counts: {
  readonly startNs: bigint
  readonly endNs: bigint
  readonly received: number
  readonly dropped: number
}): Buffer {
  const body = Buffer.alloc(12)
  writeTime(body, 4, counts.endNs)
  const time = (ns: bigint) => {
    const value = Buffer.alloc(8)
    writeTime(value, 0, ns)
    return value
  }
  const count = (number: number) => {
    const value = Buffer.alloc(8)
    value.writeBigUInt64LE(BigInt(number))
    return value
  }
  return blockOf(block.statistics, body, [
    [option.start, time(counts.startNs)],
    [option.end, time(counts.endNs)],
    [option.received, count(counts.received)],
    [option.dropped, count(counts.dropped)],
  ])
}

/** The high word stands first. */
function writeTime(into: Buffer, at: number, ns: bigint): void {
  into.writeUInt32LE(Number(ns >> 32n), at)
  into.writeUInt32LE(Number(ns & 0xffff_ffffn), at + 4)
}

function blockOf(
  type: number,
  body: Buffer,
  options: readonly (readonly [number, Buffer])[],
): Buffer {
  const optionBytes = options.reduce((sum, [, value]) => sum + 4 + padded(value.length), 4)
  const length = 12 + body.length + optionBytes
  const whole = Buffer.alloc(length)
  whole.writeUInt32LE(type, 0)
  whole.writeUInt32LE(length, 4)
  whole.set(body, 8)
  let at = 8 + body.length
  for (const [code, value] of options) {
    whole.writeUInt16LE(code, at)
    whole.writeUInt16LE(value.length, at + 2)
    whole.set(value, at + 4)
    at += 4 + padded(value.length)
  }
  whole.writeUInt32LE(length, length - 4)
  return whole
}

function padded(octets: number): number {
  return (octets + 3) & ~3
}
