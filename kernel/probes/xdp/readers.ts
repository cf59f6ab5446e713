// Those who look on: each has a place and a ring of its own, so a slow or dead one takes nothing from others.

import { xdpWant } from '../../layout/xdp-event.ts'
import { bpfCall, callRefused, writtenAttributes } from '../../loader/bpf-call.ts'
import { closeDescriptor, errorText } from '../../loader/library.ts'
import { createMapEntries } from '../../loader/map-batch.ts'
import { sumOverCpus } from '../../loader/map-sum.ts'
import { type MappedRing, mapRing, type RingSink } from '../../loader/ring.ts'
import { keyOf } from './generation.ts'
import { eventOf, type XdpEvent } from './packet-event.ts'
import type { XdpMaps } from './pinned.ts'
import { leavePlace, takePlace } from './reader-places.ts'

const typeRing = 27
const pageBytes = 4096
const ringBytesDefault = 1 << 20

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
  /** Only packets with this label; 0 or absent = whatever they have. */
  readonly label?: number
  /** Which task the CPU had, too; nothing without CAP_PERFMON. */
  readonly tasks?: boolean
  readonly ringBytes?: number
}

/** Packets since the reader was opened: seen = unwanted + sampled + reported + lost. */
export interface ReaderCounts {
  /** That came in. */
  readonly seen: number
  /** Not asked for. */
  readonly unwanted: number
  /** Left out by sampling. */
  readonly sampled: number
  /** Put into the ring. */
  readonly reported: number
  /** That the ring had no room for. */
  readonly lost: number
}

export interface XdpReader {
  /** Hands over what is there, at most `max`; returns how many there were. */
  drain(sink: (event: XdpEvent) => void, max?: number): number
  /** The same as records, where they lie. */
  drainRecords(sink: RingSink, max: number): number
  counts(): ReaderCounts
  close(): void
}

/** Takes a place. Throws `xdp_readers` if all are taken. */
export function openReader(maps: XdpMaps, name: string, wish: ReaderWish): XdpReader {
  const ringBytes = wish.ringBytes ?? ringBytesDefault
  const fd = createRing(ringBytes)
  let ring: MappedRing | undefined
  try {
    ring = mapRing(fd, ringBytes, pageBytes)
    let before = noCounts
    const number = takePlace(maps, name, settingsOf(wish), (place) => {
      before = countsOf(maps, place)
      const value = Buffer.alloc(4)
      value.writeUInt32LE(fd)
      maps.rings.update(keyOf(place), value)
    })
    return readerOf(maps, number, { ring, fd, before })
  } catch (error) {
    ring?.close()
    closeDescriptor(fd)
    throw error
  }
}

function settingsOf({ want, every, snap, protocols, label = 0, tasks = false }: ReaderWish) {
  const bits = { all: xdpWant.ALL, labelled: xdpWant.LABELLED, dropped: xdpWant.DROPPED }[want]
  return { want: bits | (tasks ? xdpWant.TASK : 0), every, snap, protocols, label }
}

interface Opened {
  readonly ring: MappedRing
  readonly fd: number
  readonly before: ReaderCounts
}

function readerOf(maps: XdpMaps, number: number, { ring, fd, before }: Opened): XdpReader {
  let open = true
  return {
    drain: (sink, max = Number.POSITIVE_INFINITY) =>
      ring.drain((_, octets, word) => sink(eventOf(octets, word * 4)), max),
    drainRecords: (sink, max) => ring.drain(sink, max),
    counts: () => difference(countsOf(maps, number), before),
    close: () => {
      if (!open) return
      open = false
      leavePlace(maps, number)
      maps.rings.delete(keyOf(number))
      ring.close()
      closeDescriptor(fd)
    },
  }
}

/** struct reader_counts, in its order. */
const countNames = ['seen', 'unwanted', 'sampled', 'reported', 'lost'] as const
const noCounts: ReaderCounts = { seen: 0, unwanted: 0, sampled: 0, reported: 0, lost: 0 }

function countsOf(maps: XdpMaps, number: number): ReaderCounts {
  const entries = createMapEntries()
  maps.reader_counts.read(entries)
  const sums = new Float64Array(entries.count)
  const counts = countNames.map((name, at) => {
    sumOverCpus(maps.reader_counts, entries, { offset: at * 8, octets: 8 }, sums)
    return [name, sums[number] ?? 0]
  })
  return Object.fromEntries(counts) as unknown as ReaderCounts
}

function difference(now: ReaderCounts, before: ReaderCounts): ReaderCounts {
  const counts = countNames.map((name) => [name, now[name] - before[name]])
  return Object.fromEntries(counts) as unknown as ReaderCounts
}

function createRing(octets: number): number {
  const attributes = writtenAttributes()
  attributes.write('xdp_ring', 28, 'latin1')
  const fd = bpfCall('mapCreate', [typeRing, 0, 0, octets, 0], attributes)
  if (fd < 0) throw callRefused('making a ring', errorText(fd))
  return fd
}
