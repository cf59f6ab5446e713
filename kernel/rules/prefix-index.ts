// Finds the rule that decides about a packet among very many: by source prefix, then, of rules that have a destination
// alone, by that. What the plain matcher says, without a look at every rule.

import { cleared } from './address.ts'
import { holds, type MatchedPacket } from './matcher.ts'
import type { Prefix, Rule } from './rule.ts'

/** A rule in its order, with what else its owner knows of it. */
export interface RankedRule {
  readonly rule: Rule
  readonly rank: number
}

export interface RuleIndex<R extends RankedRule> {
  /** The first in rank whose conditions hold and that `isWanted`. */
  find(packet: MatchedPacket, isWanted: (ranked: R) => boolean): R | undefined
}

const anywhere: Prefix = { address: new Uint8Array(16), bits: 0 }

/** For rules in their order. */
export function indexRules<R extends RankedRule>(ranked: readonly R[]): RuleIndex<R> {
  const isByDestination = ({ rule }: R) => !rule.source && rule.destination !== undefined
  const sources = createPrefixes(
    ranked.filter((each) => !isByDestination(each)),
    ({ rule }) => rule.source ?? anywhere,
  )
  const destinations = createPrefixes(
    ranked.filter(isByDestination),
    ({ rule }) => rule.destination ?? anywhere,
  )
  return {
    find: (packet, isWanted) => {
      const fits = (each: R) => isWanted(each) && holds(each.rule, packet)
      const first = sources(packet.source, fits)
      const second = destinations(packet.destination, fits)
      if (!first || !second) return first ?? second
      return first.rank < second.rank ? first : second
    },
  }
}

/** The rules of each prefix, by its length and then by its address. */
function createPrefixes<R extends RankedRule>(
  ranked: readonly R[],
  prefixOf: (ranked: R) => Prefix,
): (address: Uint8Array, fits: (ranked: R) => boolean) => R | undefined {
  const lengths = new Map<number, Map<string, R[]>>()
  for (const each of ranked) {
    const { bits, address } = prefixOf(each)
    const byAddress = lengths.get(bits) ?? new Map<string, R[]>()
    lengths.set(bits, byAddress)
    const name = nameOf(address)
    const same = byAddress.get(name)
    if (same) same.push(each)
    else byAddress.set(name, [each])
  }
  return (address, fits) => {
    let best: R | undefined
    for (const [bits, byAddress] of lengths) {
      const found = byAddress.get(nameOf(cleared(address, bits)))?.find(fits)
      if (found && (best === undefined || found.rank < best.rank)) best = found
    }
    return best
  }
}

function nameOf(address: Uint8Array): string {
  return String.fromCharCode(...address)
}
