// The texts of a row as interner indexes, each looked up once: one object per interner.

import type { Interner } from '../../wire/mod.ts'
import { octet, recordOctets, short, word } from '../drain/record.ts'
import type { Cgroups } from '../identity/cgroups.ts'
import { createProcessNames, isInterpreter } from '../identity/process-name.ts'
import { shortAt } from '../tcp/end-table.ts'
import { type EndOutcome, endReason, errnoName, sourceNames, stateNames } from '../tcp/outcome.ts'
import type { Connections } from '../tcp/state.ts'
import { createTextCache } from './text-cache.ts'

interface OutcomeNames {
  readonly reason: number
  readonly errno: number
}

interface OwnerNames {
  readonly unit: number
  readonly container: number
}

export interface RowNames {
  readonly fixed: Readonly<
    Record<'node' | 'view' | 'protocol' | 'src' | 'dst' | 'both' | 'closed', number>
  >
  /** comm or interface name of 16 octets at a word. */
  text(words: Uint32Array, at: number): number
  /** What the process of the record at word `at` is called. */
  process(words: Uint32Array, at: number): number
  state(state: number): number
  source(source: number): number
  owner(cgroupId: number): OwnerNames | undefined
  outcome(state: Connections, connection: number): OutcomeNames
}

/** Hosts have few cgroups and ways to end; beyond this the caches begin anew. */
const cachedMax = 16_384

export function createRowNames(names: Interner, cgroups: Cgroups, node: string): RowNames {
  const texts = createTextCache(names)
  const states = Uint32Array.from(stateNames, (name) => names.index(name))
  const sources = Uint32Array.from(sourceNames, (name) => names.index(name))
  const processes = createProcessNames()
  /** By index of a comm: 0 not looked at yet, 1 a name as it is, 2 an interpreter. */
  let kinds = new Uint8Array(256)
  const owners = new Map<number, OwnerNames>()
  const outcomes = new Map<number, OutcomeNames>()
  let lastKey = -1 // most rows end alike
  let lastOutcome: OutcomeNames = { reason: 0, errno: 0 }

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

  function outcome(state: Connections, connection: number): OutcomeNames {
    const src = state.table.src[connection] as number
    const dst = state.table.dst[connection] as number
    const key = outcomeKey(state, src) + outcomeKey(state, dst) * 0x200_0000
    if (key === lastKey) return lastOutcome
    const known = outcomes.get(key) ?? newOutcome(state, { key, src, dst })
    lastKey = key
    lastOutcome = known
    return known
  }

  function newOutcome(
    state: Connections,
    { key, src, dst }: Readonly<Record<'key' | 'src' | 'dst', number>>,
  ): OutcomeNames {
    const ends: EndOutcome[] = []
    if (src >= 0) ends.push(outcomeOf(state, src, 'src'))
    if (dst >= 0) ends.push(outcomeOf(state, dst, 'dst'))
    const error = ends.find((end) => end.error !== 0)?.error ?? 0
    const found = { reason: names.index(endReason(ends)), errno: names.index(errnoName(error)) }
    if (outcomes.size > cachedMax) outcomes.clear()
    outcomes.set(key, found)
    return found
  }

  return {
    fixed: {
      node: names.index(node),
      view: names.index('socket'),
      protocol: names.index('tcp'),
      src: names.index('src'),
      dst: names.index('dst'),
      both: names.index('both'),
      closed: names.index('closed'),
    },
    text: texts.indexOf,
    process,
    state: (state) => states[state] ?? 0,
    source: (source) => sources[source] ?? 0,
    owner,
    outcome,
  }
}

function grown(from: Uint8Array, index: number): Uint8Array<ArrayBuffer> {
  const to = new Uint8Array(2 * index)
  to.set(from)
  return to
}

/** All that decides the reason, in 25 bits: error, state, whether it vanished, had a port, is there. */
function outcomeKey({ ends }: Connections, slot: number): number {
  if (slot < 0) return 0
  const state = (ends.octets[slot * recordOctets + octet.state] as number) & 15
  const vanished = ends.closed[slot] === 2 ? 1 : 0
  const port = shortAt(ends, slot, short.localPort) === 0 ? 1 : 0
  const error = shortAt(ends, slot, short.error)
  return ((error << 7) | (state << 3) | (vanished << 2) | (port << 1) | 1) >>> 0
}

function outcomeOf({ ends }: Connections, slot: number, side: 'src' | 'dst'): EndOutcome {
  return {
    side,
    state: ends.octets[slot * recordOctets + octet.state] as number,
    error: shortAt(ends, slot, short.error),
    localPort: shortAt(ends, slot, short.localPort),
    vanished: ends.closed[slot] === 2,
  }
}
