// Packets of the XDP telemetry agent as rows of the table `events`.

import { parseAddress, type RowValues } from '../../wire/mod.ts'
import { centralError } from '../errors.ts'
import type { TelemetryEvent } from './frame.ts'

const actions: Readonly<Record<number, string>> = { 1: 'drop', 2: 'pass' }
const protocols: Readonly<Record<number, string>> = {
  1: 'icmp',
  6: 'tcp',
  17: 'udp',
  58: 'icmpv6',
  132: 'sctp',
}

/** Throws `telemetry_bad` for addresses that are none. */
export function rowOfTelemetry(event: TelemetryEvent): RowValues {
  const { bytes, etherType, protocol } = headersOf(event.sample)
  return {
    time: event.timestampNs,
    node: event.agentId,
    kind: 'packet',
    count: 1,
    protocol,
    src_address: addressOf(event.source),
    src_port: event.sourcePort,
    dst_address: addressOf(event.destination),
    dst_port: event.destinationPort,
    bytes: bytes ?? 0,
    packet_size_bytes: bytes,
    ether_type: etherType,
    direction: 'received',
    label: event.labelId === 0 ? '' : String(event.labelId),
    action: actions[event.action] ?? '',
  }
}

function addressOf(text: string): string {
  if (text === '' || text === '-') return '::'
  if (parseAddress(text)) return text
  throw centralError('telemetry_bad', { details: { what: 'an address is none' } })
}

interface Headers {
  /** L3 length as the IP header has it; null if the sample does not reach so far, or is no IP. */
  readonly bytes: number | null
  readonly etherType: number | null
  readonly protocol: string
}

/** From an Ethernet header on; what is behind tags is not looked for. */
function headersOf(sample: Uint8Array): Headers {
  const octets = Buffer.from(sample.buffer, sample.byteOffset, sample.length)
  if (octets.length < 14) return { bytes: null, etherType: null, protocol: '' }
  const etherType = octets.readUInt16BE(12)
  const ip = octets.subarray(14)
  if (etherType === 0x0800 && ip.length >= 20) {
    return { etherType, bytes: ip.readUInt16BE(2), protocol: protocolOf(ip.readUInt8(9)) }
  }
  if (etherType === 0x86dd && ip.length >= 40) {
    return { etherType, bytes: ip.readUInt16BE(4) + 40, protocol: protocolOf(ip.readUInt8(6)) }
  }
  return { bytes: null, etherType, protocol: '' }
}

function protocolOf(number: number): string {
  return protocols[number] ?? String(number)
}
