// One interface whose packets the agent reports: by the program that `weir xdp attach` left there, else by one of the
// agent's own, which goes with the process. An interface that goes and comes back is followed; so is a program that
// is taken off.

import { AppError } from '../../../common/mod.ts'
import { interfaceOfLink, xdp } from '../../loader/attach/xdp.ts'
import type { RingSink } from '../../loader/ring.ts'
import type { XdpWatch } from '../spec.ts'
import { attachXdp, placeOf, readCounters, type XdpTarget } from './attach.ts'
import { joinProgram } from './join.ts'
import { loadXdpObject } from './object.ts'
import {
  assertReadable,
  findPinned,
  mapDescriptors,
  mapsOf,
  openPinned,
  type XdpMaps,
} from './pinned.ts'
import { openReader, type XdpReader } from './readers.ts'

export interface XdpInterface {
  /** Attaches where nothing is attached. Returns why there is nothing now, or ''. */
  update(): string
  /** Inode of its network namespace; 0 while there is nothing. */
  netns(): number
  programId(): number
  drain(sink: RingSink, max: number): number
  /** Since the begin, over all programs that there were. */
  counters(): Readonly<Record<string, number>>
  close(): void
}

type Counts = Readonly<Record<string, number>>

/** A program, and what is read of it. */
interface Attached {
  readonly netns: number
  readonly programId: number
  readonly maps: XdpMaps
  readonly reader: XdpReader
  /** What the program had counted before. */
  readonly before: Counts
  /** False when the interface has gone, or the program was taken off. */
  isThere(): boolean
  close(): void
}

/** Synchronous; only worker threads enter other network namespaces. */
export function watchInterface(target: XdpTarget, wish: XdpWatch, ringBytes: number): XdpInterface {
  let attached: Attached | undefined
  let counted: Counts = {}

  function update(): string {
    if (attached?.isThere()) return ''
    leave()
    try {
      attached = attachHere(target, wish, ringBytes)
      return ''
    } catch (error) {
      if (error instanceof AppError) return error.message
      throw error
    }
  }

  /** What is still in the ring goes with it, and is counted as lost. */
  function leave(): void {
    if (!attached) return
    const left = attached.reader.drainRecords(() => {}, Number.POSITIVE_INFINITY)
    counted = added(counters(), { reported: -left, lost_ring: left })
    attached.close()
    attached = undefined
  }

  function counters(): Counts {
    return attached ? added(counted, countsOf(attached)) : counted
  }

  return {
    update,
    netns: () => attached?.netns ?? 0,
    programId: () => attached?.programId ?? 0,
    drain: (sink, max) => attached?.reader.drainRecords(sink, max) ?? 0,
    counters,
    close: leave,
  }
}

/** What this reader saw, and what the program did with all packets meanwhile. */
function countsOf({ reader, maps, before }: Attached): Counts {
  const { seen: read, unwanted, sampled, reported, lost } = reader.counts()
  const program = Object.entries(readCounters(maps.counters)).map(([name, count]) => {
    return [name, count - (before[name] ?? 0)]
  })
  return { ...Object.fromEntries(program), read, unwanted, sampled, reported, lost_ring: lost }
}

function added(one: Counts, other: Counts): Counts {
  const sums = Object.entries(other).map(([name, count]) => [name, count + (one[name] ?? 0)])
  return { ...one, ...Object.fromEntries(sums) }
}

function attachHere(target: XdpTarget, wish: XdpWatch, ringBytes: number): Attached {
  const program = programAt(target)
  try {
    const before = readCounters(program.maps.counters)
    const reader = openReader(program.maps, target.interface, { ...wish, ringBytes })
    const close = () => {
      reader.close()
      program.close()
    }
    return { ...program, before, reader, close, netns: placeOf(target).netns }
  } catch (error) {
    program.close()
    throw error
  }
}

type Program = Omit<Attached, 'netns' | 'reader' | 'before'>

/** What is pinned; of an interface that had gone and is back the program is attached anew, with its rules. */
function programAt(target: XdpTarget): Program {
  const place = placeOf(target)
  const found = findPinned(place)
  if (!found) {
    assertReadable(place)
    return ownProgram(target)
  }
  let pinned = found
  if (found.ifindex === 0) {
    found.close()
    attachXdp(target, 'auto')
    pinned = openPinned(place)
  }
  const { link, maps, close } = pinned
  return {
    programId: link.programId,
    maps,
    isThere: () => interfaceOfLink(link.descriptor()) !== 0,
    close,
  }
}

/** Another process's program is read as long as it is there; without one the agent attaches its own. */
function ownProgram({ interface: name, netns }: XdpTarget): Program {
  const place = { interface: name, ...(netns && { netns }) }
  const joined = joinProgram(place)
  if (joined) return { ...joined, maps: mapsOf(joined.descriptors) }
  const object = loadXdpObject()
  try {
    const link = object.attach('weir_xdp', xdp, { ...place, mode: 'auto' })
    const isThere = () => interfaceOfLink(link.descriptor()) !== 0
    const maps = mapsOf(mapDescriptors(object))
    return { programId: link.programId, maps, isThere, close: object.close }
  } catch (error) {
    object.close()
    throw error
  }
}
