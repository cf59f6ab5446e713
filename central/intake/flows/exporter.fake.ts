// What a network does, for exporters to report: packets as a capture file, softflowd that reads it, the datagrams it sends.

import { spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { parseAddress } from '../../../wire/mod.ts'

/** Packets of one direction of one 5-tuple. */
export interface PacketRun {
  readonly src: string
  readonly dst: string
  readonly srcPort: number
  readonly dstPort: number
  readonly protocol: number
  readonly count: number
  /** Octets behind the headers of each packet. */
  readonly payload: number
}

/** `src dst srcPort dstPort protocol` → what it carried. */
export type FlowSums = Map<string, { bytes: number; packets: number }>

export function addSum(sums: FlowSums, key: string, bytes: number, packets: number): void {
  const sum = sums.get(key) ?? { bytes: 0, packets: 0 }
  sums.set(key, { bytes: sum.bytes + bytes, packets: sum.packets + packets })
}

export const sorted = (sums: FlowSums) => [...sums].toSorted(([a], [b]) => (a < b ? -1 : 1))

/** What the packets carry at layer 3, added up from how they were made. */
export function truthOf(runs: readonly PacketRun[]): FlowSums {
  const sums: FlowSums = new Map()
  for (const { src, dst, srcPort, dstPort, protocol, count, payload } of runs) {
    const length = (src.includes(':') ? 40 : 20) + transportLength(protocol) + payload
    addSum(sums, `${src} ${dst} ${srcPort} ${dstPort} ${protocol}`, length * count, count)
  }
  return sums
}

function transportLength(protocol: number): number {
  return protocol === 6 ? 20 : 8
}

/** A capture of the packets. */
export function captureOf(runs: readonly PacketRun[]): Buffer {
  return captureFile(runs.flatMap((run) => Array.from({ length: run.count }, () => packetOf(run))))
}

/** Raw IP packets (link type 101), one millisecond apart, the last of them a minute ago. */
export function captureFile(packets: readonly Buffer[]): Buffer {
  const head = Buffer.alloc(24)
  head.writeUInt32LE(0xa1b2c3d4, 0)
  head.writeUInt16LE(2, 4)
  head.writeUInt16LE(4, 6)
  head.writeUInt32LE(65_535, 16)
  head.writeUInt32LE(101, 20)
  const beginMs = Date.now() - 60_000 - packets.length
  const records = packets.flatMap((packet, index) => {
    const record = Buffer.alloc(16)
    record.writeUInt32LE(Math.floor((beginMs + index) / 1000), 0)
    record.writeUInt32LE(((beginMs + index) % 1000) * 1000, 4)
    record.writeUInt32LE(packet.length, 8)
    record.writeUInt32LE(packet.length, 12)
    return [record, packet]
  })
  return Buffer.concat([head, ...records])
}

/** An IP packet with its transport header; ports of ICMP are type and code, which stay 0. */
export function packetOf(run: PacketRun): Buffer {
  const { srcPort, dstPort, protocol, payload } = run
  const transport = Buffer.alloc(transportLength(protocol) + payload)
  if (protocol === 6 || protocol === 17) {
    transport.writeUInt16BE(srcPort, 0)
    transport.writeUInt16BE(dstPort, 2)
  }
  if (protocol === 6) {
    transport[12] = 0x50
    transport[13] = 0x10
  } else if (protocol === 17) transport.writeUInt16BE(transport.length, 4)
  return Buffer.concat([ipHeader(run, transport.length), transport])
}

/** A datagram on its way to a collector. */
export function udpPacket(datagram: Buffer, dstPort: number): Buffer {
  const ends = { src: '127.0.0.1', dst: '127.0.0.1', srcPort: 50_000, dstPort, protocol: 17 }
  const packet = packetOf({ ...ends, count: 1, payload: datagram.length })
  datagram.copy(packet, 28)
  return packet
}

function ipHeader({ src, dst, protocol }: PacketRun, length: number): Buffer {
  const [from, to] = [parseAddress(src) as Uint8Array, parseAddress(dst) as Uint8Array]
  if (src.includes(':')) {
    const header = Buffer.alloc(40)
    header[0] = 0x60
    header.writeUInt16BE(length, 4)
    header[6] = protocol
    header[7] = 64
    header.set(from, 8)
    header.set(to, 24)
    return header
  }
  const header = Buffer.alloc(20)
  header[0] = 0x45
  header.writeUInt16BE(20 + length, 2)
  header[8] = 64
  header[9] = protocol
  header.set(from.subarray(12), 12)
  header.set(to.subarray(12), 16)
  return header
}

/** The datagrams that softflowd sends of the packets. */
export function softflowd(
  folder: string,
  runs: readonly PacketRun[],
  options: readonly string[],
): Promise<readonly Buffer[]> {
  const file = join(folder, `${Math.random().toString(36).slice(2)}.pcap`)
  writeFileSync(file, captureOf(runs))
  return softflowdOf(file, folder, options)
}

/** The datagrams that softflowd sends of a capture. */
export async function softflowdOf(
  file: string,
  folder: string,
  options: readonly string[],
): Promise<readonly Buffer[]> {
  const datagrams: Buffer[] = []
  const socket = createSocket({ type: 'udp4', recvBufferSize: 4 * 1024 ** 2 })
  socket.on('message', (octets) => datagrams.push(octets))
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  const target = `127.0.0.1:${socket.address().port}`
  const control = ['-p', join(folder, `${basename(file)}.pid`), '-c', 'none']
  const child = spawn('softflowd', ['-r', file, '-n', target, '-D', ...control, ...options], {
    stdio: 'ignore',
  })
  await once(child, 'exit')
  // What was sent on loopback is in the socket's buffer: it is read before what is sent now.
  const mark = createSocket('udp4')
  const last = new Promise<void>((resolve) =>
    socket.on('message', (octets) => {
      if (octets.toString() === 'end') resolve()
    }),
  )
  mark.send('end', socket.address().port, '127.0.0.1', () => mark.close())
  await last
  socket.close()
  return datagrams.filter((octets) => octets.toString() !== 'end')
}
