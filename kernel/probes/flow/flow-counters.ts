// The flow probe's counters: two sets in the kernel that take turns, added up here when a set has come to rest.

import { flowCounterNames } from '../../layout/flow-record.ts'
import type { LoadedObject } from '../../loader/object.ts'

export type FlowCounterName = (typeof flowCounterNames)[number]

/** Those that the programs count, in the order of the map; the others are counted here. */
export const kernelCounters = flowCounterNames.slice(0, flowCounterNames.indexOf('taken'))

export interface FlowCounters {
  /** Adds up a set that no program writes any more, and empties it. */
  take(side: number): void
  add(name: FlowCounterName, count: number): void
  /** Since the probe was opened, up to the last set that was taken. */
  sums(): Readonly<Record<FlowCounterName, number>>
}

export function createFlowCounters(object: LoadedObject): FlowCounters {
  const map = object.map('counters')
  const key = new Uint32Array(1)
  const octets = new Uint8Array(map.valueBytes)
  const values = new BigUint64Array(octets.buffer)
  const sums = Object.fromEntries(flowCounterNames.map((name) => [name, 0])) as Record<
    FlowCounterName,
    number
  >

  function take(side: number): void {
    key[0] = side
    const keyOctets = new Uint8Array(key.buffer)
    map.lookup(keyOctets, octets)
    values.forEach((value, at) => {
      sums[kernelCounters[at % kernelCounters.length] as FlowCounterName] += Number(value)
    })
    values.fill(0n)
    map.update(keyOctets, octets)
  }

  return {
    take,
    add: (name, count) => {
      sums[name] += count
    },
    sums: () => ({ ...sums }),
  }
}
