// Walks a whole map with as few calls as can be: BPF_MAP_LOOKUP_BATCH and its deleting sister, or key after key
// where the kernel has none for that type (per-CPU arrays before 5.13). Which one is found out by trying.
//
//   hash   position = u32, the next bucket; a bucket comes whole or not at all  (kernel/bpf/hashtab.c)
//   array  position = the last key                                              (kernel/bpf/syscall.c)

import { constants } from 'node:os'
import { ENOTSUPP, fail } from './errors.ts'
import { errorText, type Libbpf } from './library.ts'

/**
 * What a read gives. The buffers are the reader's to write: they are kept for the next read and replaced when they
 * must grow, so take them from here each time. Entry i has its key at `i * keyBytes` and its value at `i * valueBytes`.
 */
export interface MapEntries {
  count: number
  keys: Uint8Array
  values: Uint8Array
  /** The same memory as `keys` and `values`. */
  keyWords: Uint32Array
  valueWords: Uint32Array
  /** False when the map changed so much meanwhile that the end was not reached: the rest is still in it. */
  complete: boolean
  /** How they were read: `each` is a call per key. */
  way: 'batch' | 'each'
  /** Calls into the kernel. */
  calls: number
}

export interface MapShape {
  readonly name: string
  readonly keyBytes: number
  readonly valueBytes: number
  readonly entriesMax: number
}

export interface MapReader {
  read(fd: number, into: MapEntries): void
  drain(fd: number, into: MapEntries): void
}

/** Empty; grows with the first read. May be used for several maps in turn. */
export function createMapEntries(): MapEntries {
  const none = new Uint8Array(0)
  const noWords = new Uint32Array(0)
  return {
    count: 0,
    keys: none,
    values: none,
    keyWords: noWords,
    valueWords: noWords,
    complete: true,
    way: 'batch',
    calls: 0,
  }
}

const { EAGAIN, EBUSY, EDEADLK, EINTR, EINVAL, ENOENT, ENOMEM, ENOSPC, ETIMEDOUT } = constants.errno
/** A bucket's lock that could not be had, a signal: the same call may go through the next time. */
const transient = new Set<number>([EINTR, EAGAIN, EBUSY, EDEADLK, ETIMEDOUT])
/** With these the kernel has written how many entries there are; with others the count is our own. */
const counted = new Set([0, ENOENT, ENOSPC, ENOMEM, ...transient])
const triesMax = 100
const entriesPerCallDefault = 4096

export function createMapReader(
  bpf: Libbpf,
  map: MapShape,
  entriesPerCall = entriesPerCallDefault,
): MapReader {
  // The kernel has read the old position before it writes the new one: one buffer is both.
  const position = Buffer.alloc(Math.max(4, map.keyBytes))
  const count = new Uint32Array(new ArrayBuffer(4))
  /** Entries come once in a map at rest; twice as many as fit are those of a map that is written meanwhile. */
  const entriesEnough = 2 * map.entriesMax
  let batches = true

  /** False if the kernel has no such call for this map; nothing was read then. */
  function walk(fd: number, into: MapEntries, call: Libbpf['lookupBatch'], what: string): boolean {
    let room = Math.min(entriesPerCall, map.entriesMax)
    let begun = false
    for (let tries = 0; tries < triesMax; tries++) {
      reserve(into, map, room, entriesEnough)
      count[0] = room
      const keys = into.keys.subarray(into.count * map.keyBytes)
      const values = into.values.subarray(into.count * map.valueBytes)
      const result = -call(fd, begun ? position : null, position, keys, values, count, null)
      into.calls++
      const got = counted.has(result) ? count[0] : 0
      into.count += got
      if (result === ENOENT) return true
      if (got > 0) {
        begun = true
        tries = 0
      }
      if (into.count >= entriesEnough) {
        into.complete = false
        return true
      }
      if (result === ENOSPC && room <= entriesEnough) room *= 2
      else if (!begun && (result === ENOTSUPP || result === EINVAL)) return false
      else if (result > 0 && !transient.has(result)) throw refused(what, result)
    }
    throw refused(what, EBUSY)
  }

  function each(fd: number, into: MapEntries): void {
    const key = Buffer.alloc(map.keyBytes)
    const value = Buffer.alloc(map.valueBytes)
    into.way = 'each'
    // After a key that was deleted meanwhile the kernel begins again: hence the limit.
    for (let steps = 0; steps < entriesEnough; steps++) {
      const result = -bpf.nextKey(fd, steps === 0 ? null : key, key)
      into.calls += 2
      if (result === ENOENT) return
      if (result > 0) throw refused(`reading map ${map.name}`, result)
      const found = -bpf.lookup(fd, key, value)
      if (found === ENOENT) continue
      if (found > 0) throw refused(`reading map ${map.name}`, found)
      reserve(into, map, 1, entriesEnough)
      into.keys.set(key, into.count * map.keyBytes)
      into.values.set(value, into.count * map.valueBytes)
      into.count++
    }
    into.complete = false
  }

  return {
    read: (fd, into) => {
      reset(into)
      batches &&= walk(fd, into, bpf.lookupBatch, `reading map ${map.name}`)
      if (!batches) each(fd, into)
    },
    drain: (fd, into) => {
      reset(into)
      const what = `draining map ${map.name}`
      if (walk(fd, into, bpf.drainBatch, what)) return
      const details = { what, needs: 'a hash and Linux 5.6', instead: 'nothing was taken' }
      throw fail('unsupported_feature', { details })
    },
  }
}

function reset(into: MapEntries): void {
  into.count = 0
  into.complete = true
  into.way = 'batch'
  into.calls = 0
}

/** Makes room for `more` entries behind those that are there; doubles, but not beyond what is ever read. */
function reserve(into: MapEntries, map: MapShape, more: number, enough: number): void {
  const needed = into.count + more
  const { keyBytes, valueBytes } = map
  if (into.keys.length >= needed * keyBytes && into.values.length >= needed * valueBytes) return
  const had = Math.floor(Math.min(into.keys.length / keyBytes, into.values.length / valueBytes))
  const entries = Math.max(needed, Math.min(had * 2, enough))
  into.keys = moved(into.keys, into.count * keyBytes, entries * keyBytes)
  into.keyWords = new Uint32Array(into.keys.buffer)
  into.values = moved(into.values, into.count * valueBytes, entries * valueBytes)
  into.valueWords = new Uint32Array(into.values.buffer)
}

function moved(bytes: Uint8Array, used: number, octets: number): Uint8Array {
  const larger = new Uint8Array(new ArrayBuffer((octets + 7) & ~7))
  larger.set(bytes.subarray(0, used))
  return larger
}

function refused(what: string, errno: number): Error {
  return fail('kernel_call', { details: { what, reason: errorText(errno) } })
}
