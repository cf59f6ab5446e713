// The texts that a row of a TCP connection, or of an event of one, has whatever its ends are, as interner indexes: one
// object per interner.

import type { Interner } from '../../wire/mod.ts'
import { octet, recordOctets, short } from '../drain/record.ts'
import { shortAt } from './end-table.ts'
import { type EndOutcome, endReason, errnoName, stateNames } from './outcome.ts'
import type { Connections } from './state.ts'

interface OutcomeNames {
  readonly reason: number
  readonly errno: number
}

export interface FlowNames {
  readonly fixed: Readonly<
    Record<'node' | 'view' | 'protocol' | 'src' | 'dst' | 'both' | 'closed', number>
  >
  /** By the kernel's number. */
  state(state: number): number
  /** How the ends in these slots ended; -1 = no end. */
  outcome(state: Connections, src: number, dst: number): OutcomeNames
}

/** There are few ways to end; beyond this the cache begins anew. */
const cachedMax = 16_384

export function createFlowNames(names: Interner, node: string): FlowNames {
  const states = Uint32Array.from(stateNames, (name) => names.index(name))
  const outcomes = new Map<number, OutcomeNames>()
  let lastKey = -1 // most rows end alike
  let lastOutcome: OutcomeNames = { reason: 0, errno: 0 }

  function outcome(state: Connections, src: number, dst: number): OutcomeNames {
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
    state: (state) => states[state] ?? 0,
    outcome,
  }
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
