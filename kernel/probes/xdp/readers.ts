// Those who look on: each takes one of eight places with a ring of its own. A place whose process has ended is free
// again; the process is known by its id and start, in a map that is pinned beside the others.

import { xdpEventByte } from '../../layout/xdp-event.ts'
import { bpfCall, callRefused, writtenAttributes } from '../../loader/bpf-call.ts'
import { fail } from '../../loader/errors.ts'
import { readText } from '../../loader/host.ts'
import { closeDescriptor, errorText } from '../../loader/library.ts'
import { createMapEntries } from '../../loader/map-batch.ts'
import { sumOverCpus } from '../../loader/map-sum.ts'
import { mapRing } from '../../loader/ring.ts'
import { keyOf } from './generation.ts'
import type { XdpMaps } from './pinned.ts'

const readersMax = 8
const readerBytes = 32
const typeRing = 27

/** Which packets a reader gets. */
export interface ReaderWish {
  /** `labelled` and `dropped` are by rules; what a rule in shadow mode would drop counts as dropped. */
  readonly want: 'all' | 'labelled' | 'dropped'
  /** One of so many packets, at random. */
  readonly every: number
  /** Octets of each packet, 0 to 2048. */
  readonly snap: number
  /** At most two protocol numbers; none is all. */
  readonly protocols: readonly number[]
  readonly ringBytes?: number
}

/** One packet; addresses have 16 octets, IPv4 as `::ffff:a.b.c.d`. Valid for good. */
export interface XdpEvent {
  /** CLOCK_BOOTTIME. */
  readonly timeNs: bigint
  readonly ifindex: number
  readonly queue: number
  readonly label: number
  readonly frameBytes: number
  readonly bytes: number
  readonly every: number
  readonly source: Uint8Array
  readonly destination: Uint8Array
  readonly sourcePort: number
  readonly destinationPort: number
  readonly etherType: number
  readonly family: number
  readonly protocol: number
  /** enum xdp_action: 1 drop, 2 pass. */
  readonly action: number
  readonly flags: number
  readonly sample: Uint8Array
}

export interface XdpReader {
  /** Hands over what is there, at most `max`; returns how many there were. */
  drain(sink: (event: XdpEvent) => void, max?: number): number
  /** Packets that the ring had no room for, since the reader was opened. */
  lost(): number
  close(): void
}
/** enum reader_want. */
const wants = { all: 1, labelled: 2, dropped: 4 } as const
const pageBytes = 4096

/** Takes a place. Throws `xdp_readers` if all are taken. */
export function openReader(maps: XdpMaps, name: string, wish: ReaderWish): XdpReader {
  const number = freePlace(maps)
  if (number === undefined) {
    throw fail('xdp_readers', { details: { most: readersMax, interface: name } })
  }
  const ringBytes = wish.ringBytes ?? 1 << 20
  const fd = createRing(ringBytes)
  const ring = mapRing(fd, ringBytes, pageBytes)
  const before = lostOf(maps, number)
  const value = Buffer.alloc(4)
  value.writeUInt32LE(fd)
  maps.rings.update(keyOf(number), value)
  maps.readers.update(keyOf(number), settingsOf(wish))
  writeMask(maps)
  let open = true
  return {
    drain: (sink, max = Number.POSITIVE_INFINITY) =>
      ring.drain((_, octets, word) => sink(eventOf(octets, word * 4)), max),
    lost: () => lostOf(maps, number) - before,
    close: () => {
      if (!open) return
      open = false
      leave(maps, number)
      ring.close()
      closeDescriptor(fd)
    },
  }
}

/** struct reader, and whose it is. */
function settingsOf({ want, every, snap, protocols }: ReaderWish): Buffer {
  const value = Buffer.alloc(readerBytes)
  value.writeUInt32LE(wants[want], 0)
  value.writeUInt32LE(Math.max(1, every), 4)
  value.writeUInt32LE(snap, 8)
  value.writeUInt8(protocols[0] ?? 0, 12)
  value.writeUInt8(protocols[1] ?? protocols[0] ?? 0, 13)
  value.writeUInt32LE(process.pid, 16)
  value.writeBigUInt64LE(startOf(process.pid), 24)
  return value
}

/** When a process began, in ticks since the boot; 0n if there is none. */
function startOf(pid: number): bigint {
  const stat = readText(`/proc/${pid}/stat`)
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return BigInt(fields[19] ?? 0)
}

function freePlace(maps: XdpMaps): number | undefined {
  for (let number = 0; number < readersMax; number++) {
    if (isFree(maps, number)) return number
  }
  return undefined
}

function isFree(maps: XdpMaps, number: number): boolean {
  const value = Buffer.alloc(readerBytes)
  maps.readers.lookup(keyOf(number), value)
  const pid = value.readUInt32LE(16)
  return pid === 0 || startOf(pid) !== value.readBigUInt64LE(24)
}

function leave(maps: XdpMaps, number: number): void {
  maps.readers.update(keyOf(number), Buffer.alloc(readerBytes))
  writeMask(maps)
  maps.rings.delete(keyOf(number))
}

/** struct reader_all from those that live; what it says of hits stays. */
function writeMask(maps: XdpMaps): void {
  const all = Buffer.alloc(16)
  maps.reading.lookup(keyOf(0), all)
  let [mask, snap] = [0, 0]
  for (let number = 0; number < readersMax; number++) {
    if (isFree(maps, number)) continue
    const value = Buffer.alloc(readerBytes)
    maps.readers.lookup(keyOf(number), value)
    mask |= 1 << number
    snap = Math.max(snap, value.readUInt32LE(8))
  }
  all.writeUInt32LE(mask, 0)
  all.writeUInt32LE(snap, 4)
  maps.reading.update(keyOf(0), all)
}

function lostOf(maps: XdpMaps, number: number): number {
  const entries = createMapEntries()
  maps.reader_counts.read(entries)
  const sums = new Float64Array(entries.count)
  sumOverCpus(maps.reader_counts, entries, { offset: 8, octets: 8 }, sums)
  return sums[number] ?? 0
}

function createRing(octets: number): number {
  const attributes = writtenAttributes()
  attributes.write('xdp_ring', 28, 'latin1')
  const fd = bpfCall('mapCreate', [typeRing, 0, 0, octets, 0], attributes)
  if (fd < 0) throw callRefused('making a ring', errorText(fd))
  return fd
}

function eventOf(octets: Uint8Array, at: number): XdpEvent {
  const view = new DataView(octets.buffer, octets.byteOffset + at)
  const word = (byte: number) => view.getUint32(byte, true)
  const short = (byte: number) => view.getUint16(byte, true)
  const part = (from: number, length: number) => octets.slice(at + from, at + from + length)
  return {
    timeNs: view.getBigUint64(xdpEventByte.time_ns, true),
    ifindex: word(xdpEventByte.ifindex),
    queue: word(xdpEventByte.queue),
    label: word(xdpEventByte.label),
    frameBytes: word(xdpEventByte.frame_bytes),
    bytes: word(xdpEventByte.bytes),
    every: word(xdpEventByte.every),
    source: part(xdpEventByte.src, 16),
    destination: part(xdpEventByte.dst, 16),
    sourcePort: short(xdpEventByte.src_port),
    destinationPort: short(xdpEventByte.dst_port),
    etherType: short(xdpEventByte.ether_type),
    family: view.getUint8(xdpEventByte.family),
    protocol: view.getUint8(xdpEventByte.protocol),
    action: view.getUint8(xdpEventByte.action),
    flags: view.getUint8(xdpEventByte.flags),
    sample: part(xdpEventByte.sample, word(xdpEventByte.sample_bytes)),
  }
}

/** Packets by source while at least one trace looks on. */
export interface Hit {
  readonly source: Uint8Array
  readonly etherType: number
  readonly protocol: number
  readonly hits: number
}

/** Lets the program count by source, or no longer. */
export function countHits(maps: XdpMaps, on: boolean): void {
  const all = Buffer.alloc(16)
  maps.reading.lookup(keyOf(0), all)
  all.writeUInt32LE(on ? 1 : 0, 8)
  maps.reading.update(keyOf(0), all)
}

/** What was counted since the program was loaded. */
export function readHits(maps: XdpMaps): readonly Hit[] {
  const entries = createMapEntries()
  maps.hits.read(entries)
  const values = Buffer.from(entries.values.buffer)
  const keys = Buffer.from(entries.keys.buffer)
  return Array.from({ length: entries.count }, (_, index) => ({
    source: Uint8Array.from(keys.subarray(index * 20, index * 20 + 16)),
    etherType: keys.readUInt16LE(index * 20 + 16),
    protocol: keys.readUInt8(index * 20 + 18),
    hits: Number(values.readBigUInt64LE(index * 8)),
  }))
}
