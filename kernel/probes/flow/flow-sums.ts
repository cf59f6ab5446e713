// Entries of a map of flows, the counts of all CPUs added up, as flow_record of flow_record.h.

import { flowRecordBytes, flowRecordWord } from '../../layout/flow-record.ts'
import type { MapEntries } from '../../loader/map-batch.ts'
import type { LoadedMap } from '../../loader/maps.ts'

/** Gets one record at a time, as `struct flow_record`; the memory is the same for each. */
export type FlowSink = (record: Uint32Array) => void

export interface FlowSums {
  each(entries: MapEntries, sink: FlowSink): void
}

/** struct flow_key and flow_counts in u32 words; a record begins as a key does. */
const flowKeyWords = 11
const count = {
  bytesAndFlags: 0,
  first: 2,
  last: 4,
  packets: 6,
  frames: 7,
} as const
const two32 = 4294967296

/** `keyWords` of each key are the begin of the record. */
export function createFlowSums(
  map: Pick<LoadedMap, 'valueBytes' | 'cpuBytes'>,
  keyWords = flowKeyWords,
): FlowSums {
  const record = new Uint32Array(flowRecordBytes / 4)
  const [entryWords, cpuWords] = [map.valueBytes >>> 2, map.cpuBytes >>> 2]
  const word = flowRecordWord

  function put(at: number, value: number): void {
    record[at] = value % two32
    record[at + 1] = value / two32
  }

  function addUp(values: Uint32Array, from: number): void {
    let [bytes, packets, frames, flags] = [0, 0, 0, 0]
    let [first, last] = [-1, -1]
    for (let at = from; at < from + entryWords; at += cpuWords) {
      if (values[at + count.frames] === 0) continue
      // FLOW_BYTES_BITS of flow_record.h.
      const high = values[at + count.bytesAndFlags + 1]!
      bytes += values[at + count.bytesAndFlags]! + (high & 0xffff) * two32
      flags |= high >>> 16
      packets += values[at + count.packets]!
      frames += values[at + count.frames]!
      if (first < 0 || earlier(values, at + count.first, first)) first = at + count.first
      if (last < 0 || earlier(values, last, at + count.last)) last = at + count.last
    }
    record[word.flags] = flags
    put(word.bytes, bytes)
    put(word.packets, packets)
    put(word.frames, frames)
    for (const half of [0, 1]) {
      record[word.first_ns + half] = first < 0 ? 0 : values[first + half]!
      record[word.last_ns + half] = last < 0 ? 0 : values[last + half]!
    }
  }

  return {
    each: (entries, sink) => {
      for (let entry = 0; entry < entries.count; entry++) {
        const key = entry * keyWords
        for (let index = 0; index < keyWords; index++) {
          record[index] = entries.keyWords[key + index]!
        }
        addUp(entries.valueWords, entry * entryWords)
        sink(record)
      }
    },
  }
}

/** A 64-bit counter as a number; exact up to 2^53. */
export function wide(values: Uint32Array, at: number): number {
  return values[at]! + values[at + 1]! * two32
}

/** Whether the 64-bit number at `left` is less than the one at `right`. */
export function earlier(values: Uint32Array, left: number, right: number): boolean {
  const [high, other] = [values[left + 1]!, values[right + 1]!]
  return high < other || (high === other && values[left]! < values[right]!)
}
