// Attaching to an interface, and what is attached where. Synchronous; only worker threads enter another namespace.

import { statSync } from 'node:fs'
import { xdpCounterNames } from '../../layout/xdp-event.ts'
import { atInterface } from '../../loader/attach/interface.ts'
import { lockName } from '../../loader/attach/name-lock.ts'
import { type XdpLink, type XdpPlace, xdp } from '../../loader/attach/xdp.ts'
import { fail } from '../../loader/errors.ts'
import { closeDescriptor } from '../../loader/library.ts'
import { createMapEntries } from '../../loader/map-batch.ts'
import { sumOverCpus } from '../../loader/map-sum.ts'
import type { LoadedMap } from '../../loader/maps.ts'
import { ownNamespace } from '../../loader/namespace.ts'
import type { LoadedObject } from '../../loader/object.ts'
import { loadXdpObject } from './object.ts'
import {
  assertReadable,
  findOtherVersion,
  findPinned,
  listPinned,
  openPinned,
  type PinPlace,
  pinFolder,
  pinLink,
  pinMaps,
  removePins,
} from './pinned.ts'
import { applyRules, lastingRules, rulesInForce } from './rule-store.ts'

export interface XdpTarget {
  readonly interface: string
  /** A file that stands for a network namespace; default: that of the process. */
  readonly netns?: string
  readonly root: string
}

export interface AttachedXdp {
  readonly mode: 'native' | 'generic'
  /** Why `auto` got the generic mode; empty otherwise. */
  readonly nativeRefusal: string
  readonly programId: number
  readonly folder: string
  /** Rules of an interface that had gone and is back. */
  readonly rules: number
}

/** Where the pins of a target are. */
export function placeOf({ interface: name, netns, root }: XdpTarget): PinPlace {
  const inode = netns === undefined ? ownNamespace() : inodeOf(netns)
  return { root, netns: inode, interface: name }
}

/** The number of one that has gone is all that is left of it, and names what is pinned for it. */
function inodeOf(path: string): number {
  const found = statSync(path, { throwIfNoEntry: false })
  if (found !== undefined) return found.ino
  if (/^\d+$/.test(path)) return Number(path)
  throw fail('namespace_refused', { details: { path, reason: 'ENOENT' } })
}

/**
 * Attaches and pins: it stays until `detachXdp`. Throws `xdp_attached`, `xdp_other_version`, `hook_occupied` and what a hook
 * throws.
 */
export function attachXdp(target: XdpTarget, mode: XdpPlace['mode']): AttachedXdp {
  const place = placeOf(target)
  return withLock(place, () => {
    assertReadable(place)
    const found = findPinned(place)
    const rules = found ? lastingRules(found.maps, place.interface) : []
    const protect = found ? rulesInForce(found.maps, place.interface).protect : true
    found?.close()
    if (found !== undefined && found.ifindex !== 0) {
      const details = { interface: place.interface, mode: modeAt(found.ifindex, place.netns) }
      throw fail('xdp_attached', { details })
    }
    // Rules of an interface that is not back yet must stay.
    const { interface: name, netns } = target
    atInterface({ interface: name, ...(netns !== undefined && { netns }) }, () => undefined)
    removePins(place)
    const object = loadXdpObject()
    try {
      const link = attachAndPin(object, { ...target, mode }, place)
      if (rules.length > 0) loadAgain(place, rules, protect)
      const { programId, nativeRefusal, mode: got } = link
      return { mode: got, nativeRefusal, programId, folder: pinFolder(place), rules: rules.length }
    } finally {
      object.close()
    }
  })
}

function attachAndPin(
  object: LoadedObject,
  where: XdpTarget & Pick<XdpPlace, 'mode'>,
  place: PinPlace,
): XdpLink {
  try {
    pinMaps(object, place)
    const { netns, mode, interface: name } = where
    const link = object.attach('weir_xdp', xdp, { interface: name, mode, ...(netns && { netns }) })
    pinLink(link, place)
    return link
  } catch (error) {
    removePins(place)
    throw error
  }
}

function loadAgain(
  place: PinPlace,
  rules: Parameters<typeof applyRules>[1],
  protect: boolean,
): void {
  const pinned = openPinned(place)
  try {
    applyRules(pinned.maps, rules, { interface: place.interface, protect })
  } finally {
    pinned.close()
  }
}

/** Ends what `attachXdp` began, whatever its mode. Throws `xdp_not_attached`. */
export function detachXdp(target: XdpTarget): void {
  const place = placeOf(target)
  withLock(place, () => {
    if (removePins(place)) return
    throw fail('xdp_not_attached', { details: { interface: target.interface } })
  })
}

/** Runs `work` while no other command changes the same interface. Throws `xdp_busy`. */
export function withLock<T>(place: PinPlace, work: () => T): T {
  const lock = lockName(`weir-xdp-${place.root}-${place.netns}-${place.interface}`)
  if (lock === undefined) throw fail('xdp_busy', { details: { interface: place.interface } })
  try {
    return work()
  } finally {
    closeDescriptor(lock)
  }
}

export interface XdpStatus {
  readonly netns: number
  readonly interface: string
  /** `gone`: the interface was deleted; `unknown`: its namespace cannot be entered. */
  readonly mode: string
  readonly programId: number
  /** The program of another version of Weir: nothing else is known of it. */
  readonly isOther: boolean
  readonly rules: number
  /** Seconds until rules are taken back; null if none wait. */
  readonly unconfirmedSeconds: number | null
  readonly counters: Readonly<Record<string, number>>
}

/** Everything that is pinned below the root. */
export function xdpStatus(root: string): readonly XdpStatus[] {
  return listPinned(root).flatMap((place) => {
    const pinned = findPinned(place)
    if (pinned === undefined) return otherStatus(place)
    try {
      const { rules, unconfirmedNs } = rulesInForce(pinned.maps, place.interface)
      const seconds = unconfirmedNs === undefined ? null : Math.ceil(Number(unconfirmedNs) / 1e9)
      return {
        netns: place.netns,
        interface: place.interface,
        mode: pinned.ifindex === 0 ? 'gone' : modeAt(pinned.ifindex, place.netns),
        programId: pinned.link.programId,
        isOther: false,
        rules: rules.length,
        unconfirmedSeconds: seconds,
        counters: readCounters(pinned.maps.counters),
      }
    } finally {
      pinned.close()
    }
  })
}

function otherStatus({ interface: name, netns, ...place }: PinPlace): readonly XdpStatus[] {
  const other = findOtherVersion({ ...place, interface: name, netns })
  if (other === undefined) return []
  const { programId, ifindex } = other
  const mode = ifindex === 0 ? 'gone' : modeAt(ifindex, netns)
  const unknown = { rules: 0, unconfirmedSeconds: null, counters: {} }
  return [{ netns, interface: name, mode, programId, isOther: true, ...unknown }]
}

function modeAt(ifindex: number, netns: number): string {
  try {
    return atInterface(
      { interface: ifindex, netns },
      ({ xdp: [found] }) => found?.mode ?? 'unknown',
    )
  } catch {
    return 'unknown'
  }
}

/** What the program has counted, all CPUs together. */
export function readCounters(map: LoadedMap): Readonly<Record<string, number>> {
  const entries = createMapEntries()
  map.read(entries)
  const sum = new Float64Array(1)
  return Object.fromEntries(
    xdpCounterNames.map((name, at) => {
      sumOverCpus(map, entries, { offset: at * 8, octets: 8 }, sum)
      return [name, sum[0] ?? 0]
    }),
  )
}
