// `struct rule` and `struct rule_counts` of xdp_record.h, written and read.

import { cleared } from '../../rules/address.ts'
import { ruleKey } from '../../rules/compile.ts'
import type { Prefix, Rate, Rule } from '../../rules/rule.ts'

export const ruleBytes = 96
export const countBytes = 32
const member = {
  destination: 0,
  mask: 16,
  source: 32,
  ports: 48,
  sourcePorts: 52,
  label: 56,
  rank: 60,
  expires: 64,
  rate: 72,
  ban: 80,
  limiter: 84,
  priority: 88,
  sourceBits: 90,
  protocol: 91,
  action: 92,
  flags: 93,
} as const
const flag = {
  protocol: 1,
  ports: 2,
  sourcePorts: 4,
  shadow: 8,
  bytes: 16,
  interface: 32,
  six: 64,
} as const
const action = { drop: 1, pass: 2 } as const

/** What a rule has done; a rule in shadow mode: what it would have done. */
export interface RuleCounts {
  readonly packets: number
  /** L3. */
  readonly bytes: number
  readonly droppedPackets: number
  readonly droppedBytes: number
}

export interface RulePlace {
  readonly rank: number
  readonly expiresNs: bigint
}

/** Writes `ruleBytes` octets, which are zero before. */
export function encodeRule(rule: Rule, { rank, expiresNs }: RulePlace, into: Buffer): void {
  const { source, destination, ports, sourcePorts, rate, protocol } = rule
  if (destination) {
    into.set(destination.address, member.destination)
    into.set(cleared(new Uint8Array(16).fill(0xff), destination.bits), member.mask)
  }
  if (source) into.set(source.address, member.source)
  into.writeUInt8(source?.bits ?? 0, member.sourceBits)
  for (const [range, at] of [
    [ports, member.ports],
    [sourcePorts, member.sourcePorts],
  ] as const) {
    into.writeUInt16LE(range?.from ?? 0, at)
    into.writeUInt16LE(range?.to ?? 0, at + 2)
  }
  into.writeUInt32LE(rule.label, member.label)
  into.writeUInt32LE(rank, member.rank)
  if (expiresNs !== 0n) into.writeBigUInt64LE(expiresNs, member.expires)
  if (rate) into.writeBigUInt64LE(BigInt(rate.perSecond), member.rate)
  into.writeUInt32LE(rate?.banMs ?? 0, member.ban)
  if (rate) into.writeUInt32LE(hash(ruleKey(rule)), member.limiter)
  into.writeUInt16LE(rule.priority, member.priority)
  into.writeUInt8(protocol ?? 0, member.protocol)
  into.writeUInt8(rule.action === 'drop' ? action.drop : action.pass, member.action)
  into.writeUInt8(flagsOf(rule), member.flags)
}

function flagsOf({
  family,
  protocol,
  ports,
  sourcePorts,
  shadow,
  rate,
  interface: name,
}: Rule): number {
  const flags = [
    protocol !== undefined && flag.protocol,
    ports && flag.ports,
    sourcePorts && flag.sourcePorts,
    shadow && flag.shadow,
    rate?.unit === 'bytes' && flag.bytes,
    name && flag.interface,
    family === 6 && flag.six,
  ]
  return flags.reduce<number>((sum, bit) => sum | (bit || 0), 0)
}

/** FNV-1a: the same rule has the same limiter in each generation. */
function hash(text: string): number {
  let value = 0x811c9dc5
  for (const octet of Buffer.from(text)) value = Math.imul(value ^ octet, 0x01000193)
  return value >>> 0
}

/** An array has at least one entry: of no rules, zeroes. */
export function isRule(from: Buffer): boolean {
  return from.readUInt8(member.action) !== 0
}

/** The reverse. Of the interface's name the kernel has only that there was one: it is the one where the rule is. */
export function decodeRule(
  from: Buffer,
  interfaceName: string,
): RulePlace & { readonly rule: Rule } {
  const flags = from.readUInt8(member.flags)
  const has = (bit: number) => (flags & bit) !== 0
  const range = (at: number) => ({ from: from.readUInt16LE(at), to: from.readUInt16LE(at + 2) })
  const source = prefixAt(from, member.source, from.readUInt8(member.sourceBits))
  const mask = from.subarray(member.mask, member.mask + 16)
  const destination = prefixAt(from, member.destination, bitsOf(mask))
  const rate = rateOf(from, has(flag.bytes))
  const rule: Rule = {
    action: rate ? 'limit' : from.readUInt8(member.action) === action.drop ? 'drop' : 'pass',
    ...(rate && { rate }),
    ...(has(flag.six) && { family: 6 as const }),
    ...(source && { source }),
    ...(destination && { destination }),
    ...(has(flag.protocol) && { protocol: from.readUInt8(member.protocol) }),
    ...(has(flag.ports) && { ports: range(member.ports) }),
    ...(has(flag.sourcePorts) && { sourcePorts: range(member.sourcePorts) }),
    ...(has(flag.interface) && { interface: interfaceName }),
    label: from.readUInt32LE(member.label),
    priority: from.readUInt16LE(member.priority),
    shadow: has(flag.shadow),
  }
  const [rank, expiresNs] = [from.readUInt32LE(member.rank), from.readBigUInt64LE(member.expires)]
  return { rule, rank, expiresNs }
}

function rateOf(from: Buffer, bytes: boolean): Rate | undefined {
  const perSecond = Number(from.readBigUInt64LE(member.rate))
  if (perSecond === 0) return undefined
  return { unit: bytes ? 'bytes' : 'packets', perSecond, banMs: from.readUInt32LE(member.ban) }
}

function prefixAt(from: Buffer, at: number, bits: number): Prefix | undefined {
  if (bits === 0) return undefined
  return { address: Uint8Array.from(from.subarray(at, at + 16)), bits }
}

function bitsOf(mask: Uint8Array): number {
  return mask.reduce((sum, octet) => sum + ones[octet]!, 0)
}

const ones = Array.from({ length: 256 }, (_, octet) => octet.toString(2).replaceAll('0', '').length)

/** Of the rule with this index; the program counts what passed and what was dropped. */
export function readCounts(from: Buffer, index: number): RuleCounts {
  const word = (at: number) => Number(from.readBigUInt64LE(index * countBytes + at * 8))
  const [droppedPackets, droppedBytes] = [word(2), word(3)]
  return {
    packets: word(0) + droppedPackets,
    bytes: word(1) + droppedBytes,
    droppedPackets,
    droppedBytes,
  }
}

/** The reverse, of one rule. */
export function writeCounts(counts: RuleCounts, into: Buffer): void {
  const { packets, bytes, droppedPackets, droppedBytes } = counts
  const words = [packets - droppedPackets, bytes - droppedBytes, droppedPackets, droppedBytes]
  for (const [at, word] of words.entries()) into.writeBigUInt64LE(BigInt(word), at * 8)
}
