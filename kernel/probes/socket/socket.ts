// The socket probe: loads kernel/build/socket.bpf.o, keeps it attached, reads its ring and its iterators.

import { readFileSync } from 'node:fs'
import { counterNames, socketRecordBytes } from '../../layout/socket-record.ts'
import { type GrowingBuffer, iterator } from '../../loader/attach/iterator.ts'
import { tracing } from '../../loader/attach/tracing.ts'
import { suspendedNs } from '../../loader/clock.ts'
import { fail } from '../../loader/errors.ts'
import { kernelNames } from '../../loader/host.ts'
import { openLibc } from '../../loader/library.ts'
import { insideNamespace } from '../../loader/namespace.ts'
import { type LoadedObject, type LoadedProgram, openObject } from '../../loader/object.ts'
import { mapRing } from '../../loader/ring.ts'
import type { ProgramReport } from '../report.ts'
import type { CounterName, SocketProbe, SocketProbeOptions } from './probe.ts'

const what = 'the socket probe'
const objectUrl = new URL('../../build/socket.bpf.o', import.meta.url)
/** 23,000 ends between two drains (100 ms at most). Its pages count twice as memory of the process. */
const ringBytesDefault = 4 << 20
const ringBytesMax = 1 << 30
const ringHeaderBytes = 8
export const pageBytes = pageSize()

/** enum counting of kernel/include/counters.h. */
const countingPrograms = [0, 1, 2]

/** Tracepoints that may be absent, the program on each, and what is lost without it. */
const optional = [
  { program: 'socket_send', tracepoint: 'sock_send_length' },
  { program: 'socket_receive', tracepoint: 'sock_recv_length' },
] as const
const withoutOwners =
  'the kernel has no such tracepoint (6.3 and later); owners come from close and dumps'

/** Names in kernel BTF that decide how the probe is loaded. */
export const socketFeatures = [
  'btf_trace_inet_sock_set_state',
  'btf_trace_sock_send_length',
  'btf_trace_sock_recv_length',
  'bpf_iter__task_file',
  'bpf_iter__tcp',
  'BPF_FUNC_sock_from_file',
] as const

/** Closer than this the programs' clock need not be. */
const clockTolerance = 1_000_000n

/**
 * Loads and attaches; throws AppError (errors.ts of the loader). Nothing is left behind if it throws. `suspended` is
 * how long the machine slept since it booted, in nanoseconds; asked at each drain.
 */
export function openSocketProbe(
  options: SocketProbeOptions = {},
  suspended: () => bigint = suspendedNs,
): SocketProbe {
  const ringBytes = options.ringBytes ?? ringBytesDefault
  const object = loadSocketObject({ ...options, ringBytes })
  try {
    // libbpf has read all of the kernel's types; the pages go back to the system.
    openLibc().mallocTrim?.(0)
    return attach(object, ringBytes, suspended)
  } catch (error) {
    object.close()
    throw error
  }
}

/** Loaded, nothing attached. */
export function loadSocketObject(
  options: SocketProbeOptions & { readonly ringBytes: number },
): LoadedObject {
  const { ringBytes } = options
  if (ringBytes < pageBytes || ringBytes > ringBytesMax || (ringBytes & (ringBytes - 1)) !== 0) {
    throw fail('ring_size', { details: { bytes: ringBytes, least: pageBytes } })
  }
  const features = kernelNames(socketFeatures)
  return openObject({
    what,
    bytes: readFileSync(objectUrl),
    settings: { only_netns: BigInt(options.netns ?? 0), only_cgroup: options.cgroupId ?? 0n },
    maxEntries: mapSizes(features, ringBytes),
    without: absentPrograms(features),
  })
}

/** Where sockets have storage the table by address is never touched, elsewhere the slots. */
function mapSizes(features: ReadonlySet<string>, ringBytes: number): Record<string, number> {
  const storage = features.has('BPF_FUNC_sock_from_file')
  const unused = storage ? { conns_by_address: 1 } : { slots: 1 }
  return { ended: ringBytes, ...unused }
}

function absentPrograms(features: ReadonlySet<string>): ReadonlySet<string> {
  const absent = optional.filter(({ tracepoint }) => !features.has(`btf_trace_${tracepoint}`))
  return new Set(absent.map(({ program }) => program))
}

function attach(object: LoadedObject, ringBytes: number, suspended: () => bigint): SocketProbe {
  const live: GrowingBuffer = { bytes: Buffer.alloc(0) }
  const there: GrowingBuffer = { bytes: Buffer.alloc(0) }
  const holders = object.attach('socket_holders', iterator, { target: 'task_file' })
  const table = object.attach('socket_table', iterator, { target: 'tcp' })
  const ring = mapRing(object.mapFd('ended'), ringBytes, pageBytes)
  const { set } = object.variables()
  let open = true
  let slept = 0n
  followClock()
  for (const { name, hook, loaded } of object.programs) {
    const [kind, tracepoint = ''] = hook.split('/')
    if (loaded && kind === 'tp_btf') object.attach(name, tracing, { tracepoint })
  }

  /** TCP reads CLOCK_MONOTONIC, which stands still while the machine sleeps. */
  function followClock(): void {
    const now = suspended()
    if (now - slept < clockTolerance) return
    set('suspended_ns', now)
    slept = now
  }

  function assertOpen(): void {
    if (!open) throw fail('probe_closed', { details: { what: 'socket' } })
  }

  return {
    programs: object.programs.map(report),
    ringRecords: Math.floor(ringBytes / (ringHeaderBytes + socketRecordBytes)),
    drain: (sink, max = Number.POSITIVE_INFINITY) => {
      assertOpen()
      followClock()
      return ring.drain(sink, max)
    },
    dump: ({ onlyChanges = false } = {}) => {
      assertOpen()
      set('only_changes', onlyChanges ? 1n : 0n)
      return wholeRecords(live, holders.read(live))
    },
    dumpNamespace: (path) => {
      assertOpen()
      return insideNamespace(path, () => wholeRecords(there, table.read(there)))
    },
    counters: () => {
      assertOpen()
      return sumCounters(object)
    },
    close: () => {
      if (!open) return
      open = false
      ring.close()
      object.close()
    },
  }
}

function report(program: LoadedProgram): ProgramReport {
  const { name, hook, id, loaded } = program
  const iterator = hook.startsWith('iter/')
  return {
    name,
    hook,
    id,
    state: loaded ? (iterator ? 'ready' : 'on') : 'off',
    why: loaded ? '' : withoutOwners,
  }
}

function wholeRecords(buffer: GrowingBuffer, octets: number): Uint8Array {
  if (octets % socketRecordBytes !== 0) throw new Error(`a dump of ${octets} octets is cut off`)
  return buffer.bytes.subarray(0, octets)
}

export function sumCounters(object: LoadedObject): Readonly<Record<CounterName, number>> {
  const sums = Object.fromEntries(counterNames.map((name) => [name, 0])) as Record<
    CounterName,
    number
  >
  for (const who of countingPrograms) {
    const values = object.readPerCpu('counters', who, counterNames.length * 8)
    values.forEach((value, at) => {
      sums[counterNames[at % counterNames.length]!] += Number(value)
    })
  }
  return sums
}

/** AT_PAGESZ is what the ring is mapped by; 4096 on x86-64, up to 65536 on arm64. */
function pageSize(): number {
  const auxv = readFileSync('/proc/self/auxv')
  for (let at = 0; at + 16 <= auxv.length; at += 16) {
    if (auxv.readBigUInt64LE(at) === 6n) return Number(auxv.readBigUInt64LE(at + 8))
  }
  return 4096
}
