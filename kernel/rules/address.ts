// Addresses and prefixes as text: IPv4 dotted, IPv6 as RFC 5952 has it.

import { isIPv4, isIPv6 } from 'node:net'
import type { Prefix } from './rule.ts'

const mappedBits = 96

/** 16 octets; undefined if it is no address. */
export function parseAddress(text: string): Uint8Array | undefined {
  const octets = new Uint8Array(16)
  if (isIPv4(text)) {
    octets[10] = octets[11] = 0xff
    writeDotted(text, octets)
    return octets
  }
  if (!isIPv6(text) || text.includes('%')) return undefined
  const words = wordsOf(text)
  words.forEach((word, at) => {
    octets[at * 2] = word >> 8
    octets[at * 2 + 1] = word & 0xff
  })
  return octets
}

/** 100,000 of them are read when a list is loaded. */
function writeDotted(text: string, into: Uint8Array): void {
  let [value, octet] = [0, 12]
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === 46) {
      into[octet++] = value
      value = 0
    } else value = value * 10 + code - 48
  }
  into[octet] = value
}

/** `a:b::c` and `::ffff:1.2.3.4` → eight words. */
function wordsOf(text: string): readonly number[] {
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(text)
  const plain = dotted
    ? `${dotted[1]}${hex(dotted[2], dotted[3])}:${hex(dotted[4], dotted[5])}`
    : text
  const [head = '', tail] = plain.split('::')
  const part = (half: string) =>
    half === '' ? [] : half.split(':').map((word) => Number(`0x${word}`))
  const [before, after] = [part(head), part(tail ?? '')]
  return [...before, ...Array<number>(8 - before.length - after.length).fill(0), ...after]
}

function hex(high = '0', low = '0'): string {
  return (Number(high) * 256 + Number(low)).toString(16)
}

/** IPv4 for `::ffff:0:0/96`, else RFC 5952: the longest run of zero words, the first of equals, as `::`. */
export function formatAddress(octets: Uint8Array): string {
  if (isMapped(octets)) return octets.subarray(12).join('.')
  const words = Array.from({ length: 8 }, (_, at) => octets[at * 2]! * 256 + octets[at * 2 + 1]!)
  let best = { from: 0, length: 1 }
  for (let from = 0; from < 8; from++) {
    let length = 0
    while (from + length < 8 && words[from + length] === 0) length++
    if (length > best.length) best = { from, length }
  }
  const text = (part: readonly number[]) => part.map((word) => word.toString(16)).join(':')
  if (best.length === 1) return text(words)
  return `${text(words.slice(0, best.from))}::${text(words.slice(best.from + best.length))}`
}

/** Whether an address is IPv4 within IPv6. */
export function isMapped(octets: Uint8Array): boolean {
  return (
    octets.subarray(0, 10).every((octet) => octet === 0) && octets[10] === 255 && octets[11] === 255
  )
}

/** `192.0.2.0/24`, `2001:db8::/32`, an address alone; host bits are cleared. What is wrong is a text. */
export function parsePrefix(text: string): Prefix | string {
  const [name = '', length, ...more] = text.split('/')
  const address = parseAddress(name)
  if (address === undefined || more.length > 0) {
    return 'expected an address or a prefix, for example 192.0.2.0/24 or 2001:db8::/32'
  }
  const four = isIPv4(name)
  const most = four ? 32 : 128
  if (length !== undefined && (!/^\d{1,3}$/.test(length) || Number(length) > most)) {
    return `expected a length from 0 to ${most} behind the /`
  }
  const bits = Number(length ?? most) + (four ? mappedBits : 0)
  return { address: cleared(address, bits), bits }
}

/** An address with all bits behind the first `bits` zero. */
export function cleared(address: Uint8Array, bits: number): Uint8Array {
  if (bits === 128) return address
  return address.map((octet, at) => octet & (0xff00 >> Math.min(8, Math.max(0, bits - at * 8))))
}

/** The reverse of `parsePrefix`. */
export function formatPrefix({ address, bits }: Prefix): string {
  const four = bits >= mappedBits && isMapped(address)
  return `${formatAddress(address)}/${four ? bits - mappedBits : bits}`
}
