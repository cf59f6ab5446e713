// One generation of rules in the kernel: written into maps of its own, then put into force in one step.
//
//   fill maps of the idle generation ─► replaceInner(state) ─► packets see the new rules, all of them
//
// A rule that was there before keeps its counters: what a rule has counted is the sum over both generations, and the
// generation that is overwritten hands its part on.

import { createMapEntries } from '../../loader/map-batch.ts'
import type { LoadedMap } from '../../loader/maps.ts'
import { createMap, type OwnMap, replaceInner } from '../../loader/own-map.ts'
import type { CompiledRules } from '../../rules/compile.ts'
import { ruleKey } from '../../rules/compile.ts'
import { prefixNodeBytes, prefixTree } from '../../rules/prefix-tree.ts'
import type { Rule } from '../../rules/rule.ts'
import {
  countBytes,
  decodeRule,
  encodeRule,
  isRule,
  type RuleCounts,
  readCounts,
  ruleBytes,
  writeCounts,
} from './rule-bytes.ts'

export const noGeneration = 2
export type GenerationNumber = 0 | 1

/** struct xdp_state. */
export interface XdpState {
  /** CLOCK_BOOTTIME; 0n = the active generation stays. */
  readonly deadlineNs: bigint
  readonly active: number
  readonly fallback: number
  readonly protect: boolean
  /** Of the active rules; rises with each set of them. The fallback is of the epoch before. */
  readonly epoch: number
  /** Of both generations: which have rules by source, and by destination (`treesOf`). */
  readonly trees: number
}

/** Maps of maps with two generations each. */
export type GenerationMaps = Readonly<
  Record<'state' | 'sources' | 'destinations' | 'lists' | 'rules' | 'counts', LoadedMap>
>

/** A rule as it is in the kernel. */
export interface LoadedRule {
  readonly rule: Rule
  /** CLOCK_BOOTTIME; 0n = never. */
  readonly expiresNs: bigint
  readonly counts: RuleCounts
}

const stateBytes = 32

/** All in `octets`, replaced in one step; when this returns no program uses what was there before. */
export function writeState(maps: GenerationMaps, state: XdpState): void {
  const value = Buffer.alloc(stateBytes)
  value.writeBigUInt64LE(state.deadlineNs, 0)
  const words = [state.active, state.fallback, state.protect ? 1 : 0, state.epoch, state.trees]
  for (const [at, word] of words.entries()) value.writeUInt32LE(word, 8 + at * 4)
  const inner = createMap({
    name: 'xdp_state',
    type: 'array',
    keyBytes: 4,
    valueBytes: stateBytes,
    entriesMax: 1,
  })
  try {
    inner.update(keyOf(0), value)
    replaceInner(maps.state, keyOf(0), inner)
  } finally {
    inner.close()
  }
}

/** As the program reads it now. */
export function readState(inner: LoadedMap | undefined): XdpState {
  const value = Buffer.alloc(stateBytes)
  const none = { active: noGeneration, fallback: noGeneration } as const
  if (inner === undefined || !inner.lookup(keyOf(0), value)) {
    return { deadlineNs: 0n, protect: true, epoch: 0, trees: 0, ...none }
  }
  return {
    deadlineNs: value.readBigUInt64LE(0),
    active: value.readUInt32LE(8),
    fallback: value.readUInt32LE(12),
    protect: value.readUInt32LE(16) === 1,
    epoch: value.readUInt32LE(20),
    trees: value.readUInt32LE(24),
  }
}

/** Whether a generation has any rule. */
export function hasRules(trees: number, number: number): boolean {
  return (trees & (5 << number)) !== 0
}

/** `trees` with what a generation has now: HAS_SOURCES, HAS_DESTINATIONS of xdp_record.h. */
export function treesOf(
  trees: number,
  number: GenerationNumber,
  { sources, destinations }: Pick<CompiledRules, 'sources' | 'destinations'>,
): number {
  const rest = trees & ~(5 << number)
  return (
    rest | ((sources.length > 0 ? 1 : 0) << number) | ((destinations.length > 0 ? 4 : 0) << number)
  )
}

/** The generation that decides at `nowNs`. */
export function inForce({ deadlineNs, active, fallback }: XdpState, nowNs: bigint): number {
  return deadlineNs !== 0n && nowNs >= deadlineNs ? fallback : active
}

export interface Filling {
  readonly compiled: CompiledRules
  /** CLOCK_BOOTTIME; from here on the rules' own time spans count. */
  readonly nowNs: bigint
  /** Counters that a rule of this key brings along. */
  readonly carried: ReadonlyMap<string, RuleCounts>
}

/** Replaces the maps of a generation that no program uses. */
export function fillGeneration(maps: GenerationMaps, number: GenerationNumber, filling: Filling) {
  const { compiled } = filling
  const made: OwnMap[] = []
  const put = (outer: LoadedMap, inner: OwnMap) => {
    made.push(inner)
    replaceInner(outer, keyOf(number), inner)
  }
  try {
    put(maps.rules, ruleMap(filling))
    put(maps.lists, listMap(compiled.lists))
    put(maps.counts, countMap(filling))
    put(maps.sources, treeMap(compiled.sources))
    put(maps.destinations, treeMap(compiled.destinations))
  } finally {
    for (const map of made) map.close()
  }
}

function ruleMap({ compiled: { rules }, nowNs }: Filling): OwnMap {
  const values = Buffer.alloc(Math.max(1, rules.length) * ruleBytes)
  rules.forEach((rule, rank) => {
    const expiresNs = rule.ttlMs === undefined ? 0n : nowNs + BigInt(rule.ttlMs) * 1_000_000n
    encodeRule(rule, { rank, expiresNs }, values.subarray(rank * ruleBytes))
  })
  return filledArray('xdp_rules', ruleBytes, values)
}

function listMap(lists: readonly number[]): OwnMap {
  return filledArray('xdp_lists', 4, Buffer.from(Uint32Array.from(lists).buffer))
}

function countMap({ compiled: { rules }, carried }: Filling): OwnMap {
  const values = Buffer.alloc(Math.max(1, rules.length) * countBytes)
  if (carried.size > 0) {
    rules.forEach((rule, rank) => {
      const counts = carried.get(ruleKey(rule))
      if (counts) writeCounts(counts, values.subarray(rank * countBytes))
    })
  }
  return filledArray('xdp_counts', countBytes, values)
}

/** Indexes are their places. */
function filledArray(name: string, valueBytes: number, values: Uint8Array): OwnMap {
  const count = values.length / valueBytes
  const entriesMax = Math.max(1, count)
  const map = createMap({ name, type: 'array', keyBytes: 4, valueBytes, entriesMax, anySize: true })
  const keys = Uint32Array.from({ length: count }, (_, index) => index)
  map.updateAll(new Uint8Array(keys.buffer), values, count)
  return map
}

function treeMap(prefixes: CompiledRules['sources']): OwnMap {
  return filledArray('xdp_prefixes', prefixNodeBytes, prefixTree(prefixes))
}

/** Rules of a generation in their order with what it has counted. */
export function readGeneration(
  rules: LoadedMap,
  counts: LoadedMap,
  interfaceName: string,
): LoadedRule[] {
  const [entries, counted] = [createMapEntries(), createMapEntries()]
  rules.read(entries)
  counts.read(counted)
  const octets = Buffer.from(entries.values.buffer)
  const sums = Buffer.from(counted.values.buffer)
  return Array.from({ length: entries.count }, (_, index) => index)
    .filter((index) => isRule(octets.subarray(index * ruleBytes)))
    .map((index) => {
      const { rule, expiresNs } = decodeRule(octets.subarray(index * ruleBytes), interfaceName)
      return { rule, expiresNs, counts: readCounts(sums, index) }
    })
}

export function keyOf(number: number): Buffer {
  const key = Buffer.alloc(4)
  key.writeUInt32LE(number)
  return key
}
