// Reads of an ELF object what libbpf need not be asked for: sections by name and symbols. 64-bit
// little-endian only, which every BPF object here is. Format: elf(5).

export interface ElfSymbol {
  readonly section: number
  readonly offset: number
  readonly size: number
}

export interface Elf {
  /** The bytes of a section; throws if there is none of that name. */
  section(name: string): Uint8Array
  sectionIndex(name: string): number
  symbol(name: string): ElfSymbol | undefined
}

interface SectionHeader {
  readonly name: string
  readonly offset: number
  readonly size: number
  readonly link: number
}

const symbolBytes = 24

export function readElf(bytes: Uint8Array): Elf {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (bytes.length < 64 || view.getUint32(0) !== 0x7f454c46 || bytes[4] !== 2 || bytes[5] !== 1) {
    throw new Error('not a 64-bit little-endian ELF object')
  }
  const headers = readHeaders(bytes, view)
  const symbols = readSymbols(bytes, view, headers)
  const sectionIndex = (name: string) => {
    const index = headers.findIndex((header) => header.name === name)
    if (index < 0) throw new Error(`no section ${name}`)
    return index
  }
  return {
    sectionIndex,
    section: (name) => body(bytes, headers[sectionIndex(name)] as SectionHeader),
    symbol: (name) => symbols.get(name),
  }
}

function readHeaders(bytes: Uint8Array, view: DataView): SectionHeader[] {
  const start = Number(view.getBigUint64(40, true))
  const size = view.getUint16(58, true)
  const count = view.getUint16(60, true)
  const raw = Array.from({ length: count }, (_, index) => {
    const at = start + index * size
    return {
      nameAt: view.getUint32(at, true),
      offset: Number(view.getBigUint64(at + 24, true)),
      size: Number(view.getBigUint64(at + 32, true)),
      link: view.getUint32(at + 40, true),
    }
  })
  const names = raw[view.getUint16(62, true)]
  if (names === undefined) throw new Error('no section names')
  return raw.map((header) => ({ ...header, name: cString(bytes, names.offset + header.nameAt) }))
}

function readSymbols(bytes: Uint8Array, view: DataView, headers: readonly SectionHeader[]) {
  const symbols = new Map<string, ElfSymbol>()
  const table = headers.find((header) => header.name === '.symtab')
  const names = headers[table?.link ?? -1]
  if (table === undefined || names === undefined) return symbols
  for (let at = table.offset; at < table.offset + table.size; at += symbolBytes) {
    symbols.set(cString(bytes, names.offset + view.getUint32(at, true)), {
      section: view.getUint16(at + 6, true),
      offset: Number(view.getBigUint64(at + 8, true)),
      size: Number(view.getBigUint64(at + 16, true)),
    })
  }
  return symbols
}

function body(bytes: Uint8Array, header: SectionHeader): Uint8Array {
  if (header.offset + header.size > bytes.length) throw new Error(`${header.name} is cut off`)
  return bytes.subarray(header.offset, header.offset + header.size)
}

/** The zero-terminated string at `at`. */
export function cString(bytes: Uint8Array, at: number): string {
  const end = bytes.indexOf(0, at)
  return Buffer.from(bytes.subarray(at, end < 0 ? bytes.length : end)).toString('latin1')
}
