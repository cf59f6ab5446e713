// Empties the maps that the flow programs write: the other set becomes the active one, and when no program writes the
// first any more it is taken whole, with its counters.

import {
  flowDirection,
  flowFlag,
  flowRecordByte,
  flowRecordBytes,
  flowRecordWord,
} from '../../layout/flow-record.ts'
import { suspendedNs } from '../../loader/clock.ts'
import { createMapEntries } from '../../loader/map-batch.ts'
import type { LoadedMap } from '../../loader/maps.ts'
import type { LoadedObject } from '../../loader/object.ts'
import { createMap, replaceInner } from '../../loader/own-map.ts'
import type { FlowCounters } from './flow-counters.ts'
import { createFlowSums, earlier, type FlowSink, wide } from './flow-sums.ts'

export interface EmptyingDeps {
  readonly counters: FlowCounters
  /** Gets each record too, as it will be given away. */
  readonly onRecord: FlowSink
}

/** Words of a key of the remainders. */
const remainderKeyWords = 2
const two32 = 0x1_0000_0000

/** Whole records since the last time; the memory is used again by the next. */
export function createEmptying(object: LoadedObject, deps: EmptyingDeps): () => Uint8Array {
  const flows = [object.map('flows_a'), object.map('flows_b')] as const
  const remainders = [object.map('remainders_a'), object.map('remainders_b')] as const
  const ofFlows = createFlowSums(flows[0])
  const ofRemainders = createFlowSums(remainders[0], remainderKeyWords)
  const entries = createMapEntries()
  const variables = object.variables()
  const fence = createFence(object)
  let [side, octets, filled] = [0, new Uint8Array(0), 0]
  let slept = 0n

  function keep(record: Uint32Array): void {
    toBootTime(record, slept)
    flagForwarded(record)
    if (octets.length < filled + flowRecordBytes) octets = larger(octets, filled + flowRecordBytes)
    octets.set(new Uint8Array(record.buffer, record.byteOffset, flowRecordBytes), filled)
    filled += flowRecordBytes
    deps.counters.add('taken', wide(record, flowRecordWord.packets))
    deps.onRecord(record)
  }

  function drain(map: LoadedMap, sink: FlowSink): void {
    map.drain(entries)
    const sums = map === flows[0] || map === flows[1] ? ofFlows : ofRemainders
    sums.each(entries, sink)
  }

  return () => {
    const full = side
    side = 1 - side
    variables.set('active', BigInt(side))
    fence()
    filled = 0
    slept = suspendedNs()
    drain(full === 0 ? flows[0] : flows[1], keep)
    drain(full === 0 ? remainders[0] : remainders[1], (sum) => keep(remainderOf(sum)))
    deps.counters.take(full)
    return octets.subarray(0, filled)
  }
}

/** Replaces the inner map of `fence`: the kernel returns when no program uses what it looked up before. */
function createFence(object: LoadedObject): () => void {
  const fence = object.map('fence')
  const key = new Uint8Array(4)
  const plan = { name: 'weir_fence', type: 'array', keyBytes: 4, valueBytes: 4, entriesMax: 1 }
  return () => {
    const inner = createMap({ ...plan, type: 'array' })
    replaceInner(fence, key, inner)
    inner.close()
  }
}

/** struct remainder_key: the interface, then protocol, family and direction. */
function remainderOf(sum: Uint32Array): Uint32Array<ArrayBuffer> {
  const record = new Uint32Array(sum)
  const [from, kinds] = [sum[0] as number, sum[1] as number]
  record.fill(0, 0, flowRecordWord.flags)
  record[flowRecordWord.interface] = from
  record[flowRecordByte.protocol / 4] = kinds
  const flags = record[flowRecordWord.flags] as number
  record[flowRecordWord.flags] = (flags & 0xff) | flowFlag.REMAINDER
  return record
}

/** Of a key it is a direction of its own. */
function flagForwarded(record: Uint32Array): void {
  const octets = new Uint8Array(record.buffer, record.byteOffset)
  if (octets[flowRecordByte.direction] !== flowDirection.FORWARD) return
  octets[flowRecordByte.direction] = flowDirection.EGRESS
  record[flowRecordWord.flags] = (record[flowRecordWord.flags] as number) | flowFlag.FORWARDED
}

/** The programs read a clock that stands while the machine sleeps; the one of the last packet moves with its ticks. */
function toBootTime(record: Uint32Array, slept: bigint): void {
  const { first_ns: first, last_ns: last } = flowRecordWord
  if (earlier(record, last, first)) {
    record[last] = record[first] as number
    record[last + 1] = record[first + 1] as number
  }
  if (slept === 0n) return
  for (const at of [first, last]) {
    const low = (record[at] as number) + Number(slept & 0xffff_ffffn)
    record[at + 1] = (record[at + 1] as number) + Number(slept >> 32n) + (low >= two32 ? 1 : 0)
    record[at] = low
  }
}

function larger(octets: Uint8Array, needed: number): Uint8Array<ArrayBuffer> {
  const grown = new Uint8Array(Math.max(needed, octets.length * 2, 64 * flowRecordBytes))
  grown.set(octets)
  return grown
}
