// Both directions of a conversation as one row (RFC 5103): its source is who opened it, else who was seen first.

import type { CaptureFlow, PlayedCapture } from '../../agent/mod.ts'

export interface Biflow extends CaptureFlow {
  reverse_packets: number
  reverse_bytes: number
  reverse_tcp_flags: number
}

/** Bits of flowFlag: a SYN, a SYN with ACK. */
const [syn, synAck] = [1 << 8, 1 << 9]

type Origin = PlayedCapture['times'][number]

export function biflowsOf({
  flows,
  times,
}: Pick<PlayedCapture, 'flows' | 'times'>): readonly Biflow[] {
  const open = new Map<string, { biflow: Biflow; origin: Origin }>()
  const found: Biflow[] = []
  flows.forEach((flow, index) => {
    const origin = times[index] as Origin
    const other = open.get(keyOf(flow, true))
    if (other === undefined) {
      const biflow = { ...flow, reverse_packets: 0, reverse_bytes: 0, reverse_tcp_flags: 0 }
      open.set(keyOf(flow, false), { biflow, origin })
      found.push(biflow)
      return
    }
    open.delete(keyOf(flow, true))
    join(other.biflow, flow, openedBySecond(other.origin, origin))
  })
  return found
}

/** Whether the initiator is the flow that was seen second: only its packets say so. */
function openedBySecond(first: Origin, second: Origin): boolean {
  const firstOpened = (first.marks & syn) !== 0 || (second.marks & synAck) !== 0
  const secondOpened = (second.marks & syn) !== 0 || (first.marks & synAck) !== 0
  return secondOpened && !firstOpened
}

function join(biflow: Biflow, second: CaptureFlow, turned: boolean): void {
  const first = { ...biflow }
  const [from, back] = turned ? [second, first] : [first, second]
  Object.assign(biflow, from, {
    reverse_packets: back.packets,
    reverse_bytes: back.bytes,
    reverse_tcp_flags: back.tcp_flags,
  })
}

function keyOf({ family, src, sport, dst, dport, proto }: CaptureFlow, turned: boolean): string {
  const ends = turned ? [dst, dport, src, sport] : [src, sport, dst, dport]
  return [family, proto, ...ends].join(' ')
}
