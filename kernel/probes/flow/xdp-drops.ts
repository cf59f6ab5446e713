// What rules of Weir have dropped at XDP of an interface that is watched: the interface has counted these packets, and
// traffic control is never given them. Read from the program's own counters; without CAP_SYS_ADMIN nothing is known.

import type { Interface } from '../../loader/attach/interface.ts'
import { closeDescriptor, openLibbpf } from '../../loader/library.ts'
import { openMap } from '../../loader/maps.ts'
import { readCounters } from '../xdp/attach.ts'
import { mapsOfProgram } from '../xdp/join.ts'

export interface XdpDrops {
  /** An interface is watched from now on. */
  begin(found: Interface): void
  end(index: number): void
  /** How many packets rules have dropped there since; 0 without a program of Weir. */
  since(found: Interface): number
  close(): void
}

/** A program that was met at an interface. */
interface Met {
  readonly programId: number
  /** Its count when it was met, and until now. */
  readonly base: number
  now: number
  /** Descriptor of its counters; -1 = it is not Weir's. */
  readonly fd: number
}

export function createXdpDrops(): XdpDrops {
  const met = new Map<number, Met>()
  /** Of programs that were there before. */
  const earlier = new Map<number, number>()

  /** `isNew`: it came while the interface was watched. */
  function meet({ index, xdp: [found] }: Interface, isNew: boolean): Met | undefined {
    const known = met.get(index)
    const programId = found?.programId ?? 0
    if (known?.programId === programId) return known
    if (known) leave(index, known)
    if (programId === 0) return undefined
    const fd = countersOf(programId)
    const now = fd < 0 ? 0 : droppedOf(fd)
    const one = { programId, base: isNew ? 0 : now, now, fd }
    met.set(index, one)
    return one
  }

  function leave(index: number, one: Met): void {
    earlier.set(index, (earlier.get(index) ?? 0) + one.now - one.base)
    if (one.fd >= 0) closeDescriptor(one.fd)
    met.delete(index)
  }

  function end(index: number): void {
    const known = met.get(index)
    if (known) leave(index, known)
    earlier.delete(index)
  }

  return {
    begin: (found) => {
      end(found.index)
      meet(found, false)
    },
    end,
    since: (found) => {
      const one = meet(found, true)
      if (one && one.fd >= 0) one.now = droppedOf(one.fd)
      return (earlier.get(found.index) ?? 0) + (one ? one.now - one.base : 0)
    },
    close: () => {
      for (const index of [...met.keys()]) end(index)
    },
  }
}

function countersOf(programId: number): number {
  const maps = mapsOfProgram(programId)
  if (!maps) return -1
  const { counters, ...others } = maps
  for (const fd of Object.values(others)) closeDescriptor(fd)
  return counters
}

function droppedOf(fd: number): number {
  return readCounters(openMap(openLibbpf(), () => fd, 'counters'))['dropped'] ?? 0
}
