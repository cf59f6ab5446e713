// Global variables of an object's programs: their places are in its symbol table, their values in a map of the
// section's name. What libbpf calls initial values goes into that map when the object is loaded, not later.

import { endianness } from 'node:os'
import koffi from 'koffi'
import { readElf } from './elf.ts'
import { fail } from './errors.ts'
import { errorText, type Libbpf, type Pointer } from './library.ts'

export interface Section {
  /** For messages: `the socket probe`. */
  readonly what: string
  /** The object's octets. */
  readonly bytes: Buffer
  /** `.rodata` or `.bss`. */
  readonly name: string
  /** The section's map. */
  readonly map: Pointer
}

export interface Values {
  /** The whole section as libbpf has it. */
  readonly octets: Buffer
  set(name: string, value: bigint): void
}

export function openSection(bpf: Libbpf, { what, bytes, name: section, map }: Section): Values {
  const elf = readElf(bytes)
  const size = Buffer.alloc(8)
  const at = bpf.initialValue(map, size)
  const octets = Buffer.from(koffi.view(at, Number(size.readBigUInt64LE())))
  const little = endianness() === 'LE'

  function set(name: string, value: bigint): void {
    const symbol = elf.symbol(name)
    if (symbol === undefined || symbol.section !== elf.sectionIndex(section)) {
      throw new Error(`no variable ${name} in ${section} of ${what}`)
    }
    if (symbol.size === 8 && little) octets.writeBigUInt64LE(value, symbol.offset)
    else octets.writeUIntLE(Number(value), symbol.offset, symbol.size)
  }

  return { octets, set }
}

const onlyElement = Buffer.alloc(4)

/** Sets variables of a loaded object; `fd`, of the section's map, is asked before each use. */
export function openVariables(bpf: Libbpf, section: Section, fd: () => number) {
  const { octets, set } = openSection(bpf, section)
  return (name: string, value: bigint) => {
    const map = fd()
    set(name, value)
    const result = bpf.update(map, onlyElement, octets, 0)
    if (result < 0) {
      const details = { what: `setting ${name}`, reason: errorText(result) }
      throw fail('kernel_call', { details })
    }
  }
}
