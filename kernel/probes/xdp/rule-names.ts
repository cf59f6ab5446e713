// The text of the rule that an event names by its rank. Ranks change with each set of rules, so an event carries the
// set's number too (the epoch); of a set that has gone nothing is said rather than something wrong.

import type { OwnMap } from '../../loader/own-map.ts'
import { openInner } from '../../loader/own-map.ts'
import { formatRule } from '../../rules/text.ts'
import { placeOf, type XdpTarget } from './attach.ts'
import { keyOf } from './generation.ts'
import { findPinned, type XdpMaps } from './pinned.ts'
import { decodeRule, ruleBytes } from './rule-bytes.ts'
import { currentState } from './rule-store.ts'

export interface RuleNames {
  /** Of the rule at this rank; '' if its set has gone. */
  nameOf(rule: {
    readonly generation: number
    readonly epoch: number
    readonly rank: number
  }): string
  /** Gives up what it holds in the kernel; names that it knows stay. */
  rest(): void
}

const namesMax = 65_536

/** Names of the rules that are pinned for an interface; nothing is open until a name is asked for. */
export function createRuleNames(target: XdpTarget): RuleNames {
  const known = new Map<string, string>()
  let rules: { readonly key: string; readonly map: OwnMap | undefined } | undefined

  function nameOf({ generation, epoch, rank }: Parameters<RuleNames['nameOf']>[0]): string {
    const key = `${epoch} ${rank}`
    const name = known.get(key)
    if (name !== undefined) return name
    const found = look(generation, epoch, rank)
    if (known.size >= namesMax) known.clear()
    known.set(key, found)
    return found
  }

  function look(generation: number, epoch: number, rank: number): string {
    const key = `${generation} ${epoch}`
    if (rules?.key !== key) {
      rest()
      rules = { key, map: rulesOf(target, generation, epoch) }
    }
    const value = Buffer.alloc(ruleBytes)
    if (!rules.map?.lookup(keyOf(rank), value)) return ''
    return formatRule(decodeRule(value, target.interface).rule)
  }

  function rest(): void {
    rules?.map?.close()
    rules = undefined
  }

  return { nameOf, rest }
}

/** The rules of that generation, if they are still those of the epoch. What is open stays as it is. */
function rulesOf(target: XdpTarget, generation: number, epoch: number): OwnMap | undefined {
  try {
    const pinned = findPinned(placeOf(target))
    try {
      const map = pinned && openInner(pinned.maps.rules, keyOf(generation))
      if (pinned && map && epochOf(pinned.maps, generation) === epoch) return map
      map?.close()
      return undefined
    } finally {
      pinned?.close()
    }
  } catch {
    return undefined // taken off, or this process may not look
  }
}

function epochOf(maps: XdpMaps, generation: number): number | undefined {
  const { active, fallback, epoch } = currentState(maps)
  if (generation === active) return epoch
  return generation === fallback ? (epoch - 1) >>> 0 : undefined
}
