// Records of the flow probe by the offsets that the kernel writes them at, for tests without a kernel.

import {
  flowRecordByte as byte,
  flowDirection,
  flowFlag,
  flowRecordBytes,
  type InterfaceLinks,
  type WatchedInterface,
  flowRecordWord as word,
} from '../../kernel/mod.ts'
import { parseAddress } from '../../wire/mod.ts'

/** One direction of one 5-tuple on one interface; what is left out is 0. Times are boot nanoseconds. */
export interface FakePassage {
  /** `address port` of both sides; none of what has no addresses. */
  readonly src?: readonly [string, number]
  readonly dst?: readonly [string, number]
  readonly interface: number
  /** FORWARD: goes out, and came in by an interface. */
  readonly direction: 'INGRESS' | 'EGRESS' | 'FORWARD'
  /** TCP when left out. */
  readonly protocol?: number
  /** Of what is no IP. */
  readonly etherType?: number
  readonly flags?: number
  readonly bytes?: number
  readonly packets: number
  readonly first?: number
  readonly last?: number
}

const unlinked: InterfaceLinks = { below: [], peer: 0, away: -1, bridge: 0 }

/** Interfaces by index; those that are not named here are connected to nothing. */
export function fakeInterfaces(
  names: readonly string[],
  links: Readonly<Record<string, Partial<InterfaceLinks>>> = {
    lo: { peer: 1 },
    veth1: { away: 0, bridge: 3 },
    br0: { below: [2] },
  },
): readonly WatchedInterface[] {
  return names.map((name, index) => {
    return { index, name, refused: '', links: { ...unlinked, ...links[name] } }
  })
}

/** Whole records, aligned. */
export function fakePassages(passages: readonly FakePassage[]): Uint32Array<ArrayBuffer> {
  const words = new Uint32Array((passages.length * flowRecordBytes) / 4)
  for (const [index, passage] of passages.entries()) {
    const from = index * flowRecordBytes
    const octets = Buffer.from(words.buffer, from, flowRecordBytes)
    write(octets, passage)
  }
  return words
}

function write(octets: Buffer, passage: FakePassage): void {
  const { src, dst, flags = 0, bytes = 0, packets, first = 1, last = first } = passage
  const isIp = src !== undefined && dst !== undefined
  if (isIp) {
    octets.set(parseAddress(src[0]) as Uint8Array, byte.src)
    octets.set(parseAddress(dst[0]) as Uint8Array, byte.dst)
    octets.writeUInt16LE(dst[1], byte.dst_port)
    octets[byte.family] = src[0].includes(':') ? 6 : 4
    octets[byte.protocol] = passage.protocol ?? 6
  }
  octets.writeUInt16LE(isIp ? src[1] : (passage.etherType ?? 0), byte.src_port)
  const isForwarded = passage.direction === 'FORWARD'
  octets[byte.direction] = flowDirection[isForwarded ? 'EGRESS' : passage.direction]
  const wide = (at: number, value: number) => octets.writeBigUInt64LE(BigInt(value), at * 4)
  octets.writeUInt32LE(passage.interface, word.interface * 4)
  octets.writeUInt32LE(flags | (isForwarded ? flowFlag.FORWARDED : 0), word.flags * 4)
  wide(word.bytes, bytes)
  wide(word.packets, packets)
  wide(word.frames, packets)
  wide(word.first_ns, first)
  wide(word.last_ns, last)
}
