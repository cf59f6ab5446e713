// The drop probe: loads kernel/build/drop.bpf.o, keeps it attached, and takes the table out of the kernel when asked.

import { readFileSync } from 'node:fs'
import { dropCounterNames, dropRecordBytes } from '../../layout/drop-record.ts'
import { tracing } from '../../loader/attach/tracing.ts'
import { tickNs } from '../../loader/clock.ts'
import { fail } from '../../loader/errors.ts'
import { kernelNames } from '../../loader/host.ts'
import { rangesOf } from '../../loader/kallsyms.ts'
import { openLibc } from '../../loader/library.ts'
import { type LoadedObject, openObject } from '../../loader/object.ts'
import { conditionEntries, conditionSettings, writeConditions } from '../conditions.ts'
import type { ProgramReport } from '../report.ts'
import {
  absentPrograms,
  featuresOf,
  type Living,
  type OpenProbe,
  type ProbeOptions,
} from '../spec.ts'
import { dropDegraded, dropHooks } from './hooks.ts'
import { packetsOf } from './packets.ts'
import { createTables } from './tables.ts'

/** Names in kernel BTF that decide how the probe is loaded. */
export const dropFeatures = featuresOf({ hooks: dropHooks, degraded: dropDegraded })

const objectUrl = new URL('../../build/drop.bpf.o', import.meta.url)
/** Tuples, reasons and places that differ, of one interval. TABLE_ENTRIES of table.h. */
const entriesDefault = 8192
/** Whatever is freed inside these hangs behind another packet. */
const partsFunctions = ['kfree_skb_list', 'kfree_skb_list_reason', 'skb_release_data']
/** All of this are set in an address of kernel code; kallsyms.ts leaves them out. */
const highBits = 0xffffn << 48n

export interface DropOptions extends ProbeOptions {
  /** Entries of the table; for tests. */
  readonly entriesMax?: number
}

export type DropCounterName = (typeof dropCounterNames)[number]

/** A loaded and attached drop probe: `dump` takes everything out of the table, each drop once. */
export interface DropProbe extends OpenProbe, Living {
  readonly living: Living
  counters(): Readonly<Record<DropCounterName, number>>
}

/** Loads and attaches; throws AppError (errors.ts of the loader). Nothing is left behind if it throws. */
export function openDropProbe(
  options: DropOptions = {},
  features: ReadonlySet<string> = kernelNames(dropFeatures),
): DropProbe {
  const absent = absentPrograms(dropHooks, features)
  const object = loadDropObject(options, new Set(absent.keys()))
  try {
    openLibc().mallocTrim?.(0)
    writeConditions(object.map('condition_values'), options.packetConditions ?? [])
    return attach(object, absent, options.entriesMax ?? entriesDefault)
  } catch (error) {
    object.close()
    throw error
  }
}

/** Loaded, nothing attached. */
export function loadDropObject(options: ProbeOptions, without: ReadonlySet<string>): LoadedObject {
  const { packetConditions = [] } = options
  return openObject({
    what: 'the drop probe',
    bytes: readFileSync(objectUrl),
    settings: {
      only_netns: BigInt(options.netns ?? 0),
      only_cgroup: options.cgroupId ?? 0n,
      tick_ns: tickNs(),
      has_cast: BigInt(kernelNames(['bpf_rdonly_cast']).size),
      ...partsSettings(),
      ...conditionSettings(packetConditions),
    },
    maxEntries: { condition_values: conditionEntries(packetConditions) },
    without,
  })
}

/** Where the kernel hides its addresses, parts of packets count as packets. */
function partsSettings(): Record<string, bigint> {
  const ranges = rangesOf(partsFunctions)
  const [first, second] = ranges
  const wide = (address = 0) => (address === 0 ? 0n : BigInt(address) | highBits)
  return {
    parts_from_0: wide(first?.from),
    parts_to_0: wide(first?.to),
    parts_from_1: wide(second?.from),
    parts_to_1: wide(second?.to),
  }
}

function attach(
  object: LoadedObject,
  absent: ReadonlyMap<string, string>,
  entriesMax: number,
): DropProbe {
  const tables = createTables(object, entriesMax)
  let open = true
  let recordedBefore = 0
  try {
    for (const { name, hook, loaded } of object.programs) {
      const tracepoint = hook.slice(hook.indexOf('/') + 1)
      if (loaded) object.attach(name, tracing, { tracepoint })
    }
  } catch (error) {
    tables.close()
    throw error
  }

  function assertOpen(): void {
    if (!open) throw fail('probe_closed', { details: { what: 'drop' } })
  }

  /** A host that drops nothing is asked for its counters alone. */
  function dump(): Uint8Array {
    assertOpen()
    const { recorded, map_full: full } = kernelCounters(object)
    if (recorded + full === recordedBefore) return new Uint8Array(0)
    recordedBefore = recorded + full
    return tables.take()
  }

  function counters() {
    assertOpen()
    const counted = kernelCounters(object)
    const interrupted = Math.max(object.missed() - counted.taken_over, 0)
    return { ...counted, interrupted, taken: tables.taken() }
  }

  const living: Living = { seesUnheld: true, dump, dumpNamespace: () => new Uint8Array(0) }
  return {
    ...living,
    living,
    name: 'drop',
    recordBytes: dropRecordBytes,
    ringRecords: 0,
    programs: object.programs.map(({ name, hook, id, loaded }): ProgramReport => {
      return { name, hook, id, state: loaded ? 'on' : 'off', why: absent.get(name) ?? '' }
    }),
    drain: () => 0,
    packets: packetsOf,
    counters,
    use: () => {
      assertOpen()
      return object.use()
    },
    close: () => {
      if (!open) return
      open = false
      tables.close()
      object.close()
    },
  }
}

/** All CPUs together; each has the depth of its runs behind the counters. */
function kernelCounters(object: LoadedObject): Record<DropCounterName, number> {
  const width = dropCounterNames.length + 1
  const values = object.readPerCpu('counters', 0, width * 8)
  const sums = dropCounterNames.map((_, index) => {
    let sum = 0
    for (let at = index; at < values.length; at += width) sum += Number(values[at])
    return sum
  })
  return Object.fromEntries(
    dropCounterNames.map((name, index) => [name, sums[index] ?? 0]),
  ) as Record<DropCounterName, number>
}
