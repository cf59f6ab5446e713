// One source inside the thread that drains: moves records from a probe's ring into chunks that are given away whole,
// and reads snapshots of the living. Order is everything: the dump is read before the ring is drained, so a socket's
// end always comes after a live record of it.

import type { Living, OpenProbe, WatchedInterface } from '../../kernel/mod.ts'

/** What the collector needs of the kernel; kernel/mod.ts fits. */
export interface KernelDoor {
  readonly probe: Pick<
    OpenProbe,
    | 'name'
    | 'recordBytes'
    | 'ringRecords'
    | 'drain'
    | 'living'
    | 'packets'
    | 'counters'
    | 'interfaces'
  >
  namespaces(): readonly { readonly path: string }[]
}

/** Whole records in memory that is given away and comes back by `recycle`. */
export type ChunkSink = (buffer: ArrayBuffer, records: number) => void

/** What the snapshot of one source says besides its records. */
export interface SourceReport {
  /** Name of the probe. */
  readonly source: string
  readonly counters: Readonly<Record<string, number>>
  /**
   * Records taken from the ring, those of dumps, and lost because all chunks were full, since the start. Where a
   * record stands for several packets (`packets` of the probe), `dumped` counts packets.
   */
  readonly drained: number
  readonly dumped: number
  readonly lost: number
  /** Namespaces that could not be read (they went away meanwhile). */
  readonly skippedNamespaces: number
  /** Of probes that watch interfaces. */
  readonly interfaces?: readonly WatchedInterface[]
}

export interface Collector {
  /** Drains at most `max` records of the ring; returns how many there were. */
  drain(max: number): number
  /** What lives and has changed, `complete` = everything that lives; then what ended meanwhile. */
  snapshot(complete: boolean): SourceReport
  /** Takes back memory of a chunk. */
  recycle(buffer: ArrayBuffer): void
}

export interface CollectorOptions {
  readonly door: KernelDoor
  readonly sink: ChunkSink
  readonly chunkOctets?: number
  /**
   * Chunks given away and not come back, those of a snapshot aside; beyond it ended records are counted as lost.
   */
  readonly chunksMax?: number
}

export function createCollector({
  door,
  sink,
  chunkOctets = 6144 * door.probe.recordBytes,
  chunksMax = 64,
}: CollectorOptions): Collector {
  const { recordBytes, ringRecords, living } = door.probe
  const recordWords = recordBytes / 4
  const pool: ArrayBuffer[] = []
  /** Chunks used since the last snapshot. */
  let taken = 0
  let outside = 0
  let outsideMax = chunksMax
  let drained = 0
  let dumped = 0
  let lost = 0
  let chunk: Uint32Array | undefined
  let filled = 0
  let live: Uint8Array | undefined
  let liveFilled = 0
  let namespacesSeen = false

  function drain(max: number): number {
    const count = door.probe.drain(copyRecord, max)
    drained += count
    return count
  }

  function copyRecord(words: Uint32Array, _octets: Uint8Array, at: number): void {
    const to = roomForRecord()
    if (!to) {
      lost++
      return
    }
    for (let index = 0; index < recordWords; index++)
      to[filled + index] = words[at + index] as number
    filled += recordWords
  }

  function roomForRecord(): Uint32Array | undefined {
    if (chunk && filled + recordWords > chunk.length) give()
    if (!chunk && outside < outsideMax) chunk = new Uint32Array(take())
    return chunk
  }

  function take(): ArrayBuffer {
    taken++
    return pool.pop() ?? new ArrayBuffer(Math.floor(chunkOctets / recordBytes) * recordBytes)
  }

  function give(): void {
    if (!chunk || filled === 0) return
    const records = filled / recordWords
    outside++
    sink(chunk.buffer as ArrayBuffer, records)
    chunk = undefined
    filled = 0
  }

  function snapshot(complete: boolean): SourceReport {
    outsideMax = chunksMax
    const skippedNamespaces = living ? copyLiving(living, complete) : 0
    drain(ringRecords) // all that was there, and an end to it in a storm
    give()
    pool.length = Math.min(pool.length, taken) // more was needed only by an earlier peak
    taken = 0
    const counters = door.probe.counters()
    const source = door.probe.name
    const interfaces = door.probe.interfaces?.()
    return {
      ...{ source, counters, drained, dumped, lost, skippedNamespaces },
      ...(interfaces ? { interfaces } : {}),
    }
  }

  /** Returns how many namespaces were gone. */
  function copyLiving(probe: Living, complete: boolean): number {
    copyLive(probe.dump({ onlyChanges: !complete }))
    const skipped = complete ? dumpUnheld(probe) : 0
    giveLive()
    return skipped
  }

  /** What nobody holds: older than the probe once, at the start, if later dumps then know it. */
  function dumpUnheld({ seesUnheld, dumpNamespace }: Living): number {
    if (namespacesSeen && seesUnheld) return 0
    namespacesSeen = true
    let skipped = 0
    for (const { path } of door.namespaces()) {
      try {
        copyLive(dumpNamespace(path))
      } catch {
        skipped++ // it ended between the listing and the dump
      }
    }
    return skipped
  }

  function copyLive(octets: Uint8Array): void {
    dumped += door.probe.packets?.(octets) ?? octets.length / recordBytes
    for (let from = 0; from < octets.length; ) {
      live ??= new Uint8Array(take())
      const part = octets.subarray(from, from + live.length - liveFilled)
      live.set(part, liveFilled)
      from += part.length
      liveFilled += part.length
      if (liveFilled === live.length) giveLive()
    }
  }

  /** Before what waits in the chunk of ended records; their bound is not used up by it. */
  function giveLive(): void {
    if (!live) return
    outside++
    outsideMax++
    sink(live.buffer as ArrayBuffer, liveFilled / recordBytes)
    live = undefined
    liveFilled = 0
  }

  function recycle(buffer: ArrayBuffer): void {
    outside--
    pool.push(buffer)
  }

  return { drain, snapshot, recycle }
}
