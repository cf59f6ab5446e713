// The first octets of a packet → addresses, ports and L3 length. What is cut off is left out: a header may end anywhere.

import { type FlowRecord, setV4, setV6 } from './flow-record.ts'
import { u16At } from './octets.ts'

const etherTypeV4 = 0x0800
const etherTypeV6 = 0x86dd
const vlanTypes = new Set([0x8100, 0x88a8, 0x9100])
/** Protocols whose header begins with both ports: TCP, UDP, DCCP, SCTP, UDP-Lite. */
const withPorts = new Set([6, 17, 33, 132, 136])
/** Extension headers of IPv6 that a packet may have before its protocol. */
const extensions = new Set([0, 43, 60, 135])
const fragmentHeader = 44
const authHeader = 51
const extensionsMax = 8

/** Fills addresses, protocol, ports and `bytes` (L3). False when it is not IP, or not enough of it. */
export function readPacket(
  octets: Uint8Array,
  begins: 'ethernet' | 'ip',
  record: FlowRecord,
): boolean {
  const at = begins === 'ip' ? 0 : networkHeader(octets)
  if (at < 0 || at >= octets.length) return false
  const version = (octets[at] as number) >> 4
  if (version === 4) return readV4(octets, at, record)
  return version === 6 && readV6(octets, at, record)
}

/** Where IP begins behind the MAC addresses and VLAN tags; −1 when it is something else. */
function networkHeader(octets: Uint8Array): number {
  for (let at = 12; at + 2 <= octets.length; at += 4) {
    const type = u16At(octets, at)
    if (type === etherTypeV4 || type === etherTypeV6) return at + 2
    if (!vlanTypes.has(type)) return -1
  }
  return -1
}

function readV4(octets: Uint8Array, at: number, record: FlowRecord): boolean {
  if (at + 20 > octets.length) return false
  const headerLength = ((octets[at] as number) & 15) * 4
  if (headerLength < 20) return false
  record.bytes = u16At(octets, at + 2)
  record.protocol = octets[at + 9] as number
  setV4(record.src, octets, at + 12)
  setV4(record.dst, octets, at + 16)
  const isFirst = (u16At(octets, at + 6) & 0x1fff) === 0
  if (isFirst) readPorts(octets, at + headerLength, record)
  return true
}

function readV6(octets: Uint8Array, at: number, record: FlowRecord): boolean {
  if (at + 40 > octets.length) return false
  record.bytes = u16At(octets, at + 4) + 40
  setV6(record.src, octets, at + 8)
  setV6(record.dst, octets, at + 24)
  let next = octets[at + 6] as number
  let place = at + 40
  for (let count = 0; count < extensionsMax && place + 8 <= octets.length; count++) {
    const isFragment = next === fragmentHeader
    if (!isFragment && next !== authHeader && !extensions.has(next)) break
    const isLater = isFragment && (u16At(octets, place + 2) & 0xfff8) !== 0
    const words = octets[place + 1] as number
    const length = isFragment ? 8 : next === authHeader ? (words + 2) * 4 : (words + 1) * 8
    next = octets[place] as number
    place += length
    if (isLater) {
      record.protocol = next
      return true
    }
  }
  record.protocol = next
  readPorts(octets, place, record)
  return true
}

function readPorts(octets: Uint8Array, at: number, record: FlowRecord): void {
  if (!withPorts.has(record.protocol) || at + 4 > octets.length) return
  record.srcPort = u16At(octets, at)
  record.dstPort = u16At(octets, at + 2)
}
