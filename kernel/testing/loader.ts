// The objects that the loader's tests load, and bpftool as the other opinion of what is in a map.

import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import type { MapEntries } from '../loader/map-batch.ts'
import { loadableNames } from '../loader/map-iterators.ts'
import type { LoadedMap } from '../loader/maps.ts'
import { type LoadedObject, openObject } from '../loader/object.ts'

export function openTestObject(
  maxEntries: Readonly<Record<string, number>> = {},
  without: readonly string[] = [],
): LoadedObject {
  return open('loader.bpf.o', maxEntries, without)
}

/** Whether the kernel loads iterators over maps; some have them and do not. */
export const loadsMapIterators = loadableNames(['bpf_iter__bpf_map_elem']).size > 0

/** The object with a program for each kind of hook. */
export function openAttachObject(): LoadedObject {
  return open('attach.bpf.o', {}, loadsMapIterators ? [] : ['weir_elements'])
}

/** The object with the socket probe's arithmetic. */
export function openSequenceObject(): LoadedObject {
  return open('sequence.bpf.o', {}, [])
}

/** The object that counts sockets which were made for a connection and thrown away. */
export function openSurplusObject(): LoadedObject {
  return open('surplus.bpf.o', {}, [])
}

/** The object that no kernel takes. Throws. */
export function openRefusedObject(): LoadedObject {
  return open('refused.bpf.o', {}, [])
}

function open(
  file: string,
  maxEntries: Readonly<Record<string, number>>,
  without: readonly string[],
): LoadedObject {
  const bytes = readFileSync(new URL(file, import.meta.url))
  const what = "the loader's test"
  return openObject({ what, bytes, settings: {}, maxEntries, without: new Set(without) })
}

/** A frame that says IPv4 and carries this protocol: Ethernet header, IP header, payload of zeroes. */
export function frameOf(protocol: number, payloadBytes: number): Uint8Array {
  const frame = new Uint8Array(14 + 20 + payloadBytes)
  const view = new DataView(frame.buffer)
  view.setUint16(12, 0x0800)
  view.setUint8(14, 0x45)
  view.setUint16(16, 20 + payloadBytes)
  view.setUint8(14 + 8, 64)
  view.setUint8(14 + 9, protocol)
  return frame
}

/** Adds this many entries to each of the large maps; one by one, because a signal ends repetitions early. */
export function addEntries(object: LoadedObject, count: number): void {
  const run = object.testRun('add_entry', { inputBytesMax: 64, outputBytesMax: 0, contextBytes: 0 })
  const frame = frameOf(17, 0)
  for (let number = 0; number < count; number++) run.run(frame)
}

/** Of one kind, everything that is there. bpftool breaks off if something ends while it lists: then once more. */
export function listAll<T>(kind: 'map' | 'prog' | 'link'): readonly T[] {
  for (let tries = 1; ; tries++) {
    try {
      return bpftool<T[]>(kind, 'list')
    } catch (error) {
      if (tries === 20) throw error
    }
  }
}

export function bpftool<T>(...args: readonly string[]): T {
  const limits = { timeout: 60_000, maxBuffer: 1 << 28 }
  return JSON.parse(execFileSync('bpftool', ['-j', ...args], { encoding: 'utf8', ...limits })) as T
}

interface DumpedEntry {
  readonly key: readonly string[]
  readonly value?: readonly string[]
  readonly values?: readonly { readonly value: readonly string[] }[]
}

/** `KEY: VALUE`, or `KEY: VALUE VALUE …` with one value per CPU, in hexadecimal, sorted. */
export function dumped(map: LoadedMap): readonly string[] {
  const hex = (octets: readonly string[]) => octets.map((octet) => octet.slice(2)).join('')
  return bpftool<DumpedEntry[]>('map', 'dump', 'id', String(map.id))
    .map(({ key, value, values = [] }) => {
      const all = value === undefined ? values.map((one) => hex(one.value)) : [hex(value)]
      return `${hex(key)}: ${all.join(' ')}`
    })
    .sort()
}

/** The same of what was read; `perCpuBytes` is the size of one CPU's value, without its padding. */
export function listed(
  map: LoadedMap,
  entries: MapEntries,
  perCpuBytes?: number,
): readonly string[] {
  const keys = Buffer.from(entries.keys.buffer)
  const values = Buffer.from(entries.values.buffer)
  const step = perCpuBytes === undefined ? map.valueBytes : (perCpuBytes + 7) & ~7
  return Array.from({ length: entries.count }, (_, index) => {
    const key = keys.toString('hex', index * map.keyBytes, (index + 1) * map.keyBytes)
    const all: string[] = []
    for (let at = 0; at < map.valueBytes; at += step) {
      const from = index * map.valueBytes + at
      all.push(values.toString('hex', from, from + (perCpuBytes ?? step)))
    }
    return `${key}: ${all.join(' ')}`
  }).sort()
}

/** CPUs on which this process may run, of the first 31. */
export function allowedCpus(): readonly number[] {
  const list = /^Cpus_allowed_list:\s*(\S+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]
  return (list ?? '0')
    .split(',')
    .flatMap((range) => {
      const [first = 0, last = first] = range.split('-').map(Number)
      return Array.from({ length: last - first + 1 }, (_, index) => first + index)
    })
    .filter((cpu) => cpu < 31)
}
