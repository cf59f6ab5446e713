// The flow probe's parser and accounting over packets of a capture: they lie in memory that the program shares, and
// each run of the program takes the next one (BPF_PROG_TEST_RUN). No hook, no interface.

import { readFileSync } from 'node:fs'
import koffi from 'koffi'
import type { AppError } from '../../../common/mod.ts'
import { fail } from '../../loader/errors.ts'
import { kernelNames } from '../../loader/host.ts'
import { openLibbpf, openLibc } from '../../loader/library.ts'
import { createMapEntries } from '../../loader/map-batch.ts'
import { mapDescriptor, protection } from '../../loader/mapping.ts'
import { type LoadedObject, openObject } from '../../loader/object.ts'
import { kernelCounters } from './flow-counters.ts'
import { createFlowSums, type FlowSink } from './flow-sums.ts'

/** enum packet_link; `unknown` is one that is not read: its packets are counted as such. */
export const packetLink = {
  unknown: 0,
  ethernet: 1,
  raw: 2,
  cooked: 3,
  cooked2: 4,
  loopback: 5,
  ppp: 6,
} as const

/** One packet, its octets in `window`. */
export interface CapturedPacket {
  /** Where it begins in `window`. */
  offset: number
  /** Octets that are there, and that it had on the wire. */
  held: number
  length: number
  /** Of `packetLink`. */
  link: number
  /** Any number that distinguishes the flows of this capture. */
  interface: number
  /** Since 1970. */
  seconds: number
  nanoseconds: number
}

export interface Replay {
  /** Memory that the program reads; the caller writes packets into it. */
  readonly window: Uint8Array
  /** Queues a packet; true when there is no room for another before `run`. */
  add(packet: Readonly<CapturedPacket>): boolean
  /** Runs the program over the queued packets; `window` may be written again afterwards. */
  run(): void
  /** Every flow since the last time, and they are forgotten. What the map had no room for is `unlisted` packets. */
  drain(sink: FlowSink): { readonly unlisted: number }
  /** Flows in the map, and how many it has room for. */
  flows(): number
  readonly flowsMax: number
  close(): void
}

/** struct flow_counts. */
const countsBytes = 32
const windowBytes = 2 << 20
const packetsMax = 8192
const wordsPerPacket = 8
const program = 'flow_replay'
const others = [
  'flow_ingress',
  'flow_egress',
  'flow_raw_ingress',
  'flow_raw_egress',
  'flow_filter',
  'flow_raw_filter',
]
const dynptr = 'BPF_FUNC_dynptr_from_mem'
const objectUrl = new URL('../../build/flow.bpf.o', import.meta.url)

/** Of all CPUs together; a map of flows is made whole. */
const mapBytesMax = 64 << 20
const [flowsLeast, flowsMost] = [1 << 15, 1 << 18]

/** Throws `unsupported_feature` before Linux 5.19, and what loading an object throws. */
export function openReplay(): Replay {
  if (!kernelNames([dynptr]).has(dynptr)) {
    const details = { what: 'weir replay', needs: 'Linux 5.19 or later', instead: 'nothing' }
    throw fail('unsupported_feature', { details })
  }
  const roomFor = mapBytesMax / (openLibbpf().possibleCpus() * countsBytes)
  const flowsMax = Math.max(flowsLeast, Math.min(flowsMost, 2 ** Math.floor(Math.log2(roomFor))))
  const object = openObject({
    what: 'the flow probe for captures',
    bytes: readFileSync(objectUrl),
    settings: {},
    maxEntries: { flows_a: flowsMax, flows_b: 1, remainders_b: 1 },
    without: new Set(others),
    capabilities: ['CAP_BPF', 'CAP_PERFMON'],
  })
  try {
    openLibc().mallocTrim?.(0)
    return replayOf(object, flowsMax)
  } catch (error) {
    object.close()
    throw error
  }
}

function replayOf(object: LoadedObject, flowsMax: number): Replay {
  const window = shared(object, 'captured', windowBytes)
  const described = shared(object, 'packets', packetsMax * wordsPerPacket * 4)
  const words = new Uint32Array(described.buffer, described.byteOffset, packetsMax * wordsPerPacket)
  const test = object.testRun(program, { inputBytesMax: 64, outputBytesMax: 0, contextBytes: 0 })
  const frame = new Uint8Array(64)
  const variables = object.variables()
  const flows = object.map('flows_a')
  const entries = createMapEntries()
  const sums = createFlowSums(flows)
  let queued = 0
  let [taken, before] = [0, 0]

  function add(packet: Readonly<CapturedPacket>): boolean {
    const first = queued * wordsPerPacket
    words[first] = packet.offset
    words[first + 1] = packet.held
    words[first + 2] = packet.length
    words[first + 3] = packet.link
    words[first + 4] = packet.interface
    words[first + 5] = packet.seconds
    words[first + 6] = packet.nanoseconds
    queued++
    return queued === packetsMax
  }

  /** A signal ends repetitions early: `replayed` says where. */
  function run(): void {
    variables.set('replayed', 0n)
    for (let done = 0; done < queued; ) {
      try {
        test.run(frame, queued - done)
      } catch (error) {
        const { reason } = (error as AppError).details as { readonly reason?: string }
        if (reason === undefined || !reason.includes(interrupted)) throw error
      }
      done = Number(variables.get('replayed'))
    }
    queued = 0
  }

  return {
    window,
    add,
    run,
    flowsMax,
    flows: () => sum(object, 'opened') - taken,
    drain: (sink) => {
      flows.drain(entries)
      taken += entries.count
      sums.each(entries, sink)
      const from = before
      before = sum(object, 'unlisted')
      return { unlisted: before - from }
    },
    close: () => {
      openLibc().munmap(koffi.address(window), windowBytes)
      openLibc().munmap(koffi.address(described), words.byteLength)
      object.close()
    },
  }
}

/** As errorText has it. */
const interrupted = 'nterrupted'
/** Nothing takes turns here: the first of the two sets has all. */
function sum(object: LoadedObject, counter: 'opened' | 'unlisted'): number {
  const values = object.readPerCpu('counters', 0, kernelCounters.length * 8)
  let total = 0
  for (let at = kernelCounters.indexOf(counter); at < values.length; at += kernelCounters.length)
    total += Number(values[at])
  return total
}

function shared(object: LoadedObject, map: string, size: number): Uint8Array {
  const options = { size, protection: protection.readWrite, offset: 0, what: `map ${map}` }
  const address = mapDescriptor(object.mapFd(map), options)
  return new Uint8Array(koffi.view(address, size))
}
