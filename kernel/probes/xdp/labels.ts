// Which label the rules in force on an interface give to a packet that comes in: the same answer without the packet. For
// flows, whose packets nobody reported.

import { bootNs } from '../../loader/clock.ts'
import type { MatchedPacket } from '../../rules/matcher.ts'
import { indexRules, type RankedRule, type RuleIndex } from '../../rules/prefix-index.ts'
import { placeOf, type XdpTarget } from './attach.ts'
import { inForce } from './generation.ts'
import { findPinned, type XdpMaps } from './pinned.ts'
import { currentState, rulesInForce } from './rule-store.ts'

export interface PacketLabels {
  /** Looks which rules are in force now; they are read when they are others. */
  refresh(): void
  /** Of a packet that comes in; 0 = none. */
  labelOf(packet: MatchedPacket): number
  /** Inode of the network namespace of the interface; 0 if there is none. */
  netns(): number
}

type Expiring = RankedRule & { readonly expiresNs: bigint }

/** What this process may not look at (CAP_SYS_ADMIN) has no labels. */
export function createPacketLabels(target: XdpTarget): PacketLabels {
  let known: { readonly key: string; readonly index: RuleIndex<Expiring> } | undefined
  let netns = 0
  let nowNs = 0n

  function refresh(): void {
    nowNs = bootNs()
    try {
      const place = placeOf(target)
      netns = place.netns
      const pinned = findPinned(place)
      if (!pinned) known = undefined
      else {
        try {
          look(pinned.maps)
        } finally {
          pinned.close()
        }
      }
    } catch {
      known = undefined // the namespace is gone, or this process may not look
    }
  }

  function look(maps: XdpMaps): void {
    const state = currentState(maps)
    const key = `${maps.rules.id} ${inForce(state, nowNs)} ${state.epoch}`
    if (known?.key === key) return
    const { rules } = rulesInForce(maps, target.interface)
    const ranked = rules.map(({ rule, expiresNs }, rank) => ({ rule, expiresNs, rank }))
    known = { key, index: indexRules(ranked) }
  }

  function labelOf(packet: MatchedPacket): number {
    const found = known?.index.find(packet, ({ rule, expiresNs }) => {
      return !rule.shadow && (expiresNs === 0n || nowNs < expiresNs)
    })
    return found?.rule.label ?? 0
  }

  return { refresh, labelOf, netns: () => netns }
}
