// The flow probe: loads kernel/build/flow.bpf.o, keeps it on the chosen interfaces, and empties its maps in turn.

import { readFileSync } from 'node:fs'
import {
  flowCounterNames,
  flowFlag,
  flowRecordByte,
  flowRecordBytes,
} from '../../layout/flow-record.ts'
import { listInterfaces } from '../../loader/attach/interface.ts'
import { fail } from '../../loader/errors.ts'
import { openLibc } from '../../loader/library.ts'
import { createMapEntries } from '../../loader/map-batch.ts'
import { type LoadedObject, openObject } from '../../loader/object.ts'
import { createMap, replaceInner } from '../../loader/own-map.ts'
import type { Living, OpenProbe, ProbeOptions } from '../spec.ts'
import { createFlowSums } from './flow-sums.ts'
import { type Following, followInterfaces } from './follow.ts'

/** A loaded and attached flow probe: `living.dump` empties the map that was written until then. */
export interface FlowProbe extends OpenProbe {
  readonly living: Living
  /** Names of the interfaces, by index; those that have gone too. */
  readonly interfaces: ReadonlyMap<number, string>
}

const objectUrl = new URL('../../build/flow.bpf.o', import.meta.url)
const flowsMaxDefault = 1 << 16

/** Throws `interfaces_none`, what loading throws, and what the first interface refused if none was attached. */
export function openFlowProbe(options: ProbeOptions): FlowProbe {
  const patterns = options.interfaces ?? []
  const flowsMax = options.flowsMax ?? flowsMaxDefault
  const object = openObject({
    what: 'the flow probe',
    bytes: readFileSync(objectUrl),
    settings: { sample: BigInt(options.sample ?? 1) },
    maxEntries: { flows_a: flowsMax, flows_b: flowsMax },
    without: new Set(['flow_replay']),
    capabilities: ['CAP_BPF'],
  })
  try {
    openLibc().mallocTrim?.(0)
    const following = followInterfaces(object, patterns, options.hook ?? 'auto')
    following.update()
    assertSome(following, patterns)
    return probeOf(object, following)
  } catch (error) {
    object.close()
    throw error
  }
}

function assertSome({ names, refused }: Following, patterns: readonly string[]): void {
  if (names.size > 0) return
  const [first] = refused.values()
  if (first !== undefined) throw first
  const there = listInterfaces().map(({ name }) => name)
  const details = { patterns: patterns.join(' '), there: there.join(', ') }
  throw fail('interfaces_none', { details })
}

function probeOf(object: LoadedObject, following: Following): FlowProbe {
  const dump = createDump(object, following)
  let open = true
  const assertOpen = () => {
    if (!open) throw fail('probe_closed', { details: { what: 'flow' } })
  }
  const living: Living = {
    seesUnheld: true,
    dump: () => {
      assertOpen()
      return dump()
    },
    dumpNamespace: () => new Uint8Array(0),
  }
  return {
    name: 'flow',
    recordBytes: flowRecordBytes,
    ringRecords: 1,
    programs: object.programs.map(({ name, hook, id, loaded }) => {
      const state = loaded ? 'on' : 'off'
      return { name, hook, id, state, why: loaded ? '' : 'for captures' } as const
    }),
    living,
    interfaces: following.names,
    drain: () => 0,
    counters: () => {
      assertOpen()
      return sumCounters(object)
    },
    use: () => object.use(),
    close: () => {
      if (!open) return
      open = false
      object.close()
    },
  }
}

/** Makes the other map the active one, waits until no program writes the first, and takes all of it. */
function createDump(object: LoadedObject, following: Following): () => Uint8Array {
  const maps = [object.map('flows_a'), object.map('flows_b')] as const
  const variables = object.variables()
  const fence = object.map('fence')
  const key = new Uint8Array(4)
  const entries = createMapEntries()
  const sums = createFlowSums(maps[0])
  const remainders = createRemainders(object)
  let [active, octets] = [0, new Uint8Array(0)]

  function wait(): void {
    const inner = createMap({
      name: 'weir_fence',
      type: 'array',
      keyBytes: 4,
      valueBytes: 4,
      entriesMax: 1,
    })
    replaceInner(fence, key, inner)
    inner.close()
  }

  return () => {
    const full = active === 0 ? maps[0] : maps[1]
    active = 1 - active
    variables.set('active', BigInt(active))
    wait()
    full.drain(entries)
    const rest = remainders()
    const needed = (entries.count + rest.length) * flowRecordBytes
    if (octets.length < needed) octets = new Uint8Array(needed)
    let at = 0
    const take = (record: Uint32Array) => {
      octets.set(new Uint8Array(record.buffer, 0, flowRecordBytes), at)
      at += flowRecordBytes
    }
    sums.each(entries, take)
    for (const record of rest) take(record)
    following.update()
    return octets.subarray(0, at)
  }
}

/** What has come into the remainders since the last time, as records without addresses and ports. */
function createRemainders(object: LoadedObject): () => readonly Uint32Array<ArrayBuffer>[] {
  const map = object.map('remainders')
  const entries = createMapEntries()
  const sums = createFlowSums(map, 2)
  const before = new Map<string, Uint32Array>()

  return () => {
    map.read(entries)
    const found: Uint32Array<ArrayBuffer>[] = []
    sums.each(entries, (sum) => {
      const name = `${sum[0]} ${sum[1]}`
      const record = remainderOf(sum)
      const earlier = before.get(name)
      const now = record.slice()
      if (earlier !== undefined) subtract(record, earlier)
      before.set(name, now)
      if (record[flowRecordByte.frames / 4] !== 0 || record[flowRecordByte.frames / 4 + 1] !== 0)
        found.push(record)
    })
    return found
  }
}

/** struct remainder_key: the interface, then protocol, family and direction. */
function remainderOf(sum: Uint32Array): Uint32Array<ArrayBuffer> {
  const record = new Uint32Array(sum)
  const [from, kinds] = [sum[0]!, sum[1]!]
  record.fill(0, 0, 11)
  record[flowRecordByte.interface / 4] = from
  record[flowRecordByte.protocol / 4] = kinds
  record[flowRecordByte.flags / 4] = (record[flowRecordByte.flags / 4]! & 0xff) | flowFlag.REMAINDER
  return record
}

const counts = ['bytes', 'packets', 'frame_bytes', 'frames'] as const

function subtract(record: Uint32Array<ArrayBuffer>, earlier: Uint32Array): void {
  const [now, then] = [
    new BigUint64Array(record.buffer),
    new BigUint64Array(earlier.slice().buffer),
  ]
  for (const name of counts) {
    const at = flowRecordByte[name] / 8
    now[at] = now[at]! - then[at]!
  }
}

function sumCounters(object: LoadedObject): Readonly<Record<string, number>> {
  const sums: Record<string, number> = Object.fromEntries(flowCounterNames.map((name) => [name, 0]))
  const values = object.readPerCpu('counters', 0, flowCounterNames.length * 8)
  values.forEach((value, at) => {
    sums[flowCounterNames[at % flowCounterNames.length]!]! += Number(value)
  })
  return sums
}
