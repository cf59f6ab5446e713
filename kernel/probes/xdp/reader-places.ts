// The eight places of readers, in a map that is pinned beside the others: whose each is, and what all of them want
// together. A place whose process has ended is free again; the process is known by its id and start.

import { xdpWant } from '../../layout/xdp-event.ts'
import { lockName } from '../../loader/attach/name-lock.ts'
import { fail } from '../../loader/errors.ts'
import { readText } from '../../loader/host.ts'
import { closeDescriptor } from '../../loader/library.ts'
import { keyOf } from './generation.ts'
import type { XdpMaps } from './pinned.ts'

const readersMax = 8
const readerBytes = 32
const allBytes = 16
const lockPauseMs = 2
const lockWaitMs = 10_000
/** A reader of these gets packets, and so it has a ring. */
const packetWants = xdpWant.ALL | xdpWant.LABELLED | xdpWant.DROPPED

/** struct reader, and whose it is. */
export interface ReaderSettings {
  /** Bits of `xdpWant`. */
  readonly want: number
  readonly every: number
  readonly snap: number
  readonly protocols: readonly number[]
  readonly label: number
}

/**
 * Takes a free place; `prepare` is called before the program looks at it. Throws `xdp_readers` if all are taken.
 */
export function takePlace(
  maps: XdpMaps,
  name: string,
  settings: ReaderSettings,
  prepare: (number: number, isFirstOfHits: boolean) => void,
): number {
  const lock = lockPlaces(maps, name)
  try {
    const living = livingReaders(maps)
    const number = living.indexOf(undefined)
    if (number < 0) throw fail('xdp_readers', { details: { most: readersMax, interface: name } })
    writeAll(maps, living)
    const countsHits = (reader: ReaderSettings | undefined) =>
      ((reader?.want ?? 0) & xdpWant.HITS) !== 0
    prepare(number, countsHits(settings) && !living.some(countsHits))
    maps.readers.update(keyOf(number), encoded(settings))
    writeAll(maps, livingReaders(maps))
    return number
  } finally {
    closeDescriptor(lock)
  }
}

/** Gives a place back; the program looks at it no more. */
export function leavePlace(maps: XdpMaps, number: number): void {
  maps.readers.update(keyOf(number), Buffer.alloc(readerBytes))
  writeAll(maps, livingReaders(maps))
}

/** One process at a time; who holds the name is done within a moment. Throws `xdp_busy`. */
function lockPlaces(maps: XdpMaps, name: string): number {
  const word = new Int32Array(new SharedArrayBuffer(4))
  for (let waited = 0; waited < lockWaitMs; waited += lockPauseMs) {
    const lock = lockName(`weir-xdp-readers-${maps.readers.id}`)
    if (lock !== undefined) return lock
    Atomics.wait(word, 0, 0, lockPauseMs)
  }
  throw fail('xdp_busy', { details: { interface: name } })
}

/** By place; undefined = free. */
function livingReaders(maps: XdpMaps): readonly (ReaderSettings | undefined)[] {
  return Array.from({ length: readersMax }, (_, number) => {
    const value = Buffer.alloc(readerBytes)
    maps.readers.lookup(keyOf(number), value)
    const pid = value.readUInt32LE(16)
    if (pid === 0 || startOf(pid) !== value.readBigUInt64LE(24)) return undefined
    return {
      want: value.readUInt32LE(0),
      every: value.readUInt32LE(4),
      snap: value.readUInt32LE(8),
      protocols: [value.readUInt8(12), value.readUInt8(13)],
      label: value.readUInt32LE(20),
    }
  })
}

function encoded({ want, every, snap, protocols, label }: ReaderSettings): Buffer {
  const value = Buffer.alloc(readerBytes)
  value.writeUInt32LE(want, 0)
  value.writeUInt32LE(Math.max(1, every), 4)
  value.writeUInt32LE(snap, 8)
  value.writeUInt8(protocols[0] ?? 0, 12)
  value.writeUInt8(protocols[1] ?? protocols[0] ?? 0, 13)
  value.writeUInt32LE(process.pid, 16)
  value.writeUInt32LE(label, 20)
  value.writeBigUInt64LE(startOf(process.pid), 24)
  return value
}

/** When a process began, in ticks since the boot; 0n if there is none. */
function startOf(pid: number): bigint {
  const stat = readText(`/proc/${pid}/stat`)
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return BigInt(fields[19] ?? 0)
}

/** struct reader_all from those that live. Hits are of all protocols if those who count them do not agree. */
function writeAll(maps: XdpMaps, readers: readonly (ReaderSettings | undefined)[]): void {
  const all = Buffer.alloc(allBytes)
  let [mask, snap, tasks] = [0, 0, 0]
  for (const [number, reader] of readers.entries()) {
    if (reader === undefined || (reader.want & packetWants) === 0) continue
    mask |= 1 << number
    snap = Math.max(snap, reader.snap)
    if (reader.want & xdpWant.TASK) tasks = 1
  }
  const ofHits = readers.filter((reader) => reader && (reader.want & xdpWant.HITS) !== 0)
  const pairs = new Set(ofHits.map((reader) => reader?.protocols.join(' ')))
  const [first = 0, second = 0] = pairs.size === 1 ? (ofHits[0]?.protocols ?? []) : []
  all.writeUInt32LE(mask, 0)
  all.writeUInt32LE(snap, 4)
  all.writeUInt32LE(ofHits.length > 0 ? 1 : 0, 8)
  all.writeUInt8(first, 12)
  all.writeUInt8(second, 13)
  all.writeUInt8(tasks, 14)
  maps.reading.update(keyOf(0), all)
}
