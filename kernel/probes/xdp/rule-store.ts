// The rules of one interface: read, replaced as a whole, confirmed. Every change is one write of the state.

import { randomInt } from 'node:crypto'
import { bootNs } from '../../loader/clock.ts'
import { fail } from '../../loader/errors.ts'
import { openInner } from '../../loader/own-map.ts'
import { compileRules, ruleKey } from '../../rules/compile.ts'
import type { Rule } from '../../rules/rule.ts'
import {
  fillGeneration,
  hasRules,
  inForce,
  keyOf,
  type LoadedRule,
  noGeneration,
  readGeneration,
  readState,
  treesOf,
  writeState,
  type XdpState,
} from './generation.ts'
import type { XdpMaps } from './pinned.ts'
import type { RuleCounts } from './rule-bytes.ts'

/** What is in force on an interface. */
export interface RulesInForce {
  /** In the order in which they are tried. */
  readonly rules: readonly LoadedRule[]
  /** Nanoseconds until the rules are taken back; undefined if nothing waits to be confirmed. */
  readonly unconfirmedNs: bigint | undefined
  readonly protect: boolean
}

export interface ApplyOptions {
  /** For rules that name one. */
  readonly interface: string
  /** Without a confirmation the rules before these are in force again after so long. */
  readonly confirmWithinMs?: number
  /** Whether protected connections, neighbour discovery and DHCP always pass. */
  readonly protect: boolean
}

/** Rules with their counters. What is read while packets come in is each counter at its own moment. */
export function rulesInForce(maps: XdpMaps, interfaceName: string): RulesInForce {
  const state = currentState(maps)
  const now = bootNs()
  const number = inForce(state, now)
  const other = totals(rulesOf(maps, 1 - number, interfaceName))
  const rules = rulesOf(maps, number, interfaceName).map((loaded) => {
    return { ...loaded, counts: sum(loaded.counts, other.get(ruleKey(loaded.rule))) }
  })
  const waits = state.deadlineNs !== 0n && now < state.deadlineNs
  return {
    rules,
    unconfirmedNs: waits ? state.deadlineNs - now : undefined,
    protect: state.protect,
  }
}

/** What is in force, without reading the rules. */
export interface RuleSummary {
  readonly count: number
  /** Another one after each change; 0 = none. */
  readonly generation: number
  /** CLOCK_BOOTTIME; 0n if nothing waits to be confirmed. */
  readonly deadlineNs: bigint
  readonly protect: boolean
}

/** Cheap enough for every interval of an agent. */
export function summarizeRules(maps: XdpMaps): RuleSummary {
  const state = currentState(maps)
  const now = bootNs()
  const number = inForce(state, now)
  const { protect } = state
  const deadlineNs = now < state.deadlineNs ? state.deadlineNs : 0n
  const isEmpty = number === noGeneration || !hasRules(state.trees, number)
  const rules = isEmpty ? undefined : openInner(maps.rules, keyOf(number))
  try {
    const { id: generation = 0, entriesMax: count = 0 } = rules ?? {}
    return { count, generation, deadlineNs, protect }
  } finally {
    rules?.close()
  }
}

/** The same as rules to be loaded again: without those that have ended, others with what is left of their time. */
export function lastingRules(maps: XdpMaps, interfaceName: string): readonly Rule[] {
  const now = bootNs()
  return rulesInForce(maps, interfaceName)
    .rules.filter(({ expiresNs }) => expiresNs === 0n || expiresNs > now)
    .map(({ rule, expiresNs }) => {
      if (expiresNs === 0n) return rule
      return { ...rule, ttlMs: Number((expiresNs - now) / 1_000_000n) + 1 }
    })
}

/**
 * Replaces all rules in one step; rules that stay keep their counters. Throws
 * `rules_unconfirmed`, and what `compileRules` does; nothing has changed then.
 */
export function applyRules(maps: XdpMaps, rules: readonly Rule[], options: ApplyOptions): void {
  const compiled = compileRules(rules, options.interface)
  const state = currentState(maps)
  const nowNs = bootNs()
  if (state.deadlineNs !== 0n && nowNs < state.deadlineNs) {
    const seconds = Number((state.deadlineNs - nowNs) / 1_000_000_000n) + 1
    throw fail('rules_unconfirmed', { details: { interface: options.interface, seconds } })
  }
  const active = inForce(state, nowNs)
  // Rules that were taken back are in force again: as a set of their own, behind that which gave way.
  const known = state.epoch || randomInt(1, 2 ** 32 - 1)
  const epoch = (known + (active === state.active ? 0 : 1)) >>> 0
  const { protect: before } = state
  // Waits until no program uses the generation that is written next.
  writeState(maps, {
    ...state,
    deadlineNs: 0n,
    active,
    fallback: noGeneration,
    protect: before,
    epoch,
  })
  const next = active === 0 ? 1 : 0
  const kept = rulesOf(maps, active, options.interface)
  const keys = new Set(kept.map(({ rule }) => ruleKey(rule)))
  const counted = totals(rulesOf(maps, next, options.interface))
  fillGeneration(maps, next, {
    compiled,
    nowNs,
    carried: new Map([...counted].filter(([key]) => keys.has(key))),
  })
  const within = options.confirmWithinMs
  const deadlineNs = within === undefined ? 0n : bootNs() + BigInt(within) * 1_000_000n
  const { protect } = options
  writeState(maps, {
    deadlineNs,
    active: next,
    fallback: active,
    protect,
    epoch: (epoch + 1) >>> 0,
    trees: treesOf(state.trees, next, compiled),
  })
}

/** Keeps rules that wait for it. Throws `nothing_to_confirm`. */
export function confirmRules(maps: XdpMaps, interfaceName: string): void {
  const state = currentState(maps)
  if (state.deadlineNs === 0n || bootNs() >= state.deadlineNs) {
    throw fail('nothing_to_confirm', { details: { interface: interfaceName } })
  }
  writeState(maps, { ...state, deadlineNs: 0n })
}

/** What the program reads now. */
export function currentState(maps: XdpMaps): XdpState {
  const inner = openInner(maps.state, keyOf(0))
  try {
    return readState(inner)
  } finally {
    inner?.close()
  }
}

function rulesOf(maps: XdpMaps, number: number, interfaceName: string): readonly LoadedRule[] {
  if (number !== 0 && number !== 1) return []
  const [rules, counts] = [maps.rules, maps.counts].map((map) => openInner(map, keyOf(number)))
  try {
    if (rules === undefined || counts === undefined) return []
    return readGeneration(rules, counts, interfaceName)
  } finally {
    rules?.close()
    counts?.close()
  }
}

function totals(rules: readonly LoadedRule[]): ReadonlyMap<string, RuleCounts> {
  return new Map(rules.map(({ rule, counts }) => [ruleKey(rule), counts]))
}

function sum(one: RuleCounts, other: RuleCounts | undefined): RuleCounts {
  if (other === undefined) return one
  return {
    packets: one.packets + other.packets,
    bytes: one.bytes + other.bytes,
    droppedPackets: one.droppedPackets + other.droppedPackets,
    droppedBytes: one.droppedBytes + other.droppedBytes,
  }
}
