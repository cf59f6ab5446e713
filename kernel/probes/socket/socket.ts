// The socket probe: loads kernel/build/socket.bpf.o, keeps it attached, reads its ring and its iterators.

import { readFileSync } from 'node:fs'
import { counterNames, socketRecordBytes } from '../../layout/socket-record.ts'
import { tracing } from '../../loader/attach/tracing.ts'
import { suspendedNs } from '../../loader/clock.ts'
import { fail } from '../../loader/errors.ts'
import { openLibc } from '../../loader/library.ts'
import { loadableNames } from '../../loader/map-iterators.ts'
import { type LoadedObject, type LoadedProgram, openObject } from '../../loader/object.ts'
import { mapRing } from '../../loader/ring.ts'
import { conditionSettings, writeConditions } from '../conditions.ts'
import type { ProgramReport } from '../report.ts'
import { selectionSettings } from '../selection.ts'
import type { Living, ProbeOptions } from '../spec.ts'
import { createConditionalDumps } from './conditional-dumps.ts'
import { createDumps } from './dumps.ts'
import {
  absentPrograms,
  mapSizes,
  type SocketFeatures,
  socketFeatures,
  walkShowsOn,
} from './features.ts'
import type { CounterName, SocketProbe } from './probe.ts'

const what = 'the socket probe'
const objectUrl = new URL('../../build/socket.bpf.o', import.meta.url)
/** 23,000 ends between two drains (100 ms at most). Its pages count twice as memory of the process. */
const ringBytesDefault = 4 << 20
const ringBytesMax = 1 << 30
const ringHeaderBytes = 8
export const pageBytes = pageSize()

/** enum counting of counters.h. */
const countingPrograms = [0, 1, 2]

export interface SocketOptions extends ProbeOptions {
  /** Connections of which it is remembered what their ends meet of the conditions; for tests. */
  readonly pairsMax?: number
}

/** What is said of the programs once the table of both_ends.h was full. */
const filterOff =
  'the table of connections that --filter needs was full: until the agent starts again it alone filters connections'

/** Closer than this the programs' clock need not be. */
const clockTolerance = 1_000_000n

/**
 * Loads and attaches; throws AppError (errors.ts of the loader). Nothing is left behind if it throws. `suspended` is
 * how long the machine slept since it booted, in nanoseconds; asked at each drain.
 */
export function openSocketProbe(
  options: SocketOptions = {},
  suspended: () => bigint = suspendedNs,
  features: SocketFeatures = loadableNames(socketFeatures),
): SocketProbe {
  const ringBytes = options.ringBytes ?? ringBytesDefault
  const object = loadSocketObject({ ...options, ringBytes }, features)
  try {
    // libbpf has read all of the kernel's types; the pages go back to the system.
    openLibc().mallocTrim?.(0)
    const { conditions = [] } = options
    writeConditions(object.map('condition_values'), conditions)
    return attach({ object, features, ringBytes, suspended, conditional: conditions.length > 0 })
  } catch (error) {
    object.close()
    throw error
  }
}

/** Loaded, nothing attached. */
export function loadSocketObject(
  options: SocketOptions & { readonly ringBytes: number },
  features: SocketFeatures = loadableNames(socketFeatures),
): LoadedObject {
  const { ringBytes, conditions = [], pairsMax } = options
  if (ringBytes < pageBytes || ringBytes > ringBytesMax || (ringBytes & (ringBytes - 1)) !== 0) {
    throw fail('ring_size', { details: { bytes: ringBytes, least: pageBytes } })
  }
  return openObject({
    what,
    bytes: readFileSync(objectUrl),
    settings: {
      ...selectionSettings(options),
      ...conditionSettings(conditions),
      walk_shows: BigInt(walkShowsOn(features)),
    },
    maxEntries: {
      ...mapSizes(features, options),
      ...(pairsMax === undefined ? {} : { met_by_pair: pairsMax }),
    },
    without: new Set(absentPrograms(features).keys()),
  })
}

interface Loaded {
  readonly object: LoadedObject
  readonly features: SocketFeatures
  readonly ringBytes: number
  readonly suspended: () => bigint
  /** Which sockets are reported depends on both ends of their connections. */
  readonly conditional: boolean
}

function attach({ object, features, ringBytes, suspended, conditional }: Loaded): SocketProbe {
  const ring = mapRing(object.mapFd('ended'), ringBytes, pageBytes)
  const { set, get } = object.variables()
  const dumps = conditional
    ? createConditionalDumps(object, createDumps(object, features))
    : createDumps(object, features)
  const absent = absentPrograms(features)
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

  const living: Living = {
    seesUnheld: dumps.seesUnheld,
    dump: (options) => {
      assertOpen()
      return dumps.dump(options)
    },
    dumpNamespace: (path) => {
      assertOpen()
      return dumps.dumpNamespace(path)
    },
  }

  return {
    ...living,
    living,
    name: 'socket',
    recordBytes: socketRecordBytes,
    get programs() {
      const filter = conditional && get('conditions_off') !== 0n ? filterOff : ''
      return object.programs.map((program) => report(program, absent.get(program.name) ?? filter))
    },
    ringRecords: Math.floor(ringBytes / (ringHeaderBytes + socketRecordBytes)),
    drain: (sink, max = Number.POSITIVE_INFINITY) => {
      assertOpen()
      followClock()
      return ring.drain(sink, max)
    },
    counters: () => {
      assertOpen()
      return sumCounters(object)
    },
    use: () => {
      assertOpen()
      return object.use()
    },
    close: () => {
      if (!open) return
      open = false
      ring.close()
      object.close()
    },
  }
}

function report(program: LoadedProgram, why: string): ProgramReport {
  const { name, hook, id, loaded } = program
  const iterator = hook.startsWith('iter/')
  return {
    name,
    hook,
    id,
    state: loaded ? (iterator ? 'ready' : 'on') : 'off',
    why,
  }
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
