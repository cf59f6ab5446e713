// Global variables of an object's programs. Their places are in its symbol table. Constants (.rodata) are set before
// the load, in what libbpf calls initial values; variables (.bss) live in a map of the section's name that is mapped
// here: a value is written in place, and what the programs have written beside it stays.

import koffi from 'koffi'
import { type ElfSymbol, readElf } from './elf.ts'
import { type Libbpf, openLibc, type Pointer } from './library.ts'
import { mapDescriptor, protection } from './mapping.ts'

export interface Section {
  /** For messages: `the socket probe`. */
  readonly what: string
  /** The object's octets. */
  readonly bytes: Buffer
  readonly name: '.rodata' | '.bss'
}

export interface Variables {
  /** The programs see it at once and whole. `value` is cut to the variable's size. */
  set(name: string, value: bigint): void
  /** Unsigned. */
  get(name: string): bigint
}

export interface MappedVariables extends Variables {
  close(): void
}

/** `octets` holds the section. Throws if a name is no variable of it, or none of 1, 2, 4 or 8 octets. */
function variablesIn({ what, bytes, name: section }: Section, octets: ArrayBuffer): Variables {
  const elf = readElf(bytes)
  const views = {
    1: new Uint8Array(octets),
    2: new Uint16Array(octets, 0, octets.byteLength >> 1),
    4: new Uint32Array(octets, 0, octets.byteLength >> 2),
    8: new BigUint64Array(octets, 0, octets.byteLength >> 3),
  } as const

  /** The compiler aligns each to its size. */
  function find(name: string): ElfSymbol & { readonly size: keyof typeof views } {
    const symbol = elf.symbol(name)
    if (symbol === undefined || symbol.section !== elf.sectionIndex(section)) {
      throw new Error(`no variable ${name} in ${section} of ${what}`)
    }
    const { size } = symbol
    if (size === 1 || size === 2 || size === 4 || size === 8) return { ...symbol, size }
    throw new Error(`variable ${name} of ${what} has ${size} octets`)
  }

  return {
    set: (name, value) => {
      const { size, offset } = find(name)
      if (size === 8) Atomics.store(views[8], offset >> 3, BigInt.asUintN(64, value))
      else Atomics.store(views[size], offset / size, Number(BigInt.asUintN(size * 8, value)))
    },
    get: (name) => {
      const { size, offset } = find(name)
      if (size === 8) return Atomics.load(views[8], offset >> 3)
      return BigInt(Atomics.load(views[size], offset / size))
    },
  }
}

/** Sets constants of an object that is not loaded yet; `map` is the one of the section. */
export function openConstants(bpf: Libbpf, section: Section, map: Pointer): Variables {
  const size = Buffer.alloc(8)
  const address = bpf.initialValue(map, size)
  return variablesIn(section, koffi.view(address, Number(size.readBigUInt64LE())))
}

/** Maps the variables of a loaded object; `fd` is the section's map, which holds `size` octets. */
export function mapVariables(section: Section, fd: number, size: number): MappedVariables {
  const what = `${section.name} of ${section.what}`
  const address = mapDescriptor(fd, { size, protection: protection.readWrite, offset: 0, what })
  let variables: Variables | undefined = variablesIn(section, koffi.view(address, size))

  function whileOpen(): Variables {
    if (variables === undefined) throw new Error(`${section.what} is closed`)
    return variables
  }

  return {
    set: (name, value) => whileOpen().set(name, value),
    get: (name) => whileOpen().get(name),
    close: () => {
      if (variables === undefined) return
      variables = undefined
      openLibc().munmap(address, size)
    },
  }
}
