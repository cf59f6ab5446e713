// One generation of rules in the kernel: written into maps of its own, then put into force in one step.
//
//   fill maps of the idle generation ─► replaceInner(state) ─► packets see the new rules, all of them
//
// A rule that was there before keeps its counters: what a rule has counted is the sum over both generations, and the
// generation that is overwritten hands its part on.

import { createMapEntries } from '../../loader/map-batch.ts'
import type { LoadedMap } from '../../loader/maps.ts'
import { createMap, type OwnMap, replaceInner } from '../../loader/own-map.ts'
import type { CompiledRules, PrefixList } from '../../rules/compile.ts'
import { ruleKey } from '../../rules/compile.ts'
import type { Rule } from '../../rules/rule.ts'
import {
  countBytes,
  decodeRule,
  encodeRule,
  type RuleCounts,
  readCounts,
  ruleBytes,
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

const stateBytes = 24

/** All in `octets`, replaced in one step; when this returns no program uses what was there before. */
export function writeState(maps: GenerationMaps, state: XdpState): void {
  const value = Buffer.alloc(stateBytes)
  value.writeBigUInt64LE(state.deadlineNs, 0)
  const words = [state.active, state.fallback, state.protect ? 1 : 0, state.epoch]
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
    return { deadlineNs: 0n, protect: true, epoch: 0, ...none }
  }
  return {
    deadlineNs: value.readBigUInt64LE(0),
    active: value.readUInt32LE(8),
    fallback: value.readUInt32LE(12),
    protect: value.readUInt32LE(16) === 1,
    epoch: value.readUInt32LE(20),
  }
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
    put(maps.sources, trie(compiled.sources))
    put(maps.destinations, trie(compiled.destinations))
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
  rules.forEach((rule, rank) => {
    const counts = carried.get(ruleKey(rule))
    if (counts === undefined) return
    const words = [counts.packets, counts.bytes, counts.droppedPackets, counts.droppedBytes]
    for (const [at, word] of words.entries()) {
      values.writeBigUInt64LE(BigInt(word), rank * countBytes + at * 8)
    }
  })
  return filledArray('xdp_counts', countBytes, values)
}

/** Indexes are their places. */
function filledArray(name: string, valueBytes: number, values: Buffer): OwnMap {
  const count = values.length / valueBytes
  const entriesMax = Math.max(1, count)
  const map = createMap({ name, type: 'array', keyBytes: 4, valueBytes, entriesMax, anySize: true })
  const keys = Uint32Array.from({ length: count }, (_, index) => index)
  map.updateAll(new Uint8Array(keys.buffer), values, count)
  return map
}

function trie(prefixes: readonly PrefixList[]): OwnMap {
  const entriesMax = Math.max(1, prefixes.length)
  const shape = { keyBytes: 20, valueBytes: 8, entriesMax }
  const map = createMap({ name: 'xdp_prefixes', type: 'lpmTrie', ...shape })
  const keys = Buffer.alloc(prefixes.length * 20)
  const values = Buffer.alloc(prefixes.length * 8)
  prefixes.forEach(({ prefix, start, count }, at) => {
    keys.writeUInt32LE(prefix.bits, at * 20)
    keys.set(prefix.address, at * 20 + 4)
    values.writeUInt32LE(start, at * 8)
    values.writeUInt32LE(count, at * 8 + 4)
  })
  map.updateAll(keys, values, prefixes.length)
  return map
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
  return Array.from({ length: entries.count }, (_, index) => {
    const { rule, expiresNs } = decodeRule(octets.subarray(index * ruleBytes), interfaceName)
    return { rule, expiresNs, counts: readCounts(sums, index) }
  })
}

export function keyOf(number: number): Buffer {
  const key = Buffer.alloc(4)
  key.writeUInt32LE(number)
  return key
}
