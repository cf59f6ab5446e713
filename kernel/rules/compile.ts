// Rules → the entries of the program's maps. Behind each prefix lies the list of all rules that can hold there, those of
// the prefixes around it included, best first: the program walks once by source, and once by destination.

import { fail } from '../loader/errors.ts'
import { formatPrefix } from './address.ts'
import { inOrder, isWithin, type Prefix, type Rule } from './rule.ts'
import { formatRule } from './text.ts'

/** A prefix with so many of `lists` from `start` on, or the rule `start` itself if it is one. */
export interface PrefixList {
  readonly prefix: Prefix
  readonly start: number
  readonly count: number
}

/** A generation of rules for one interface. */
export interface CompiledRules {
  /** In the order in which they are tried: the index is the rank. */
  readonly rules: readonly Rule[]
  /** By address, those around another before it. */
  readonly sources: readonly PrefixList[]
  readonly destinations: readonly PrefixList[]
  readonly lists: readonly number[]
}

/** LIST_MAX of xdp_rules.h. */
export const listMax = 64
const listEntriesMax = 4_000_000
const anywhere: Prefix = { address: new Uint8Array(16), bits: 0 }

/** Rules that can be in force on the interface. Throws `rules_too_many`, `rule_twice`. */
export function compileRules(all: readonly Rule[], interfaceName: string): CompiledRules {
  const here = all.filter((rule) => (rule.interface ?? interfaceName) === interfaceName)
  const rules = inOrder(here)
  const lists: number[] = []
  const ranks = rules.map((_, rank) => rank)
  const byDestination = (rank: number) => !rules[rank]!.source && rules[rank]!.destination
  const sources = listsOf(
    rules,
    ranks.filter((rank) => !byDestination(rank)),
    (rule) => rule.source ?? anywhere,
    lists,
  )
  const destinations = listsOf(
    rules,
    ranks.filter(byDestination),
    (rule) => rule.destination ?? anywhere,
    lists,
  )
  return { rules, sources, destinations, lists }
}

/** What makes two rules the same one: everything but what they do. Its counters go on when it is loaded again. */
export function ruleKey(rule: Rule): string {
  const { ttlMs: _, ...lasting } = rule
  return formatRule(lasting)
}

/** Equal rules have equal prefixes. */
function assertDistinct(rules: readonly Rule[], ranks: readonly number[]): void {
  const seen = new Set<string>()
  for (const rank of ranks) {
    const key = ruleKey(rules[rank]!)
    if (seen.has(key)) throw fail('rule_twice', { details: { rule: key } })
    seen.add(key)
  }
}

interface Node {
  readonly key: string
  readonly prefix: Prefix
  readonly own: number[]
  list: readonly number[]
}

function listsOf(
  rules: readonly Rule[],
  ranks: readonly number[],
  prefixOf: (rule: Rule) => Prefix,
  lists: number[],
): readonly PrefixList[] {
  const stack: Node[] = []
  return nodesOf(rules, ranks, prefixOf).map((node) => {
    if (node.own.length > 1) assertDistinct(rules, node.own)
    while (stack.length > 0 && !contains(stack.at(-1)!.prefix, node.prefix)) stack.pop()
    node.list = merged(rules, node, stack.at(-1)?.list ?? [])
    stack.push(node)
    const { prefix, list } = node
    if (list.length === 1) return { prefix, start: list[0]!, count: 1 }
    const start = lists.length
    if (start + list.length > listEntriesMax) {
      const details = { prefix: formatPrefix(prefix), count: start, most: listEntriesMax }
      throw fail('rules_too_many', { details })
    }
    lists.push(...list)
    return { prefix, start, count: list.length }
  })
}

/** Each prefix once, those around another before it. */
function nodesOf(
  rules: readonly Rule[],
  ranks: readonly number[],
  prefixOf: (rule: Rule) => Prefix,
): readonly Node[] {
  const nodes = new Map<string, Node>()
  for (const rank of ranks) {
    const prefix = prefixOf(rules[rank]!)
    const key = sortKey(prefix)
    const node = nodes.get(key)
    if (node) node.own.push(rank)
    else nodes.set(key, { key, prefix, own: [rank], list: [] })
  }
  return [...nodes.values()].sort((one, other) => (one.key < other.key ? -1 : 1))
}

/** Address first, then length; of octets, as such texts are compared fastest. */
function sortKey({ address, bits }: Prefix): string {
  return String.fromCharCode(...address, bits)
}

function contains(outer: Prefix, inner: Prefix): boolean {
  return outer.bits <= inner.bits && isWithin(inner.address, outer)
}

/** By rank, and no further than a rule that always holds there. */
function merged(rules: readonly Rule[], node: Node, around: readonly number[]): readonly number[] {
  if (node.own.length === 1 && around.length === 0) return node.own
  const all = [...node.own, ...around].sort((one, other) => one - other)
  const end = all.findIndex((rank) => isUnconditional(rules[rank]!))
  const list = end < 0 ? all : all.slice(0, end + 1)
  if (list.length > listMax) {
    const details = { prefix: formatPrefix(node.prefix), count: list.length, most: listMax }
    throw fail('rules_too_many', { details })
  }
  return list
}

/** Of the conditions besides the prefix whose list it is in. */
function isUnconditional(rule: Rule): boolean {
  const { source, destination, family, protocol, ports, sourcePorts, shadow, ttlMs } = rule
  if (source && destination) return false
  return (family ?? protocol ?? ports ?? sourcePorts ?? ttlMs) === undefined && !shadow
}
