// Frames made by hand and sent as they are: what a test knows octet by octet.

import { parseAddress } from '../rules/address.ts'
import type { Namespace } from './peers.ts'

/** What stands in a frame; ends as `Pair` has them if not said. */
export interface FramePlan {
  readonly protocol: number
  readonly source?: string
  readonly destination?: string
  /** Of TCP and UDP. */
  readonly ports?: readonly [number, number]
  /** Flags of TCP, or type of ICMP. */
  readonly kind?: number
  readonly payloadBytes?: number
  /** An 802.1Q tag. */
  readonly vlan?: number
}

const macs = '020000000002020000000001'
const [icmp, tcp, udp] = [1, 6, 17]
const upperBytes: Readonly<Record<number, number>> = { [tcp]: 20 }

/** Ethernet, IPv4 or IPv6, and an upper header; no checksum but that of IPv4 is right. */
export function frameOf(plan: FramePlan): Buffer {
  const { source = '10.77.0.1', destination = '10.77.0.2', vlan } = plan
  const upper = upperOf(plan)
  const six = source.includes(':')
  const tag = vlan === undefined ? '' : `8100${vlan.toString(16).padStart(4, '0')}`
  const link = Buffer.from(`${macs}${tag}${six ? '86dd' : '0800'}`, 'hex')
  const ends = [parseAddress(source), parseAddress(destination)] as [Uint8Array, Uint8Array]
  return Buffer.concat([link, six ? ipv6(plan, ends, upper) : ipv4(plan, ends, upper), upper])
}

function upperOf({ protocol, ports = [0, 0], kind = 8, payloadBytes = 0 }: FramePlan): Buffer {
  const head = Buffer.alloc(upperBytes[protocol] ?? 8)
  if (protocol === tcp || protocol === udp) {
    head.writeUInt16BE(ports[0], 0)
    head.writeUInt16BE(ports[1], 2)
  } else {
    head.writeUInt8(kind, 0)
  }
  if (protocol === tcp) head.writeUInt16BE(0x5000 | kind, 12)
  if (protocol === udp) head.writeUInt16BE(8 + payloadBytes, 4)
  return Buffer.concat([head, Buffer.alloc(payloadBytes)])
}

function ipv4({ protocol }: FramePlan, ends: readonly Uint8Array[], { length }: Buffer): Buffer {
  const head = Buffer.alloc(20)
  head.writeUInt8(0x45, 0)
  head.writeUInt16BE(20 + length, 2)
  head.writeUInt8(64, 8)
  head.writeUInt8(protocol, 9)
  for (const [index, end] of ends.entries()) head.set(end.subarray(12), 12 + index * 4)
  let sum = 0
  for (let at = 0; at < 20; at += 2) sum += head.readUInt16BE(at)
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16)
  head.writeUInt16BE(sum ^ 0xffff, 10)
  return head
}

function ipv6({ protocol }: FramePlan, ends: readonly Uint8Array[], { length }: Buffer): Buffer {
  const head = Buffer.alloc(40)
  head.writeUInt8(0x60, 0)
  head.writeUInt16BE(length, 4)
  head.writeUInt8(protocol === icmp ? 58 : protocol, 6)
  head.writeUInt8(64, 7)
  for (const [index, end] of ends.entries()) head.set(end, 8 + index * 16)
  return head
}

/** A command line has no room for more. */
const framesMax = 400

/** Puts frames on an interface, one after the other. */
export function sendFrames(from: Namespace, device: string, frames: readonly Buffer[]): void {
  for (let at = 0; at < frames.length; at += framesMax) {
    sendSome(from, device, frames.slice(at, at + framesMax))
  }
}

function sendSome(from: Namespace, device: string, frames: readonly Buffer[]): void {
  const lines = [
    'import socket',
    's = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)',
    `s.bind(("${device}", 0))`,
    ...frames.map((frame) => `s.send(bytes.fromhex("${frame.toString('hex')}"))`),
  ]
  from.run('/usr/bin/python3', '-c', lines.join('\n'))
}
