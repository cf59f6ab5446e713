// One record of the drop probe as an object, for tests.

import { dropRecordByte as at, dropRecordBytes, kernelEnum, symbolsOf } from '../mod.ts'
import { formatAddress } from './address.ts'

export type DropRecord = ReturnType<typeof readDrop>

const reasons = kernelEnum('skb_drop_reason')

function readDrop(octets: Uint8Array, start: number) {
  const view = new DataView(octets.buffer, octets.byteOffset + start, dropRecordBytes)
  const address = Number(view.getBigUint64(at.location, true) & 0xffff_ffff_ffffn)
  const text = (from: number) =>
    Buffer.from(octets.subarray(start + from, start + from + 16))
      .toString('latin1')
      .replace(/\0.*/s, '')
  return {
    kind: view.getUint8(at.kind),
    source: formatAddress(octets.subarray(start + at.source, start + at.source + 16)),
    destination: formatAddress(
      octets.subarray(start + at.destination, start + at.destination + 16),
    ),
    source_port: view.getUint16(at.source_port, true),
    destination_port: view.getUint16(at.destination_port, true),
    protocol: view.getUint8(at.protocol),
    link_protocol: view.getUint16(at.link_protocol, true),
    address,
    netns: view.getUint32(at.netns, true),
    reason: (reasons.get(view.getUint32(at.reason, true)) ?? 'unknown').replace(
      'SKB_DROP_REASON_',
      '',
    ),
    count: Number(view.getBigUint64(at.count, true)),
    bytes: Number(view.getBigUint64(at.bytes, true)),
    first_ns: view.getBigUint64(at.first_ns, true),
    last_ns: view.getBigUint64(at.last_ns, true),
    cookie: view.getBigUint64(at.cookie, true),
    cgroup_id: view.getBigUint64(at.cgroup_id, true),
    packet_bytes: view.getUint32(at.packet_bytes, true),
    tcp_flags: view.getUint8(at.tcp_flags),
    flags: view.getUint8(at.flags),
    interface: text(at.interface),
  }
}

/** Of what a dump gave; copied. */
export function readDrops(octets: Uint8Array): DropRecord[] {
  return Array.from({ length: octets.length / dropRecordBytes }, (_, index) =>
    readDrop(octets, index * dropRecordBytes),
  )
}

/** `symbol+offset` of one record. */
export function placeOf({ address }: DropRecord): string {
  return symbolsOf([address]).get(address) ?? ''
}

/** Whether the running kernel says why. */
export const saysReasons = reasons.size > 0

/** Whether the running kernel has this reason: each came with some version. */
export function hasReason(name: string): boolean {
  return [...reasons.values()].includes(`SKB_DROP_REASON_${name}`)
}
