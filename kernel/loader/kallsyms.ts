// Addresses in the kernel's code ↔ names, from /proc/kallsyms. Read when somebody asks, not kept: it has megabytes.
//
//   ffffffff81a2b3c0 T ip_rcv_core\t[module]
//
// Addresses are numbers of their low 48 bits: the high ones of kernel code are all set.

import { readFileSync } from 'node:fs'

/** Where a function lies: [from, to). */
export interface SymbolRange {
  readonly from: number
  readonly to: number
}

const path = '/proc/kallsyms'
const lineFeed = 10
const addressDigits = 16
/** Of these the low ones are read: a number holds them exactly. */
const highDigits = 4

/** The file; empty if it cannot be read, or if the kernel hides its addresses (kernel.kptr_restrict). */
export function readKallsyms(): Buffer {
  try {
    const text = readFileSync(path)
    for (const { address } of eachFunction(text)) {
      if (address > 0) return text
    }
    return Buffer.alloc(0)
  } catch {
    return Buffer.alloc(0)
  }
}

/** `symbol+0x1a` of each address, `module:symbol+0x1a` in a module; an address that no symbol covers is left out. */
export function namesOf(addresses: readonly number[], text = readKallsyms()) {
  const wanted = Float64Array.from(new Set(addresses)).sort()
  const best = new Float64Array(wanted.length).fill(-1)
  const lines = new Int32Array(wanted.length)
  for (const { address, line } of eachFunction(text)) {
    const index = firstFrom(wanted, address)
    if (index === wanted.length || address <= (best[index] as number)) continue
    best[index] = address
    lines[index] = line
  }
  const names = new Map<number, string>()
  for (const [index, address] of wanted.entries()) {
    if (index > 0 && (best[index - 1] as number) > (best[index] as number)) {
      best[index] = best[index - 1] as number
      lines[index] = lines[index - 1] as number
    }
    if ((best[index] as number) < 0) continue
    const offset = address - (best[index] as number)
    names.set(address, `${nameAt(text, lines[index] as number)}+0x${offset.toString(16)}`)
  }
  return names
}

/** Where functions of these names lie, also `name.isra.0` and the like. */
export function rangesOf(names: readonly string[], text = readKallsyms()): readonly SymbolRange[] {
  const found: { from: number; to: number }[] = []
  for (const { address, line } of eachFunction(text)) {
    const [plain = ''] = nameAt(text, line).split('.')
    if (names.includes(plain)) found.push({ from: address, to: Number.POSITIVE_INFINITY })
  }
  for (const { address } of eachFunction(text)) {
    for (const range of found) {
      if (address > range.from && address < range.to) range.to = address
    }
  }
  return found.filter(({ to }) => to < Number.POSITIVE_INFINITY)
}

interface Line {
  readonly address: number
  /** Where it begins in the file. */
  readonly line: number
}

/** Functions alone: data never frees a packet. */
function* eachFunction(text: Buffer): Generator<Line> {
  let line = 0
  while (line + addressDigits + 3 < text.length) {
    const kind = (text[line + addressDigits + 1] as number) | 0x20
    if (kind === 0x74 || kind === 0x77) yield { address: addressAt(text, line), line }
    const end = text.indexOf(lineFeed, line + addressDigits)
    if (end < 0) return
    line = end + 1
  }
}

function addressAt(text: Buffer, line: number): number {
  let address = 0
  for (let at = line + highDigits; at < line + addressDigits; at++) {
    const digit = text[at] as number
    address = address * 16 + (digit < 0x3a ? digit - 0x30 : (digit | 0x20) - 0x57)
  }
  return address
}

function nameAt(text: Buffer, line: number): string {
  const from = line + addressDigits + 3
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
