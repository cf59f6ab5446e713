// Maps that belong to no object: made here, or found under a pin. A map of maps takes them as its values.

import { bpfCall, callRefused, writtenAttributes } from './bpf-call.ts'
import { closeDescriptor, errorText, openLibbpf } from './library.ts'
import { type LoadedMap, openMap } from './maps.ts'
import { openPin, pin } from './pins.ts'

/** A map with a descriptor of its own. */
export interface OwnMap extends LoadedMap {
  readonly fd: number
  /** Throws as `pin` does. */
  pin(path: string): void
  /** The kernel frees it when no map, no program and no pin holds it. */
  close(): void
}

export interface MapPlan {
  /** The kernel keeps 15 characters. */
  readonly name: string
  readonly type: keyof typeof mapType
  readonly keyBytes: number
  /** Of one CPU. */
  readonly valueBytes: number
  readonly entriesMax: number
  /** An array that may take the place of one with another number of entries in a map of maps (Linux 5.10). */
  readonly anySize?: true
}

/** BPF_MAP_TYPE_* (linux/bpf.h). */
const mapType = { hash: 1, array: 2, perCpuHash: 5, perCpuArray: 6, lpmTrie: 11 } as const
/** BPF_F_NO_PREALLOC: a trie exists only with it. */
const noPreallocation = 1
/** BPF_F_INNER_MAP. */
const innerMap = 1 << 12
const nameOffset = 28
const nameBytesMax = 15

/** Makes a map without an object. Throws `kernel_call`. */
export function createMap(plan: MapPlan): OwnMap {
  const { name, type, keyBytes, valueBytes, entriesMax, anySize } = plan
  const attributes = writtenAttributes()
  attributes.write(name, nameOffset, nameBytesMax, 'latin1')
  const flags = (type === 'lpmTrie' ? noPreallocation : 0) | (anySize ? innerMap : 0)
  const shape = [mapType[type], keyBytes, valueBytes, entriesMax, flags]
  const fd = bpfCall('mapCreate', shape, attributes)
  if (fd < 0) throw callRefused(`making map ${name}`, errorText(fd))
  return own(fd, name)
}

/** The map that is pinned there; undefined if nothing is. Throws `kernel_call`, also if it is no map. */
export function openPinnedMap(path: string): OwnMap | undefined {
  const fd = openPin(path, 'map')
  return fd === undefined ? undefined : own(fd, path)
}

/**
 * Makes `inner` the value of a key of a map of maps, in one step: a program sees the old map or the new one. When
 * this returns no program uses the old one any more. Both must have the same type, sizes and flags.
 */
export function replaceInner(outer: LoadedMap, key: Uint8Array, inner: OwnMap): void {
  const value = Buffer.alloc(4)
  value.writeUInt32LE(inner.fd)
  outer.update(key, value)
}

/** The map that is the value of a key of a map of maps; undefined if there is none. Takes CAP_SYS_ADMIN. */
export function openInner(outer: LoadedMap, key: Uint8Array): OwnMap | undefined {
  const value = Buffer.alloc(4)
  if (!outer.lookup(key, value)) return undefined
  const fd = bpfCall('mapFdById', [value.readUInt32LE(0)])
  if (fd < 0) throw callRefused('opening the inner map', errorText(fd))
  return own(fd, 'an inner map')
}

function own(fd: number, name: string): OwnMap {
  let open = true
  const descriptor = () => {
    if (!open) throw new Error(`map ${name} is closed`)
    return fd
  }
  try {
    return {
      ...openMap(openLibbpf(), descriptor, name),
      fd,
      pin: (path) => pin(descriptor(), path),
      close: () => {
        if (open) closeDescriptor(fd)
        open = false
      },
    }
  } catch (error) {
    closeDescriptor(fd)
    throw error
  }
}
