// The system call bpf(2) itself, for what libbpf 1.1 has no function for or only a part of: links, queries, pins,
// maps without an object. Attributes are written as the kernel declares them: `union bpf_attr` of linux/bpf.h.

import koffi from 'koffi'
import { fail } from './errors.ts'
import { openLibc } from './library.ts'

/** enum bpf_cmd. */
const commands = {
  mapCreate: 0,
  mapUpdate: 2,
  mapDelete: 3,
  programLoad: 5,
  pin: 6,
  openPinned: 7,
  nextMapId: 12,
  programFdById: 13,
  mapFdById: 14,
  info: 15,
  query: 16,
  rawTracepointOpen: 17,
  mapUpdateBatch: 26,
  linkCreate: 28,
  linkFdById: 30,
  nextLinkId: 31,
  enableStatistics: 32,
  iteratorCreate: 33,
  linkDetach: 34,
} as const

/** A u32, or memory whose address is meant: 64 bits, which the kernel aligns to 8 octets. */
export type Attribute = number | Uint8Array

/** Longer than any kernel's `union bpf_attr` in use here; what a kernel does not know must be zero, and is. */
const attributeBytes = 128
/** x86-64 and arm64; the numbers differ. */
const callNumber = process.arch === 'arm64' ? 280 : 321

/** What the kernel is given the address of must be reachable until the call has returned. */
const held: (readonly Attribute[])[] = []

/**
 * Makes the call with these attributes in their order, the rest zeroes. Returns what the kernel does: a
 * descriptor or 0, or the negative errno. What the kernel wrote back is read through `written`.
 */
export function bpfCall(
  command: keyof typeof commands,
  attributes: readonly Attribute[],
  written = memory(attributeBytes),
): number {
  let offset = 0
  for (const attribute of attributes) {
    if (typeof attribute === 'number') {
      written.writeUInt32LE(attribute >>> 0, offset)
      offset += 4
    } else {
      if (offset % 8 !== 0) throw new Error(`${command}: an address at octet ${offset}`)
      writeAddress(written, offset, attribute)
      offset += 8
    }
  }
  held.push(attributes)
  const result = openLibc().syscall(callNumber, commands[command], written, attributeBytes)
  const errno = result < 0 ? koffi.errno() : 0
  held.pop()
  return result < 0 ? -errno : result
}

/** Writes where `target` lies; it must be `memory`, and reachable until the call has returned. Nothing is NULL. */
export function writeAddress(octets: Buffer, offset: number, target: Uint8Array): void {
  octets.writeBigUInt64LE(target.length === 0 ? 0n : koffi.address(target), offset)
}

/** Attributes for `bpfCall` that the kernel writes into. */
export function writtenAttributes(): Buffer {
  return memory(attributeBytes)
}

/** Zeroes that stay where they are: a small Buffer of the usual kind may be moved by the garbage collector. */
export function memory(octets: number): Buffer {
  return Buffer.from(new ArrayBuffer(octets))
}

/** A C string that stays where it is. */
export function cText(text: string): Buffer {
  if (text.includes('\0')) throw new Error('a name with a zero in it')
  const octets = memory(Buffer.byteLength(text) + 1)
  octets.write(text)
  return octets
}

/** BPF_OBJ_GET_INFO_BY_FD: fills `info`, whose layout depends on the kind of descriptor. Returns 0 or -errno. */
export function objectInfo(fd: number, info: Buffer): number {
  return bpfCall('info', [fd, info.length, info])
}

/** A kernel's refusal that has no better error. */
export function callRefused(what: string, reason: string): Error {
  return fail('kernel_call', { details: { what, reason } })
}
