// One packet as the program reports it, read out of its record.

import { xdpEventByte as byte } from '../../layout/xdp-event.ts'

/** Addresses have 16 octets, IPv4 as `::ffff:a.b.c.d`. Valid for good. */
export interface XdpEvent {
  /** CLOCK_BOOTTIME. */
  readonly timeNs: bigint
  readonly ifindex: number
  readonly queue: number
  readonly label: number
  readonly frameBytes: number
  /** L3. */
  readonly bytes: number
  readonly every: number
  readonly source: Uint8Array
  readonly destination: Uint8Array
  readonly sourcePort: number
  readonly destinationPort: number
  readonly etherType: number
  /** 4, 6, 0 = no IP packet. */
  readonly family: number
  readonly protocol: number
  /** enum xdp_action: 1 drop, 2 pass. */
  readonly action: number
  readonly flags: number
  readonly cpu: number
  /** The task that the CPU had, whoever's packet it is; only if the reader asked for it. */
  readonly task: { readonly pid: number; readonly name: string }
  /** From the Ethernet header on. */
  readonly sample: Uint8Array
}

/** The record that begins at octet `at`. */
export function eventOf(octets: Uint8Array, at: number): XdpEvent {
  const view = new DataView(octets.buffer, octets.byteOffset + at)
  const word = (from: number) => view.getUint32(from, true)
  const short = (from: number) => view.getUint16(from, true)
  const part = (from: number, length: number) => octets.slice(at + from, at + from + length)
  return {
    timeNs: view.getBigUint64(byte.time_ns, true),
    ifindex: word(byte.ifindex),
    queue: word(byte.queue),
    label: word(byte.label),
    frameBytes: word(byte.frame_bytes),
    bytes: word(byte.bytes),
    every: word(byte.every),
    source: part(byte.src, 16),
    destination: part(byte.dst, 16),
    sourcePort: short(byte.src_port),
    destinationPort: short(byte.dst_port),
    etherType: short(byte.ether_type),
    family: view.getUint8(byte.family),
    protocol: view.getUint8(byte.protocol),
    action: view.getUint8(byte.action),
    flags: view.getUint8(byte.flags),
    cpu: word(byte.cpu),
    task: { pid: word(byte.pid), name: textOf(part(byte.comm, 16)) },
    sample: part(byte.sample, word(byte.sample_bytes)),
  }
}

/** Up to the first zero. */
function textOf(octets: Uint8Array): string {
  const end = octets.indexOf(0)
  return Buffer.from(octets.subarray(0, end < 0 ? octets.length : end)).toString()
}
