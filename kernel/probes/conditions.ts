// Conditions that the programs look at themselves: which values of one end of a connection or packet meet which. The
// other side is kernel/include/conditions.h.

import type { LoadedMap } from '../loader/maps.ts'

/** In the order of enum condition_field. */
export const conditionFields = [
  'port',
  'address',
  'netns',
  'cgroup',
  'pid',
  'process',
  'protocol',
] as const
export type ConditionField = (typeof conditionFields)[number]

/** Values that begin with these bits; 16 octets as the record has them, 128 bits for one value. */
export interface ConditionPrefix {
  readonly octets: Uint8Array
  readonly bits: number
}

/** Met by what has a value with one of the prefixes at one of its ends; without prefixes by nothing. */
export interface Condition {
  readonly field: ConditionField
  readonly prefixes: readonly ConditionPrefix[]
}

/** Conditions that the programs have bits for. */
export const conditionsMax = 32

/** Values of the settings of conditions.h. */
export function conditionSettings(
  conditions: readonly Condition[],
): Readonly<Record<string, bigint>> {
  const fields = new Set(
    conditions.filter(({ prefixes }) => prefixes.length > 0).map(({ field }) => field),
  )
  return {
    conditions_asked: (1n << BigInt(conditions.length)) - 1n,
    condition_fields: [...fields].reduce((bits, field) => bits | (1n << indexOf(field)), 0n),
  }
}

/** Entries that the map of values needs room for. */
export function conditionEntries(conditions: readonly Condition[]): number {
  return Math.max(entriesOf(conditions).length, 1)
}

/** Writes the map of values; before anything is attached. */
export function writeConditions(map: LoadedMap, conditions: readonly Condition[]): void {
  for (const { field, octets, bits, met } of entriesOf(conditions)) {
    const key = new Uint8Array(keyOctets)
    const view = new DataView(key.buffer)
    view.setUint32(0, fieldBits + bits, true)
    view.setUint32(4, Number(indexOf(field)), true)
    key.set(octets, 8)
    const value = new Uint8Array(4)
    new DataView(value.buffer).setUint32(0, met, true)
    map.update(key, value)
  }
}

/** One value of a record, for a field whose values are numbers: as the programs put it into their key. */
export function numberOctets(value: number | bigint): Uint8Array {
  const octets = new Uint8Array(valueOctets)
  new DataView(octets.buffer).setBigUint64(0, BigInt(value), true)
  return octets
}

const keyOctets = 24
const valueOctets = 16
const fieldBits = 32

interface Entry extends ConditionPrefix {
  readonly field: ConditionField
  /** A bit for each condition that is met. */
  readonly met: number
}

/** The kernel finds the longest prefix alone: it meets what the shorter ones around it meet too. */
function entriesOf(conditions: readonly Condition[]): readonly Entry[] {
  const byKey = new Map<string, Entry>()
  for (const [index, { field, prefixes }] of conditions.entries()) {
    for (const { octets, bits } of prefixes) {
      const key = `${field}/${bits}/${Buffer.from(octets).toString('hex')}`
      const met = (byKey.get(key)?.met ?? 0) | (1 << index)
      byKey.set(key, { field, octets, bits, met: met >>> 0 })
    }
  }
  const entries = [...byKey.values()]
  return entries.map((entry) => {
    const around = entries.filter((other) => isAround(other, entry))
    return { ...entry, met: around.reduce((met, one) => (met | one.met) >>> 0, 0) }
  })
}

function isAround(outer: Entry, inner: Entry): boolean {
  return outer.field === inner.field && outer.bits <= inner.bits && begins(inner.octets, outer)
}

/** Whether a value has the prefix. */
export function begins(octets: Uint8Array, prefix: ConditionPrefix): boolean {
  for (let index = 0; index * 8 < prefix.bits; index++) {
    const kept = Math.min(prefix.bits - index * 8, 8)
    const mask = (0xff << (8 - kept)) & 0xff
    if ((((octets[index] ?? 0) ^ (prefix.octets[index] ?? 0)) & mask) !== 0) return false
  }
  return true
}

function indexOf(field: ConditionField): bigint {
  return BigInt(conditionFields.indexOf(field))
}
