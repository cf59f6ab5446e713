// All events of the agent behind one door: of connections, from what the stage enrich knows; of packets, from the
// records of the drop probe and of the XDP probe; and of each probe whose records are events as they stand.

import type { Batch } from '../../wire/mod.ts'
import type { Moment } from '../rows/moment.ts'
import { type ConnectionEventsOptions, createConnectionEvents } from './connection-events.ts'
import { createDropEvents, dropSource } from './drop-events.ts'
import { createPacketEvents, type PacketEventsOptions, packetSource } from './packet-events.ts'
import { createPlainEvents } from './plain-events.ts'

const noPackets = { interfaces: [], snap: 0 }

/** Since last taken; due = rows + filtered + packetsFull. */
export interface EventCounts {
  readonly due: number
  readonly rows: number
  readonly filtered: number
  /** Of `rows`: those that the filter of the agent left out. */
  readonly leftOut?: number
  /** Packets that the records of the drop probe stood for which came; each record is due. */
  readonly dropPackets: number
  /** Records of the XDP probe that came; each is due. */
  readonly packetRecords?: number
  /** Records of the other sources of events that came; each is due. */
  readonly plainRecords?: ReadonlyMap<string, number>
  /** Of what is due, lost because an interval had too many. */
  readonly packetsFull?: number
}

export interface Events {
  /** Of each source of events what takes its records, whole ones; they are copied. */
  readonly takes: Readonly<Record<string, (words: Uint32Array, count: number) => void>>
  /** Before the stage enrich reports, which forgets connections that have ended. The batch is used again. */
  report(moment: Moment, emit: (batch: Batch) => void): void
  takeCounts(): EventCounts
}

export interface EventsOptions extends ConnectionEventsOptions {
  /** Packets of these interfaces are reported; none when not given. */
  readonly packets?: Pick<PacketEventsOptions, 'interfaces' | 'snap' | 'onPacket'>
}

export function createEvents(options: EventsOptions): Events {
  const connections = createConnectionEvents(options)
  const drops = createDropEvents(options)
  const packets = createPacketEvents({ ...options, ...(options.packets ?? noPackets) })
  const plain = createPlainEvents(options)
  return {
    takes: { [dropSource]: drops.take, [packetSource]: packets.take, ...plain.takes },
    report: (moment, emit) => {
      connections.report(moment, emit)
      const batch = drops.report(moment)
      if (batch) emit(batch)
      packets.report(moment, emit)
      plain.report(moment, emit)
    },
    takeCounts: () => {
      const { due, rows, filtered } = connections.takeCounts()
      const dropped = drops.takeCounts()
      const received = packets.takeCounts()
      const others = plain.takeCounts()
      const plainRecords = [...others.records.values()].reduce((sum, count) => sum + count, 0)
      return {
        due: due + dropped.records + received.records + plainRecords,
        rows: rows + dropped.rows + received.rows + others.rows,
        filtered,
        dropPackets: dropped.packets,
        packetRecords: received.records,
        plainRecords: others.records,
        packetsFull: received.full + others.full,
      }
    },
  }
}
