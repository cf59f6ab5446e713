// What `weir xdp attach` leaves in the kernel, and how the next command finds it:
//
//   ROOT/xdp-NETNS_INODE/INTERFACE/link, a pin for each map, and one that names their layout
//
// The link is pinned last and removed first: a folder without a living link is what a killed command left, and nothing
// is attached then. With a living link, and without the pin of this layout, it is the program of another version of Weir:
// its rules go on, and cannot be read.

import { existsSync, mkdirSync, readdirSync, rmdirSync, unlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type Link, openPinnedLink } from '../../loader/attach/link.ts'
import { interfaceOfLink } from '../../loader/attach/xdp.ts'
import { fail } from '../../loader/errors.ts'
import { closeDescriptor, openLibbpf } from '../../loader/library.ts'
import { type LoadedMap, openMap } from '../../loader/maps.ts'
import type { LoadedObject } from '../../loader/object.ts'
import { type OwnMap, openPinnedMap } from '../../loader/own-map.ts'
import { isBpffs, openPin, pin } from '../../loader/pins.ts'

/** Default folder of the pins. */
export const pinRootDefault = '/sys/fs/bpf/weir'

/** Raised when what lies in a pinned map changes: xdp_record.h, and the maps of xdp_maps.h (layout.test.ts). */
export const xdpLayout = 1
const layoutPin = `layout-${xdpLayout}`

/** Maps that commands use, by their names in the object. */
export const xdpMapNames = [
  'state',
  'sources',
  'destinations',
  'lists',
  'rules',
  'counts',
  'rings',
  'protected',
  'protected_ports',
  'hits',
  'reading',
  'readers',
  'reader_counts',
  'counters',
] as const

export type XdpMapName = (typeof xdpMapNames)[number]
export type XdpMaps = Readonly<Record<XdpMapName, LoadedMap>>

/** Where an interface's pins are. */
export interface PinPlace {
  readonly root: string
  /** Inode of its network namespace. */
  readonly netns: number
  readonly interface: string
}

export interface PinnedXdp {
  readonly place: PinPlace
  readonly link: Link
  /** Index of the interface; 0 = it is gone. */
  readonly ifindex: number
  readonly maps: XdpMaps
  /** Closes descriptors; nothing is detached. */
  close(): void
}

/** A BPF file system takes no dots in names, and interfaces have them. */
export function pinFolder({ root, netns, interface: name }: PinPlace): string {
  const escaped = name.replace(/[%.]/g, (sign) => (sign === '%' ? '%25' : '%2e'))
  return join(root, `xdp-${netns}`, escaped)
}

/** Everything pinned below a root. */
export function listPinned(root: string): readonly PinPlace[] {
  return entriesOf(root).flatMap((folder) => {
    const netns = Number(/^xdp-(\d+)$/.exec(folder)?.[1])
    if (!netns) return []
    return entriesOf(join(root, folder)).map((name) => {
      return { root, netns, interface: name.replaceAll('%2e', '.').replaceAll('%25', '%') }
    })
  })
}

function entriesOf(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

/** Pins every map of a loaded object; the link comes later. Throws `bpffs_missing`. */
export function pinMaps(object: LoadedObject, place: PinPlace): void {
  const folder = pinFolder(place)
  // The root may be missing, the file system may not.
  const mount = isBpffs(place.root) ? place.root : dirname(place.root)
  if (!isBpffs(mount)) throw fail('bpffs_missing', { details: { path: mount } })
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  for (const name of xdpMapNames) pin(object.mapFd(name), join(folder, name))
  pin(object.mapFd('counters'), join(folder, layoutPin))
}

/** Pins the link: from now on the program stays when this process ends. */
export function pinLink(link: Link, place: PinPlace): void {
  link.pin(join(pinFolder(place), 'link'))
}

/** Removes what is pinned for an interface; true if there was anything. */
export function removePins(place: PinPlace): boolean {
  const folder = pinFolder(place)
  if (!existsSync(folder)) return false
  const path = join(folder, 'link')
  if (existsSync(path)) openPinnedLink(path)?.detach()
  for (const name of entriesOf(folder)) unlinkSync(join(folder, name))
  rmdirSync(folder)
  if (entriesOf(dirname(folder)).length === 0) rmdirSync(dirname(folder))
  return true
}

/** The program of another version of Weir. */
export interface OtherVersion {
  readonly programId: number
  /** Index of the interface; 0 = it is gone. */
  readonly ifindex: number
}

/** Undefined if nothing is attached, or what can be read. */
export function findOtherVersion(place: PinPlace): OtherVersion | undefined {
  const living = livingLink(place)
  if (living === undefined) return undefined
  const { link, ifindex } = living
  link.release()
  if (existsSync(join(pinFolder(place), layoutPin))) return undefined
  return { programId: link.programId, ifindex }
}

/** Throws `xdp_other_version`. */
export function assertReadable(place: PinPlace): void {
  if (findOtherVersion(place) === undefined) return
  throw fail('xdp_other_version', { details: { interface: place.interface } })
}

/** What is attached to an interface by Weir; throws `xdp_not_attached` and `xdp_other_version`. */
export function openPinned(place: PinPlace): PinnedXdp {
  const pinned = findPinned(place)
  if (pinned) return pinned
  assertReadable(place)
  throw fail('xdp_not_attached', { details: { interface: place.interface } })
}

/** The same; undefined if there is nothing, only what a killed command left, or the program of another version. */
export function findPinned(place: PinPlace): PinnedXdp | undefined {
  const folder = pinFolder(place)
  const living = livingLink(place)
  if (living === undefined) return undefined
  const maps = existsSync(join(folder, layoutPin)) ? openMaps(folder) : undefined
  if (maps === undefined) {
    living.link.release()
    return undefined
  }
  return {
    place,
    ...living,
    maps,
    close: () => {
      living.link.release()
      for (const map of Object.values(maps)) map.close()
    },
  }
}

function livingLink(place: PinPlace): Pick<PinnedXdp, 'link' | 'ifindex'> | undefined {
  const path = join(pinFolder(place), 'link')
  if (!existsSync(path)) return undefined
  const fd = openPin(path, 'link')
  if (fd === undefined) return undefined
  const ifindex = interfaceOfLink(fd)
  closeDescriptor(fd)
  const link = openPinnedLink(path)
  return link && { link, ifindex }
}

function openMaps(folder: string): Readonly<Record<XdpMapName, OwnMap>> | undefined {
  const maps = xdpMapNames.map((name) => [name, openPinnedMap(join(folder, name))] as const)
  if (maps.every(([, map]) => map !== undefined)) {
    return Object.fromEntries(maps) as Record<XdpMapName, OwnMap>
  }
  for (const [, map] of maps) map?.close()
  return undefined
}

/** Descriptors of an object's maps, which every thread of the process can use until it is closed. */
export function mapDescriptors(object: LoadedObject): Readonly<Record<XdpMapName, number>> {
  const fds = xdpMapNames.map((name) => [name, object.mapFd(name)])
  return Object.fromEntries(fds) as Record<XdpMapName, number>
}

/** Maps by their descriptors, which who holds them closes. */
export function mapsOf(descriptors: Readonly<Record<XdpMapName, number>>): XdpMaps {
  const bpf = openLibbpf()
  const maps = xdpMapNames.map((name) => [name, openMap(bpf, () => descriptors[name], name)])
  return Object.fromEntries(maps) as XdpMaps
}
