// IP addresses: 16 octets in memory (v4 as ::ffff:a.b.c.d, RFC 4291 §2.5.5.2), text outside (RFC 5952).

import { isIPv4, isIPv6 } from 'node:net'

/** Text of the 16 octets at `offset`; v4-mapped ones as a dotted quad. */
export function formatAddress(octets: Uint8Array, offset = 0): string {
  if (isMapped(octets, offset)) {
    return `${octets[offset + 12]}.${octets[offset + 13]}.${octets[offset + 14]}.${octets[offset + 15]}`
  }
  const groups: number[] = []
  for (let i = 0; i < 16; i += 2) {
    groups.push(((octets[offset + i] as number) << 8) | (octets[offset + i + 1] as number))
  }
  return compress(groups)
}

/** 16 octets of an address in text form; undefined when it is none. Zones (`%eth0`) are refused. */
export function parseAddress(text: string): Uint8Array | undefined {
  if (isIPv4(text)) {
    return Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, ...text.split('.').map(Number))
  }
  if (!isIPv6(text) || text.includes('%')) return undefined
  const [head = '', tail] = unmapTail(text).split('::')
  const left = groupsOf(head)
  const right = tail === undefined ? [] : groupsOf(tail)
  const zeros = tail === undefined ? 0 : 8 - left.length - right.length
  const groups = [...left, ...new Array<number>(zeros).fill(0), ...right]
  return Uint8Array.from(groups.flatMap((group) => [group >> 8, group & 255]))
}

/** All addresses from `first` to `last`, both inside, 16 octets each. */
export interface AddressRange {
  readonly first: Uint8Array
  readonly last: Uint8Array
}

/**
 * `10.0.0.0/8`, or a single address as a range of one; undefined when the text is neither. Host bits are
 * ignored; an IPv4 prefix never covers IPv6 addresses.
 */
export function parseAddressRange(text: string): AddressRange | undefined {
  const [address = '', prefix = '128', ...rest] = text.split('/')
  const octets = rest.length === 0 ? parseAddress(address) : undefined
  if (!octets || !/^\d{1,3}$/.test(prefix)) return undefined
  const isV4 = !address.includes(':') && text.includes('/')
  const bits = Number(prefix) + (isV4 ? 96 : 0)
  if (bits > 128) return undefined
  return {
    first: octets.map((octet, i) => octet & mask(bits - i * 8)),
    last: octets.map((octet, i) => octet | (~mask(bits - i * 8) & 255)),
  }
}

/** The octet's bits that belong to a prefix of which `bits` are left. */
function mask(bits: number): number {
  if (bits >= 8) return 255
  return bits <= 0 ? 0 : (255 << (8 - bits)) & 255
}

/** Whether the 16 octets at `offset` are an IPv4 address (::ffff:a.b.c.d). */
export function isMapped(octets: Uint8Array, offset: number): boolean {
  for (let i = 0; i < 10; i++) if (octets[offset + i] !== 0) return false
  return octets[offset + 10] === 255 && octets[offset + 11] === 255
}

/** The longest run of two or more zero groups becomes `::`, the first of equals (RFC 5952 §4.2). */
function compress(groups: readonly number[]): string {
  let best = { at: -1, length: 1 }
  for (let at = 0; at < 8; at++) {
    let length = 0
    while (at + length < 8 && groups[at + length] === 0) length++
    if (length > best.length) best = { at, length }
  }
  const hex = groups.map((group) => group.toString(16))
  if (best.at < 0) return hex.join(':')
  return `${hex.slice(0, best.at).join(':')}::${hex.slice(best.at + best.length).join(':')}`
}

/** `::ffff:1.2.3.4` → `::ffff:102:304`. */
function unmapTail(text: string): string {
  return text.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, a, b, c, d) => {
    const high = (Number(a) << 8) | Number(b)
    const low = (Number(c) << 8) | Number(d)
    return `${high.toString(16)}:${low.toString(16)}`
  })
}

function groupsOf(text: string): number[] {
  return text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16))
}
