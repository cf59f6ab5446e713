// Of a router that reports a flow where it comes in and where it leaves, one side counts: the one that came first, for
// as long as it goes on.

export interface Sides {
  /** Whether the record of that side counts. */
  counts(key: string, isEgress: boolean): boolean
}

const forgetAfterMs = 180_000
const sidesMax = 100_000

interface Known {
  readonly isEgress: boolean
  lastMs: number
}

export function createSides(nowMs: () => number = Date.now, most = sidesMax): Sides {
  const known = new Map<string, Known>()

  function counts(key: string, isEgress: boolean): boolean {
    const found = known.get(key)
    const now = nowMs()
    if (found && now - found.lastMs <= forgetAfterMs) {
      if (found.isEgress === isEgress) found.lastMs = now
      return found.isEgress === isEgress
    }
    known.delete(key)
    if (known.size >= most) known.delete(known.keys().next().value as string)
    known.set(key, { isEgress, lastMs: now })
    return true
  }

  return { counts }
}
