// Packets by source, counted in the kernel as long as somebody looks on.

import { xdpWant } from '../../layout/xdp-event.ts'
import { createMapEntries } from '../../loader/map-batch.ts'
import type { XdpMaps } from './pinned.ts'
import { leavePlace, takePlace } from './reader-places.ts'

/** Packets of one source. */
export interface Hit {
  /** 16 octets, IPv4 as `::ffff:a.b.c.d`. */
  readonly source: Uint8Array
  readonly etherType: number
  readonly protocol: number
  readonly hits: number
}

export interface HitReader {
  /** What came in since the reader was opened, each source once per ethertype and protocol. */
  read(): readonly Hit[]
  close(): void
}

const keyBytes = 20

/** Takes a place; at most two protocols, none is all. Throws `xdp_readers` if all are taken. */
export function openHits(maps: XdpMaps, name: string, protocols: readonly number[]): HitReader {
  const entries = createMapEntries()
  const before = new Map<string, number>()
  const settings = { want: xdpWant.HITS, every: 1, snap: 0, protocols, label: 0 }
  const number = takePlace(maps, name, settings, (_, isFirst) => {
    // What nobody looks at any more only takes room from sources to come.
    if (isFirst) maps.hits.drain(entries)
    maps.hits.read(entries)
    for (const { key, hits } of counted()) before.set(key, hits)
  })

  function counted() {
    const [keys, values] = [Buffer.from(entries.keys.buffer), Buffer.from(entries.values.buffer)]
    return Array.from({ length: entries.count }, (_, index) => {
      const key = keys.toString('latin1', index * keyBytes, (index + 1) * keyBytes)
      return { key, at: index * keyBytes, hits: Number(values.readBigUInt64LE(index * 8)) }
    })
  }

  function read(): readonly Hit[] {
    maps.hits.read(entries)
    const keys = Buffer.from(entries.keys.buffer)
    // Who else counts may want other protocols.
    const isWanted = (protocol: number) => protocols.length === 0 || protocols.includes(protocol)
    const latest = new Map(counted().map((count) => [count.key, count]))
    return [...latest.values()]
      .map(({ key, at, hits }) => ({
        source: Uint8Array.from(keys.subarray(at, at + 16)),
        etherType: keys.readUInt16LE(at + 16),
        protocol: keys.readUInt8(at + 18),
        hits: hits - (before.get(key) ?? 0),
      }))
      .filter(({ hits, protocol }) => hits > 0 && isWanted(protocol))
  }

  return { read, close: () => leavePlace(maps, number) }
}
