// The flow probe: loads kernel/build/flow.bpf.o, keeps it on the chosen interfaces, and empties its maps in turn.

import { readFileSync } from 'node:fs'
import { flowRecordBytes } from '../../layout/flow-record.ts'
import { fail } from '../../loader/errors.ts'
import { kernelNames } from '../../loader/host.ts'
import { openLibbpf, openLibc } from '../../loader/library.ts'
import { type LoadedObject, openObject } from '../../loader/object.ts'
import type { Living, OpenProbe, ProbeOptions, WatchedInterface } from '../spec.ts'
import { createCarried } from './carried.ts'
import { createEmptying } from './emptying.ts'
import { createFlowCounters, type FlowCounterName } from './flow-counters.ts'
import { type Following, followInterfaces } from './follow.ts'
import { createXdpDrops } from './xdp-drops.ts'

/** A loaded and attached flow probe: `living.dump` empties the map that was written until then. */
export interface FlowProbe extends OpenProbe {
  readonly living: Living
  interfaces(): readonly WatchedInterface[]
  counters(): Readonly<Record<FlowCounterName, number>>
}

const objectUrl = new URL('../../build/flow.bpf.o', import.meta.url)
const coarseClock = 'BPF_FUNC_ktime_get_coarse_ns'
/** Of one of the two maps, all CPUs together: the kernel reserves it whole. */
const mapBytesMax = 64 << 20
const [flowsLeast, flowsMost] = [1 << 13, 1 << 16]
/** struct flow_counts. */
const countsBytes = 32

/** Throws `interfaces_none`, what loading throws, and what the first interface refused if none was attached. */
export function openFlowProbe(options: ProbeOptions): FlowProbe {
  const flowsMax = options.flowsMax ?? flowsThatFit()
  const object = openObject({
    what: 'the flow probe',
    bytes: readFileSync(objectUrl),
    settings: flowSettings(options),
    maxEntries: { flows_a: flowsMax, flows_b: flowsMax },
    without: new Set(['flow_replay']),
    capabilities: ['CAP_BPF'],
  })
  try {
    openLibc().mallocTrim?.(0)
    return probeOf(object, options)
  } catch (error) {
    object.close()
    throw error
  }
}

/** What the programs are loaded with. */
export function flowSettings({ sample = 1 }: ProbeOptions): Readonly<Record<string, bigint>> {
  const isCoarse = kernelNames([coarseClock]).has(coarseClock)
  return { sample: BigInt(sample), coarse_clock: isCoarse ? 1n : 0n }
}

/** Fewer where there are many CPUs: each has counts of its own for every flow. */
function flowsThatFit(): number {
  const room = mapBytesMax / (openLibbpf().possibleCpus() * countsBytes)
  return Math.max(flowsLeast, Math.min(flowsMost, 2 ** Math.floor(Math.log2(room))))
}

function probeOf(object: LoadedObject, options: ProbeOptions): FlowProbe {
  const { interfaces: patterns = [], hook = 'auto', netns, sample = 1 } = options
  const carried = createCarried()
  const xdpDrops = createXdpDrops()
  const counters = createFlowCounters(object)
  const following = followInterfaces(object, {
    patterns,
    hook,
    ...(netns ? { netns } : {}),
    onBegin: (found) => {
      carried.begin(found)
      xdpDrops.begin(found)
    },
    onEnd: (index) => {
      carried.end(index)
      xdpDrops.end(index)
    },
  })
  const empty = createEmptying(object, { counters, onRecord: carried.add })
  let open = true
  const assertOpen = () => {
    if (!open) throw fail('probe_closed', { details: { what: 'flow' } })
  }

  /** What --sample left out is in no record, so there is nothing to hold against the interfaces. */
  function dump(): Uint8Array {
    assertOpen()
    const before = following.list()
    const octets = empty()
    if (sample <= 1) {
      const { unseen, xdpDropped } = carried.unseen(before, xdpDrops.since)
      counters.add('unseen', unseen)
      counters.add('xdp_dropped', xdpDropped)
    }
    const after = following.update()
    if (sample <= 1) counters.add('excess', carried.excess(after))
    following.forgetGone()
    return octets
  }

  const close = () => {
    if (!open) return
    open = false
    following.close()
    xdpDrops.close()
    object.close()
  }
  try {
    following.update()
    assertSome(following, patterns)
  } catch (error) {
    close()
    throw error
  }
  return {
    name: 'flow',
    recordBytes: flowRecordBytes,
    ringRecords: 1,
    programs: object.programs.map(({ name, hook: kind, id, loaded }) => {
      const state = loaded ? 'on' : 'off'
      return { name, hook: kind, id, state, why: loaded ? '' : 'for captures' } as const
    }),
    living: { seesUnheld: true, dump, dumpNamespace: () => new Uint8Array(0) },
    interfaces: () => interfacesOf(following),
    drain: () => {
      assertOpen()
      following.updateIfChanged()
      return 0
    },
    counters: () => {
      assertOpen()
      return counters.sums()
    },
    use: () => object.use(),
    close,
  }
}

function interfacesOf(following: Following): readonly WatchedInterface[] {
  const { names, refused, links } = following
  const linked = links()
  const watched = [...names].map(([index, name]): WatchedInterface => {
    const own = linked.get(index)
    const hook = following.isWatched(index) ? following.hook : ''
    return { index, name, refused: '', hook, ...(own === undefined ? {} : { links: own }) }
  })
  const others = [...refused].map(([name, { message }]) => ({ index: 0, name, refused: message }))
  return [...watched, ...others]
}

function assertSome({ list, watched, refused }: Following, patterns: readonly string[]): void {
  if (watched() > 0) return
  const [first] = refused.values()
  if (first !== undefined) throw first
  const there = list().map(({ name }) => name)
  const details = { patterns: patterns.join(' '), there: there.join(', ') }
  throw fail('interfaces_none', { details })
}
