// Sums of what each CPU has counted: a per-CPU map gives the values of all possible CPUs for every key.

import type { MapEntries } from './map-batch.ts'
import type { LoadedMap } from './maps.ts'

/** A counter within a value: aligned to its size, unsigned. */
export interface Counter {
  readonly offset: number
  readonly octets: 4 | 8
}

const two32 = 4294967296

/**
 * Adds up one counter over the CPUs, for each entry that was read: `into[i]` is that of entry i. Exact up to 2^53.
 * `into` must have room for `entries.count`. A map that is not per CPU has one value per key.
 */
export function sumOverCpus(
  map: Pick<LoadedMap, 'valueBytes' | 'cpuBytes'>,
  entries: MapEntries,
  counter: Counter,
  into: Float64Array,
): void {
  const words = entries.valueWords
  const [entryWords, cpuWords] = [map.valueBytes >>> 2, map.cpuBytes >>> 2]
  const wide = counter.octets === 8
  for (let entry = 0; entry < entries.count; entry++) {
    const end = (entry + 1) * entryWords
    let sum = 0
    for (let word = entry * entryWords + (counter.offset >>> 2); word < end; word += cpuWords) {
      sum += words[word]!
      if (wide) sum += words[word + 1]! * two32
    }
    into[entry] = sum
  }
}
