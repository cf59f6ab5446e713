// Who an end belongs to, as interner indexes, each text looked up once: one object per interner.

import { type Interner, processSources } from '../../wire/mod.ts'
import { word } from '../drain/record.ts'
import type { Cgroups } from '../identity/cgroups.ts'
import { createProcessNames, isInterpreter } from '../identity/process-name.ts'
import { createTextCache } from './text-cache.ts'

interface OwnerNames {
  readonly unit: number
  readonly container: number
}

export interface EndNames {
  /** comm or interface name of 16 octets at a word. */
  text(words: Uint32Array, at: number): number
  /** What the process of the record at word `at` is called. */
  process(words: Uint32Array, at: number): number
  /** How the process was found, by the number of enum owner_source. */
  source(source: number): number
  owner(cgroupId: number): OwnerNames | undefined
}

/** Hosts have few cgroups; beyond this the cache begins anew. */
const cachedMax = 16_384

export function createEndNames(names: Interner, cgroups: Cgroups): EndNames {
  const texts = createTextCache(names)
  const sources = Uint32Array.from(processSources, (name) => names.index(name))
  const processes = createProcessNames()
  /** By index of a comm: 0 not looked at yet, 1 a name as it is, 2 an interpreter. */
  let kinds = new Uint8Array(256)
  const owners = new Map<number, OwnerNames>()
  let lastCgroup = -1
  let lastOwner: OwnerNames | undefined

  function process(words: Uint32Array, at: number): number {
    const comm = texts.indexOf(words, at + word.comm)
    if (comm >= kinds.length) kinds = grown(kinds, comm)
    if (kinds[comm] === 0) kinds[comm] = isInterpreter(names.text(comm)) ? 2 : 1
    if (kinds[comm] === 1) return comm
    return names.index(processes.nameOf(words[at + word.tgid] as number, names.text(comm)))
  }

  function owner(cgroupId: number): OwnerNames | undefined {
    if (cgroupId === lastCgroup) return lastOwner
    lastOwner = owners.get(cgroupId) ?? newOwner(cgroupId)
    lastCgroup = lastOwner ? cgroupId : -1
    return lastOwner
  }

  function newOwner(cgroupId: number): OwnerNames | undefined {
    const found = cgroups.ownerOf(cgroupId)
    if (!found) return undefined
    const indexes = { unit: names.index(found.unit), container: names.index(found.container) }
    if (owners.size > cachedMax) owners.clear()
    owners.set(cgroupId, indexes)
    return indexes
  }

  return { text: texts.indexOf, process, source: (source) => sources[source] ?? 0, owner }
}

function grown(from: Uint8Array, index: number): Uint8Array<ArrayBuffer> {
  const to = new Uint8Array(2 * index)
  to.set(from)
  return to
}
