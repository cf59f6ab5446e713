// Writes entries of maps: one, or many in one call (BPF_MAP_UPDATE_BATCH), or one by one where the kernel has no such
// call for that type (LPM tries and per-CPU arrays before 5.13, maps of maps). Which one is found out by trying.

import { constants } from 'node:os'
import { callRefused } from './bpf-call.ts'
import { ENOTSUPP, fail } from './errors.ts'
import { errorText, type Libbpf } from './library.ts'
import type { MapShape } from './map-batch.ts'

export interface Written {
  /** How they were written: `each` is a call per key. */
  readonly way: 'batch' | 'each'
  /** Calls into the kernel. */
  readonly calls: number
}

/** Keys have `keyBytes`, values `valueBytes`: of a per-CPU map the values of all possible CPUs. */
export interface MapWriter {
  /** Adds the entry or replaces its value as a whole. Throws `map_full`, `kernel_call`. */
  update(key: Uint8Array, value: Uint8Array): void
  /**
   * The first `count` entries of `keys` and `values`, side by side; each is whole, all of them are not: programs
   * see some before others. Throws `map_full` and `kernel_call`, which say how many had been written.
   */
  updateAll(keys: Uint8Array, values: Uint8Array, count: number): Written
  /** False if there is no such entry. Throws `kernel_call`, also for arrays, which always have all. */
  delete(key: Uint8Array): boolean
  /** Copies the value of a key; false if there is no such entry. Throws `kernel_call`. */
  lookup(key: Uint8Array, value: Uint8Array): boolean
}

const { E2BIG, EINVAL, ENOENT, ENOSPC } = constants.errno

/** `fd` is asked before each use, so that it can refuse when the object is closed. */
export function createMapWriter(bpf: Libbpf, fd: () => number, map: MapShape): MapWriter {
  const processed = new Uint32Array(new ArrayBuffer(4))
  let batches = true

  function assertOctets(octets: Uint8Array, needed: number, what: string): void {
    if (octets.length >= needed) return
    throw new Error(`map ${map.name}: ${octets.length} octets of ${what}, not ${needed}`)
  }

  function assertEntries(keys: Uint8Array, values: Uint8Array, count: number): void {
    assertOctets(keys, count * map.keyBytes, 'keys')
    assertOctets(values, count * map.valueBytes, 'values')
  }

  function refused(errno: number, written: number): Error {
    const { name, entriesMax } = map
    if (errno === E2BIG || errno === ENOSPC) {
      return fail('map_full', { details: { map: name, entriesMax, written } })
    }
    return callRefused(`writing map ${name} after ${written} entries`, errorText(errno))
  }

  function each(keys: Uint8Array, values: Uint8Array, count: number): Written {
    const descriptor = fd()
    for (let index = 0; index < count; index++) {
      const key = keys.subarray(index * map.keyBytes, (index + 1) * map.keyBytes)
      const value = values.subarray(index * map.valueBytes, (index + 1) * map.valueBytes)
      const result = -bpf.update(descriptor, key, value, 0)
      if (result > 0) throw refused(result, index)
    }
    return { way: 'each', calls: count }
  }

  function updateAll(keys: Uint8Array, values: Uint8Array, count: number): Written {
    assertEntries(keys, values, count)
    if (count === 0 || !batches) return each(keys, values, count)
    processed[0] = count
    const result = -bpf.updateBatch(fd(), keys, values, processed, null)
    if (result === 0) return { way: 'batch', calls: 1 }
    // A kernel without the call has not touched the count, one with it says how far it came.
    const untried = processed[0] === count || processed[0] === 0
    if (untried && (result === ENOTSUPP || result === EINVAL)) {
      batches = false
      return each(keys, values, count)
    }
    throw refused(result, processed[0])
  }

  return {
    update: (key, value) => {
      assertEntries(key, value, 1)
      const result = -bpf.update(fd(), key, value, 0)
      if (result > 0) throw refused(result, 0)
    },
    updateAll,
    delete: (key) => {
      assertOctets(key, map.keyBytes, 'keys')
      const result = -bpf.delete(fd(), key)
      if (result > 0 && result !== ENOENT) {
        throw callRefused(`deleting from map ${map.name}`, errorText(result))
      }
      return result === 0
    },
    lookup: (key, value) => {
      assertEntries(key, value, 1)
      const result = -bpf.lookup(fd(), key, value)
      if (result > 0 && result !== ENOENT) {
        throw callRefused(`reading map ${map.name}`, errorText(result))
      }
      return result === 0
    },
  }
}
