// Consumes a BPF ring buffer where it lies: no copy, no call into C, no callback from C.
//
//   page 0: consumer position (ours to write) | page 1: producer position | data
//
// A record is [u32 length|BUSY|DISCARD][u32 page offset][data], padded to 8, so that a header never wraps around.
// The kernel offers the data twice in a row, but every page that is mapped counts as memory of the process: the
// one record a lap that wraps around is put together instead.
// Source: kernel/bpf/ringbuf.c, Documentation/bpf/ringbuf.rst.

import koffi from 'koffi'
import { openLibc } from './library.ts'
import { mapDescriptor, protection } from './mapping.ts'

export type RingSink = (words: Uint32Array, octets: Uint8Array, wordOffset: number) => void

/** The two mappings of a ring. `readOnly` begins with the producer's page; writing to it is a SIGSEGV. */
export interface RingMemory {
  readonly consumer: ArrayBuffer
  readonly readOnly: ArrayBuffer
  readonly pageBytes: number
  readonly dataBytes: number
}

export interface Ring {
  /** Hands over at most `max` records and returns how many there were. */
  drain(sink: RingSink, max: number): number
}

export interface MappedRing extends Ring {
  close(): void
}

const discardBit = 0x40000000
const lengthMask = 0x3fffffff
const headerBytes = 8
const two32 = 4294967296

/** Pure memory: what the tests fill by hand and the kernel fills through `mapRing`. */
export function createRing(memory: RingMemory): Ring {
  const { pageBytes, dataBytes } = memory
  const mask = dataBytes - 1
  const end = pageBytes + dataBytes
  const words = new Uint32Array(memory.readOnly)
  const octets = new Uint8Array(memory.readOnly)
  const signed = new Int32Array(memory.readOnly)
  const position = new BigUint64Array(memory.consumer, 0, 1)
  let consumed = Number(Atomics.load(position, 0))
  let wrapped = new Uint32Array(0)
  let wrappedOctets = new Uint8Array(0)

  /** A record of `bytes` octets whose header is at word `at` and whose data goes on at the ring's begin. */
  function sinkWrapped(sink: RingSink, at: number, bytes: number): void {
    if (wrappedOctets.length < bytes) {
      wrapped = new Uint32Array((bytes + 3) >>> 2)
      wrappedOctets = new Uint8Array(wrapped.buffer)
    }
    const first = octets.subarray((at << 2) + headerBytes, end)
    wrappedOctets.set(first)
    wrappedOctets.set(octets.subarray(pageBytes, pageBytes + bytes - first.length), first.length)
    sink(wrapped, wrappedOctets, 0)
  }

  function drain(sink: RingSink, max: number): number {
    let records = 0
    const start = consumed
    // Only the low half of the producer's position: the difference is below the ring's size.
    let available = (Atomics.load(signed, 0) - ((consumed % two32) | 0)) >>> 0
    try {
      while (available > 0 && records < max) {
        const at = (pageBytes + (consumed & mask)) >>> 2
        const header = Atomics.load(signed, at)
        if (header < 0) break // reserved, not yet submitted
        const step = ((header & lengthMask) + headerBytes + 7) & ~7
        consumed += step
        available -= step
        if ((header & discardBit) !== 0) continue
        records++
        if ((at << 2) + step <= end) sink(words, octets, at + 2)
        else sinkWrapped(sink, at, header & lengthMask)
      }
    } finally {
      if (consumed !== start) Atomics.store(position, 0, BigInt(consumed))
    }
    return records
  }

  return { drain }
}

/** Maps the ring of a BPF_MAP_TYPE_RINGBUF. After `close` no view of it may be touched. */
export function mapRing(fd: number, dataBytes: number, pageBytes: number): MappedRing {
  const readOnlyBytes = pageBytes + dataBytes
  const what = 'the ring'
  const ours = { size: pageBytes, protection: protection.readWrite, offset: 0, what }
  const theirs = { size: readOnlyBytes, protection: protection.read, offset: pageBytes, what }
  const consumer = mapDescriptor(fd, ours)
  const readOnly = mapDescriptor(fd, theirs)
  const ring = createRing({
    consumer: koffi.view(consumer, pageBytes),
    readOnly: koffi.view(readOnly, readOnlyBytes),
    pageBytes,
    dataBytes,
  })
  return {
    drain: ring.drain,
    close: () => {
      openLibc().munmap(readOnly, readOnlyBytes)
      openLibc().munmap(consumer, pageBytes)
    },
  }
}
