// Files of pcapng (draft-ietf-opsawg-pcapng): blocks, of which those of interfaces and packets are read.
//
//   block      u32 type | u32 length | body | u32 length        padded to 4
//   section    0a0d0d0a: u32 1a2b3c4d in the section's octet order; its interfaces are numbered from 0
//   interface  1: u16 link type | u16 | u32 snap length | options (9: unit of time, 14: offset in seconds)
//   packet     6: u32 interface | u32 time high, low | u32 captured | u32 length | octets
//   simple     3: u32 length | octets           old   2: u16 interface | u16 | as 6

import { type CaptureReader, type CaptureRecord, recordBytesMax } from './format.ts'

const block = { section: 0x0a0d0d0a, interface: 1, old: 2, simple: 3, packet: 6 } as const
const orderMagic = 0x1a2b3c4d
const option = { end: 0, unit: 9, offset: 14 } as const

interface Interface {
  readonly linkType: number
  readonly snapBytes: number
  /** Units of time in a second. */
  readonly unitsPerSecond: bigint
  readonly offsetSeconds: bigint
  /** Over all sections of the file. */
  readonly number: number
}

export function openPcapng(view: DataView, end: number): CaptureReader | undefined {
  return end >= 12 && view.getUint32(0) === block.section ? createReader() : undefined
}

function createReader(): CaptureReader {
  let little = true
  let interfaces: Interface[] = []
  let numbered = 0

  function next(view: DataView, from: number, end: number, record: CaptureRecord): number {
    record.isPacket = false
    if (from + 12 > end) return 0
    const type = view.getUint32(from, little)
    if (type === block.section) beginSection(view, from)
    const length = view.getUint32(from + 4, little)
    if (length < leastBytes(type) || length > recordBytesMax) return -1
    const headerEnd = from + Math.min(length, type === block.interface ? length : 32)
    if (headerEnd > end) return 0
    if (type === block.interface) addInterface(view, from, length)
    else if (type === block.packet || type === block.old) packet(view, from, type, record)
    else if (type === block.simple) simple(view, from, length, record)
    if (record.isPacket && record.offset + record.held > from + length) {
      record.held = Math.max(0, from + length - 4 - record.offset)
    }
    return length
  }

  function beginSection(view: DataView, from: number): void {
    little = view.getUint32(from + 8, true) === orderMagic
    interfaces = []
  }

  function addInterface(view: DataView, from: number, length: number): void {
    let [unitsPerSecond, offsetSeconds] = [1_000_000n, 0n]
    for (let at = from + 16; at + 4 <= from + length - 4; ) {
      const [kind, octets] = [view.getUint16(at, little), view.getUint16(at + 2, little)]
      if (kind === option.end || at + 4 + octets > from + length) break
      if (kind === option.unit && octets >= 1) unitsPerSecond = unitOf(view.getUint8(at + 4))
      if (kind === option.offset && octets >= 8) offsetSeconds = view.getBigInt64(at + 4, little)
      at += 4 + ((octets + 3) & ~3)
    }
    const linkType = view.getUint16(from + 8, little)
    const snapBytes = length >= 20 ? view.getUint32(from + 12, little) : 0
    interfaces.push({ linkType, snapBytes, unitsPerSecond, offsetSeconds, number: numbered++ })
  }

  function packet(view: DataView, from: number, type: number, record: CaptureRecord): void {
    const number =
      type === block.old ? view.getUint16(from + 8, little) : view.getUint32(from + 8, little)
    const time =
      (BigInt(view.getUint32(from + 12, little)) << 32n) | BigInt(view.getUint32(from + 16, little))
    of(interfaces[number], record)
    timed(interfaces[number], time, record)
    record.offset = from + 28
    record.held = view.getUint32(from + 20, little)
    record.length = view.getUint32(from + 24, little)
  }

  function simple(view: DataView, from: number, length: number, record: CaptureRecord): void {
    const [first] = interfaces
    of(first, record)
    timed(undefined, 0n, record)
    record.offset = from + 12
    record.length = view.getUint32(from + 8, little)
    const snap = first && first.snapBytes > 0 ? first.snapBytes : record.length
    record.held = Math.min(record.length, snap, length - 16)
  }

  return { next }
}

/** What is shorter does not hold its own fields. */
function leastBytes(type: number): number {
  if (type === block.packet || type === block.old) return 32
  return type === block.simple ? 16 : 12
}

/** A packet of an interface that nobody described is a packet all the same. */
function of(described: Interface | undefined, record: CaptureRecord): void {
  record.isPacket = true
  record.linkType = described?.linkType ?? 0xffff
  record.interface = described?.number ?? 0xffff
}

function timed(described: Interface | undefined, time: bigint, record: CaptureRecord): void {
  const { unitsPerSecond: units, offsetSeconds } = described ?? {
    unitsPerSecond: 1n,
    offsetSeconds: 0n,
  }
  record.seconds = Number(BigInt.asUintN(32, time / units + offsetSeconds))
  record.nanoseconds = Number(((time % units) * 1_000_000_000n) / units)
}

/** The highest bit says whether the rest is a power of 2 or of 10. */
function unitOf(octet: number): bigint {
  const exponent = BigInt(octet & 0x7f)
  return octet & 0x80 ? 2n ** exponent : 10n ** exponent
}
