// The rules in plain words: the first in order whose conditions hold. What the program in the kernel must equal; it
// takes no short cut, so that it is easy to believe.

import { isMapped } from './address.ts'
import { isWithin, type Rule } from './rule.ts'

/** What rules look at. */
export interface MatchedPacket {
  /** 16 octets, IPv4 as `::ffff:a.b.c.d`. */
  readonly source: Uint8Array
  readonly destination: Uint8Array
  readonly protocol: number
  /** Absent for protocols without ports and for fragments behind the first. */
  readonly ports?: { readonly source: number; readonly destination: number }
}

/** The rules that decide about a packet. */
export interface Match {
  /** Undefined: no rule holds, the packet passes. */
  readonly rule: Rule | undefined
  /** A rule in shadow mode that would have come first. */
  readonly shadow: Rule | undefined
}

/** Finds what decides about a packet; for rules in their order. */
export function matchRules(ordered: readonly Rule[], packet: MatchedPacket): Match {
  let shadow: Rule | undefined
  for (const rule of ordered) {
    if (!holds(rule, packet)) continue
    if (!rule.shadow) return { rule, shadow }
    shadow ??= rule
  }
  return { rule: undefined, shadow }
}

/** Whether all conditions of a rule hold, whatever it does. */
export function holds(
  rule: Rule,
  { source, destination, protocol, ports }: MatchedPacket,
): boolean {
  if (rule.family === 6 && isMapped(source)) return false
  if (rule.source && !isWithin(source, rule.source)) return false
  if (rule.destination && !isWithin(destination, rule.destination)) return false
  if (rule.protocol !== undefined && rule.protocol !== protocol) return false
  if ((rule.ports || rule.sourcePorts) && ports === undefined) return false
  return isIn(rule.ports, ports?.destination) && isIn(rule.sourcePorts, ports?.source)
}

function isIn(range: Rule['ports'], port = 0): boolean {
  return range === undefined || (range.from <= port && port <= range.to)
}
