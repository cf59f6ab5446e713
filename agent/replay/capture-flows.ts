// The flows of a capture, made of the records of the flow probe; what was no IP packet, by its cause.

import {
  flowRecordByte as byte,
  flowFlag,
  packetFault,
  flowRecordWord as word,
} from '../../kernel/mod.ts'
import { formatAddress } from '../../wire/mod.ts'

/** One direction of one 5-tuple. */
export interface CaptureFlow {
  readonly family: number
  readonly src: string
  readonly sport: number
  readonly dst: string
  readonly dport: number
  /** Number of the protocol. */
  readonly proto: number
  packets: number
  bytes: number
  tcp_flags: number
}

/** What is kept beside. */
interface KnownFlow {
  readonly flow: CaptureFlow
  /** Nanoseconds since 1970, first packet. */
  first: bigint
  last: bigint
  /** Bits of flowFlag. */
  marks: number
}

export interface CaptureFlows {
  /** In the order of their first packets. */
  readonly flows: readonly CaptureFlow[]
  /** First and last packet of each flow, nanoseconds since 1970, and who opened it (flowFlag). */
  readonly times: readonly {
    readonly first: bigint
    readonly last: bigint
    readonly marks: number
  }[]
  readonly nonIp: number
  /** Packets by why they are none of IP. */
  readonly unparsed: Readonly<Record<string, number>>
}

export interface CaptureFlowsBuilder {
  /** Takes a flow_record. */
  readonly add: (record: Uint32Array) => void
  readonly result: () => CaptureFlows
}

const two32 = 4294967296

export function createCaptureFlows(): CaptureFlowsBuilder {
  const known = new Map<string, KnownFlow>()
  const unparsed = new Map<string, number>()
  let nonIp = 0

  function add(record: Uint32Array): void {
    const octets = Buffer.from(record.buffer, record.byteOffset, record.byteLength)
    const packets = wide(record, word.packets)
    if (octets[byte.family] === 0) {
      const cause = causeOf(octets)
      unparsed.set(cause, (unparsed.get(cause) ?? 0) + packets)
      nonIp += packets
      return
    }
    // A flow has no link: it has addresses, ports and protocol.
    const key =
      octets.toString('latin1', 0, byte.interface) +
      octets.toString('latin1', byte.protocol, byte.direction)
    const found = known.get(key)
    if (found === undefined) known.set(key, knownOf(octets, record))
    else merge(found, record)
  }

  function result(): CaptureFlows {
    const all = [...known.values()].sort((left, right) => Number(left.first - right.first))
    const causes = [...unparsed].sort(([, left], [, right]) => right - left)
    return {
      flows: all.map(({ flow }) => flow),
      times: all,
      nonIp,
      unparsed: Object.fromEntries(causes),
    }
  }

  return { add, result }
}

function knownOf(octets: Buffer, record: Uint32Array): KnownFlow {
  const flow: CaptureFlow = {
    family: octets[byte.family]!,
    src: addressOf(octets, byte.src),
    sport: octets.readUInt16LE(byte.src_port),
    dst: addressOf(octets, byte.dst),
    dport: octets.readUInt16LE(byte.dst_port),
    proto: octets[byte.protocol]!,
    packets: wide(record, word.packets),
    bytes: wide(record, word.bytes),
    tcp_flags: record[word.flags]! & 0xff,
  }
  const marks = record[word.flags]! & (flowFlag.SYN | flowFlag.SYN_ACK)
  return { flow, marks, first: long(record, word.first_ns), last: long(record, word.last_ns) }
}

/** A mapped address in an IPv6 header is one of IPv6. */
function addressOf(octets: Buffer, offset: number): string {
  const text = formatAddress(octets, offset)
  return octets[byte.family] === 6 && !text.includes(':') ? `::ffff:${text}` : text
}

function merge(known: KnownFlow, record: Uint32Array): void {
  const { flow } = known
  flow.packets += wide(record, word.packets)
  flow.bytes += wide(record, word.bytes)
  flow.tcp_flags |= record[word.flags]! & 0xff
  known.marks |= record[word.flags]! & (flowFlag.SYN | flowFlag.SYN_ACK)
  const [first, last] = [long(record, word.first_ns), long(record, word.last_ns)]
  if (first < known.first) known.first = first
  if (last > known.last) known.last = last
}

const faults = new Map<number, string>([
  [packetFault.CUT_LINK, 'link header cut off'],
  [packetFault.CUT_IP, 'IP header cut off'],
  [packetFault.VERSION, 'IP version differs from the ethertype'],
  [packetFault.LENGTH, 'impossible IPv4 length'],
  [packetFault.TOO_DEEP, 'too many headers before IP'],
])

const etherTypes = new Map<number, string>([
  [0x0806, 'ARP'],
  [0x88cc, 'LLDP'],
  [0x88e5, 'MACsec, encrypted'],
  [0x8863, 'PPPoE discovery'],
])

/** `ethertype 0x0806 (ARP)`. */
function causeOf(octets: Buffer): string {
  const fault = octets[byte.fault]!
  if (fault === packetFault.LINK_UNKNOWN) return `link type ${octets.readUInt32LE(byte.interface)}`
  const known = faults.get(fault)
  if (known !== undefined) return known
  const type = octets.readUInt16LE(byte.src_port)
  if (type <= 1500) return 'no IP behind the link header'
  const name = etherTypes.get(type)
  const text = `ethertype 0x${type.toString(16).padStart(4, '0')}`
  return name === undefined ? text : `${text} (${name})`
}

function wide(record: Uint32Array, at: number): number {
  return record[at]! + record[at + 1]! * two32
}

function long(record: Uint32Array, at: number): bigint {
  return (BigInt(record[at + 1]!) << 32n) | BigInt(record[at]!)
}
