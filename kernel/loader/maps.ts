// Maps of a loaded object, read and written: whole ones in batches, single entries by their key.

import { callRefused, memory, objectInfo } from './bpf-call.ts'
import { fail } from './errors.ts'
import { errorText, type Libbpf } from './library.ts'
import { createMapReader, type MapEntries } from './map-batch.ts'
import { createMapWriter, type MapWriter } from './map-write.ts'

/**
 * A hash, LRU hash or array, per CPU or not, an LPM trie, or a map of maps, whose values read are ids. A key has `keyBytes`, a value `valueBytes` in `MapEntries`: of a
 * per-CPU map the values of all possible CPUs, `round_up(size, 8)` apart, of others the bare size.
 */
export interface LoadedMap extends MapWriter {
  /** As `bpftool map show` has it. */
  readonly id: number
  readonly keyBytes: number
  readonly valueBytes: number
  /** Octets from one CPU's value to the next; the same as `valueBytes` if the map is not per CPU. */
  readonly cpuBytes: number
  /** Entries that the map has room for. */
  readonly entriesMax: number
  /**
   * Every entry. What is inserted or deleted meanwhile may be there or not; nothing is locked for longer than
   * one bucket. Throws `kernel_call`, then with what was read until then in `into`.
   */
  read(into: MapEntries): void
  /**
   * Every entry, taken out of the map: each comes once. What a program adds through a pointer that it looked
   * up before is lost, so only a map that no program writes is drained exactly. Throws `unsupported_feature`
   * for arrays, and `kernel_call`; what was taken until then is in `into`.
   */
  drain(into: MapEntries): void
}

/** BPF_MAP_TYPE_*: hash, array, per CPU, least recently used, LPM trie, array and hash of maps (linux/bpf.h). */
const readable = new Set([1, 2, 5, 6, 9, 10, 11, 12, 13])
const perCpu = new Set([5, 6, 10])

/** `fd` is asked before each use, so that it can refuse when the object is closed. */
export function openMap(
  bpf: Libbpf,
  fd: () => number,
  name: string,
  entriesPerCall?: number,
): LoadedMap {
  const { type, id, keyBytes, valueBytes, entriesMax } = mapInfo(fd(), name)
  if (!readable.has(type)) throw new Error(`map ${name} is of type ${type}: no hash, no array`)
  const octets = perCpu.has(type) ? perCpuBytes(bpf, valueBytes) : valueBytes
  const shape = { name, keyBytes, valueBytes: octets, entriesMax }
  const reader = createMapReader(bpf, shape, entriesPerCall)
  return {
    id,
    keyBytes,
    valueBytes: octets,
    cpuBytes: perCpu.has(type) ? roundedToWord(valueBytes) : valueBytes,
    entriesMax,
    ...createMapWriter(bpf, fd, shape),
    read: (into) => reader.read(fd(), into),
    drain: (into) => reader.drain(fd(), into),
  }
}

/** One element of a per-CPU array: its values of all possible CPUs, `round_up(size, 8)` apart. */
export function readPerCpu(
  bpf: Libbpf,
  fd: number,
  key: number,
  valueBytes: number,
): BigUint64Array {
  const bytes = Buffer.alloc(perCpuBytes(bpf, valueBytes))
  const keyBytes = Buffer.alloc(4)
  keyBytes.writeUInt32LE(key)
  const result = bpf.lookup(fd, keyBytes, bytes)
  if (result < 0) {
    throw fail('kernel_call', { details: { what: 'reading a map', reason: errorText(result) } })
  }
  return new BigUint64Array(bytes.buffer, bytes.byteOffset, bytes.length / 8)
}

function perCpuBytes(bpf: Libbpf, valueBytes: number): number {
  return roundedToWord(valueBytes) * bpf.possibleCpus()
}

function roundedToWord(octets: number): number {
  return (octets + 7) & ~7
}

/** struct bpf_map_info begins with u32 type, id, key size, value size, entries (linux/bpf.h). */
export function mapInfo(fd: number, name: string) {
  const info = memory(256)
  const result = objectInfo(fd, info)
  if (result < 0) throw callRefused(`asking about map ${name}`, errorText(result))
  const word = (index: number) => info.readUInt32LE(index * 4)
  return { type: word(0), id: word(1), keyBytes: word(2), valueBytes: word(3), entriesMax: word(4) }
}
