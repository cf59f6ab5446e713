// The six totals of a connection from the records of its ends, and what of them is new.

import { roles, word } from '../drain/record.ts'
import { outdate, total, totals as totalCount } from './connection-table.ts'
import { type EndTable, roleOf, u32At, u64At } from './end-table.ts'
import type { Connections } from './state.ts'

/** Octets of a direction are what its sender sent, or what its receiver got if that is known to be more. */
export function readTotals({ table, ends }: Connections, connection: number, to: Float64Array) {
  const src = table.src[connection] as number
  const dst = table.dst[connection] as number
  to[total.bytes] = octetsOf(ends, src, dst)
  to[total.reverseBytes] = octetsOf(ends, dst, src)
  to[total.packets] = src >= 0 ? segmentsOut(ends, src) : u32At(ends, dst, word.segsIn)
  to[total.reversePackets] = dst >= 0 ? segmentsOut(ends, dst) : u32At(ends, src, word.segsIn)
  to[total.retransmits] = src >= 0 ? u32At(ends, src, word.retransmits) : -1
  to[total.reverseRetransmits] = dst >= 0 ? u32At(ends, dst, word.retransmits) : -1
}

/** The record of a sender that has ended is final. That of an open one may be older than the receiver's. */
function octetsOf(ends: EndTable, sender: number, receiver: number): number {
  if (sender < 0) return u64At(ends, receiver, word.received)
  const sent = u64At(ends, sender, word.sent)
  if (receiver < 0 || ends.closed[sender] === 1) return sent
  return Math.max(sent, u64At(ends, receiver, word.received))
}

/** The SYN-ACK is sent before the responder's socket exists, so the kernel's own counter lacks it. */
function segmentsOut(ends: EndTable, slot: number): number {
  return u32At(ends, slot, word.segsOut) + (roleOf(ends, slot) === roles.responder ? 1 : 0)
}

/** What `subtract` found. */
export interface Difference {
  /** Totals minus what was reported before; −1 = not known. */
  readonly increments: Float64Array
  /** Any of them is above 0. */
  moved: boolean
  /** Counters that went back, which is no increment. */
  clamped: number
}

export function subtract(
  { table }: Connections,
  connection: number,
  totals: Float64Array,
  difference: Difference,
): void {
  const isOlder = table.start[connection * 2] === 0 && table.start[connection * 2 + 1] === 0
  difference.moved = false
  for (let index = 0; index < totalCount; index++) {
    const now = totals[index] as number
    const reported = table.reported[connection * totalCount + index] as number
    const baseline = reported < 0 && isOlder ? now : Math.max(reported, 0)
    let more = now < 0 ? -1 : now - baseline
    if (index >= total.packets && more < -0x8000_0000) more += 0x1_0000_0000 // u32 there
    if (now >= 0 && more < 0) {
      more = 0
      difference.clamped++
    }
    difference.increments[index] = more
    if (more > 0) difference.moved = true
  }
}

/** The totals have been reported. */
export function markReported(
  { table }: Connections,
  connection: number,
  totals: Float64Array,
): void {
  for (let index = 0; index < totalCount; index++) {
    const at = connection * totalCount + index
    const now = totals[index] as number
    const reported = table.reported[at] as number
    const wrapped = index >= total.packets && now >= 0 && reported - now > 0x8000_0000
    if (now <= reported && !wrapped) continue
    table.reported[at] = now
    outdate(table, connection)
  }
}
