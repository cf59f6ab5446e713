// Holds the packets that the programs were given against those that the interface itself has counted. A super-packet
// is one frame for a virtual interface and its segments for others, so that an interface may count anything between
// frames and packets:
//
//   unseen   counted before the maps were exchanged, above all packets in records and those that rules of Weir dropped at
//            XDP: another program or the driver took them
//   excess   frames in records, above all that the interface counted afterwards: dropped behind the program

import {
  flowRecordByte as byte,
  flowDirection,
  flowRecordWord as word,
} from '../../layout/flow-record.ts'
import type { Interface } from '../../loader/attach/interface.ts'
import { wide } from './flow-sums.ts'

export interface Carried {
  /** An interface is watched from now on. */
  begin(found: Interface): void
  end(index: number): void
  /** A record that was read. */
  add(record: Uint32Array): void
  /**
   * What is newly unseen, by the interfaces' counters before the maps were exchanged; `xdpDropped` of that, by rules of
   * Weir: `droppedAt` says how many they have dropped since the interface is watched.
   */
  unseen(
    before: readonly Interface[],
    droppedAt: (found: Interface) => number,
  ): { readonly unseen: number; readonly xdpDropped: number }
  /** What newly went no further, by their counters after the maps were read. */
  excess(after: readonly Interface[]): number
}

/** One direction of an interface since it is watched. */
interface Passed {
  /** Its own counter at the begin. */
  readonly base: number
  packets: number
  frames: number
  unseen: number
  excess: number
  xdpDropped: number
}

type Ways = readonly [received: Passed, sent: Passed]

export function createCarried(): Carried {
  const watched = new Map<number, Ways>()
  const fresh = (base: number): Passed => {
    return { base, packets: 0, frames: 0, unseen: 0, excess: 0, xdpDropped: 0 }
  }

  function add(record: Uint32Array): void {
    const ways = watched.get(record[word.interface] as number)
    if (ways === undefined) return
    const octets = new Uint8Array(record.buffer, record.byteOffset)
    const way = ways[octets[byte.direction] === flowDirection.EGRESS ? 1 : 0]
    way.packets += wide(record, word.packets)
    way.frames += wide(record, word.frames)
  }

  /** Adds up over all ways what `grown` says is new of each. */
  function over(
    found: readonly Interface[],
    grown: (way: Passed, carried: number, from: Interface) => number,
  ) {
    let sum = 0
    for (const each of found) {
      const ways = watched.get(each.index)
      if (ways === undefined) continue
      for (const [at, counted] of [each.carried.received, each.carried.sent].entries()) {
        const way = ways[at] as Passed
        sum += grown(way, counted - way.base, each)
      }
    }
    return sum
  }

  /** What an interface counted and no record has was dropped at XDP, as far as rules have dropped so much, or is unseen. */
  function unseen(before: readonly Interface[], droppedAt: (found: Interface) => number) {
    let xdpDropped = 0
    const sum = over(before, (way, carried, found) => {
      const isReceived = watched.get(found.index)?.[0] === way
      const missing = Math.max(carried - way.packets - way.unseen - way.xdpDropped, 0)
      const dropped = isReceived ? Math.min(droppedAt(found) - way.xdpDropped, missing) : 0
      way.xdpDropped += dropped
      xdpDropped += dropped
      way.unseen += missing - dropped
      return missing - dropped
    })
    return { unseen: sum, xdpDropped }
  }

  return {
    begin: ({ index, carried }) => {
      watched.set(index, [fresh(carried.received), fresh(carried.sent)])
    },
    end: (index) => watched.delete(index),
    add,
    unseen,
    excess: (after) =>
      over(after, (way, carried) => {
        const more = Math.max(way.frames - carried - way.excess, 0)
        way.excess += more
        return more
      }),
  }
}
