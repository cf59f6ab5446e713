// Addresses in the kernel's code ↔ names, from /proc/kallsyms. Read when somebody asks, piece by piece, and not kept: it has
// megabytes.
//
//   ffffffff81a2b3c0 T ip_rcv_core\t[module]
//
// Addresses are numbers of their low 48 bits: the high ones of kernel code are all set. If the kernel hides its addresses
// (kernel.kptr_restrict), all of them are 0, and there are no functions.

import { closeSync, openSync, readSync } from 'node:fs'

/** Where a function lies: [from, to). */
export interface SymbolRange {
  readonly from: number
  readonly to: number
}

/** Whole lines; valid until the next piece. */
type Pieces = Iterable<Buffer>

const path = '/proc/kallsyms'
const pieceLength = 65_536
const lineFeed = 10
const addressDigits = 16
/** Of these the low ones are read: a number holds them exactly. */
const highDigits = 4
const nameAfter = addressDigits + 3

/** `symbol+0x1a` of each address, `module:symbol+0x1a` in a module; an address that no symbol covers is left out. */
export function namesOf(addresses: readonly number[], pieces: Pieces = kallsyms()) {
  const wanted = Float64Array.from(new Set(addresses)).sort()
  const best = new Float64Array(wanted.length).fill(-1)
  const lines = new Int32Array(wanted.length).fill(-1)
  const symbols: string[] = []
  for (const text of pieces) {
    eachFunction(text, (address, line) => {
      const index = firstFrom(wanted, address)
      if (index === wanted.length || address <= (best[index] as number)) return
      best[index] = address
      lines[index] = line
    })
    for (const [index, line] of lines.entries()) if (line >= 0) symbols[index] = nameAt(text, line)
    lines.fill(-1)
  }
  const names = new Map<number, string>()
  for (const [index, address] of wanted.entries()) {
    if (index > 0 && (best[index - 1] as number) > (best[index] as number)) {
      best[index] = best[index - 1] as number
      symbols[index] = symbols[index - 1] as string
    }
    if ((best[index] as number) < 0) continue
    const offset = address - (best[index] as number)
    names.set(address, `${symbols[index]}+0x${offset.toString(16)}`)
  }
  return names
}

/** Where functions of these names lie, also `name.isra.0` and the like. */
export function rangesOf(
  names: readonly string[],
  pieces: Pieces = kallsyms(),
): readonly SymbolRange[] {
  const wanted = names.map((name) => Buffer.from(name))
  const found: { from: number; to: number }[] = []
  const addresses: number[] = []
  for (const text of pieces) {
    eachFunction(text, (address, line) => {
      addresses.push(address)
      const isLike = wanted.some((name) => beginsWith(text, line + nameAfter, name))
      if (isLike && names.includes(nameAt(text, line).split('.')[0] as string)) {
        found.push({ from: address, to: Number.POSITIVE_INFINITY })
      }
    })
  }
  for (const range of found) {
    for (const address of addresses) {
      if (address > range.from && address < range.to) range.to = address
    }
  }
  return found.filter(({ to }) => to < Number.POSITIVE_INFINITY)
}

/** Nothing of the file is kept while it is read: as one text it left 10 MB behind for a collection that seldom comes. */
function* kallsyms(): Generator<Buffer> {
  const descriptor = opened()
  if (descriptor === undefined) return
  const piece = Buffer.allocUnsafe(pieceLength)
  let filled = 0
  try {
    for (;;) {
      const length = readSync(descriptor, piece, filled, pieceLength - filled, null)
      if (length === 0) break
      filled += length
      const end = piece.lastIndexOf(lineFeed, filled - 1) + 1
      if (end > 0) yield piece.subarray(0, end)
      filled = piece.copy(piece, 0, end, filled)
    }
  } finally {
    closeSync(descriptor)
  }
}

function opened(): number | undefined {
  try {
    return openSync(path, 'r')
  } catch {
    return undefined
  }
}

/** Functions alone: data never frees a packet. `line` is where theirs begins. */
function eachFunction(text: Buffer, visit: (address: number, line: number) => void): void {
  let line = 0
  while (line + nameAfter < text.length) {
    const kind = (text[line + addressDigits + 1] as number) | 0x20
    if (kind === 0x74 || kind === 0x77) {
      const address = addressAt(text, line)
      if (address > 0) visit(address, line)
    }
    let end = line + nameAfter
    while (end < text.length && text[end] !== lineFeed) end++
    line = end + 1
  }
}

/** In two halves, because small whole numbers are faster. */
function addressAt(text: Buffer, line: number): number {
  const middle = line + highDigits + 6
  return digitsAt(text, line + highDigits, middle) * 0x100_0000 + digitsAt(text, middle, middle + 6)
}

function digitsAt(text: Buffer, from: number, to: number): number {
  let number = 0
  for (let at = from; at < to; at++) {
    const digit = text[at] as number
    number = (number << 4) | (digit < 0x3a ? digit - 0x30 : (digit | 0x20) - 0x57)
  }
  return number
}

function beginsWith(text: Buffer, from: number, name: Buffer): boolean {
  for (let at = 0; at < name.length; at++) if (text[from + at] !== name[at]) return false
  return true
}

function nameAt(text: Buffer, line: number): string {
  const from = line + nameAfter
  const end = text.indexOf(lineFeed, from)
  const words = text.toString('latin1', from, end < 0 ? text.length : end)
  const [name = '', module] = words.split(/[\t ]+/)
  return module === undefined ? name : `${module.slice(1, -1)}:${name}`
}

/** Index of the first that is not below. */
function firstFrom(sorted: Float64Array, address: number): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((sorted[middle] as number) < address) low = middle + 1
    else high = middle
  }
  return low
}
