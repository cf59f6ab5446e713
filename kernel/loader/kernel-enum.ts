// The values of one enum of the running kernel, out of its type information: numbers differ between kernels, names do
// not. Walks over the types without an object for each: there are more than a hundred thousand.

import { readFileSync } from 'node:fs'

const path = '/sys/kernel/btf/vmlinux'
const kindEnum = 6
/** Octets after the common 12: fixed per kind, and per element (Documentation/bpf/btf.rst). */
const fixedBytes: Readonly<Record<number, number>> = { 1: 4, 3: 12, 14: 4, 17: 4 }
const elementBytes: Readonly<Record<number, number>> = { 4: 12, 5: 12, 6: 8, 13: 8, 15: 12, 19: 12 }

/** Name by value; empty if the kernel has no such enum, or no type information. */
export function kernelEnum(name: string): ReadonlyMap<number, string> {
  try {
    return enumIn(readFileSync(path), name)
  } catch {
    return new Map()
  }
}

/** Exported for its test: from the octets of a BTF file. */
export function enumIn(bytes: Buffer, name: string): ReadonlyMap<number, string> {
  const word = (at: number) => bytes.readUInt32LE(at)
  const types = word(4) + word(8)
  const strings = word(4) + word(16)
  const text = (offset: number) => {
    const from = strings + offset
    return bytes.toString('latin1', from, bytes.indexOf(0, from))
  }
  for (let at = types; at < types + word(12); ) {
    const kind = (word(at + 4) >>> 24) & 0x1f
    const count = word(at + 4) & 0xffff
    if (kind === kindEnum && text(word(at)) === name) {
      const members = Array.from({ length: count }, (_, index) => at + 12 + index * 8)
      return new Map(members.map((member) => [word(member + 4), text(word(member))]))
    }
    at += 12 + (fixedBytes[kind] ?? 0) + (elementBytes[kind] ?? 0) * count
  }
  return new Map()
}
