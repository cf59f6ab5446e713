// Filters on clsact, for kernels without tcx (Linux 4.5). Takes CAP_BPF and CAP_NET_ADMIN. A filter belongs to the
// interface, not to a descriptor: after kill -9 it stays, counts for nobody, and is removed at the next start. Ours
// has a handle of its own, and its owner holds a lock beside it, which the kernel gives up with the process:
//
//   filter   priority 1, handle 0x77656972, name `weir/OWNER` or `weir/OWNER/made`
//   lock     abstract unix socket `weir/clsact/NETNS/INDEX/DIRECTION`, in the namespace OWNER
//
// OWNER and NETNS are inodes of network namespaces: where the owner runs and where the interface is. A lock in NETNS
// would keep that namespace when its pod is gone. `made` says that Weir made the qdisc, so that whoever is last
// removes it, if it is empty. What others have attached stays as it is.

import { constants } from 'node:os'
import type { AppError } from '../../../common/mod.ts'
import { fail } from '../errors.ts'
import { closeDescriptor, errorText } from '../library.ts'
import {
  inNamespace,
  insideNewNamespace,
  type NamespaceChoice,
  ownNamespace,
} from '../namespace.ts'
import type { Answer } from '../netlink.ts'
import {
  addClsact,
  addFilter,
  type Direction,
  deleteClsact,
  deleteFilterOf,
  type FilterId,
  ingressQdisc,
  listFilters,
} from '../traffic-control.ts'
import { loadNothing } from '../trial-program.ts'
import {
  type AttachedProgram,
  type Attachment,
  attachRefused,
  available,
  describeAttached,
  type Feature,
  type Hook,
  missingFeature,
  type Program,
  refusedFeature,
} from './hook.ts'
import { atInterface, type DirectedPlace, listInterfaces } from './interface.ts'
import { lockName } from './name-lock.ts'
import { createOwners } from './program-owner.ts'

const needed = ['CAP_BPF', 'CAP_NET_ADMIN'] as const
/** `weir` in ASCII: whose filter it is. */
const handle = 0x77656972
/** The first to run: a filter before it that says TC_ACT_OK would hide the packet from all that follow. */
const priority = 1
const directions = ['ingress', 'egress'] as const
const { EEXIST, EINVAL, ENOENT } = constants.errno

export const clsact: Hook<DirectedPlace> = {
  name: 'clsact',
  feature,
  attached: (place) => atInterface(place, ({ index }) => attachedTo(index, place.direction)),
  attach: (program, place) => {
    const what = `${program.name} to clsact ${place.direction} of ${place.interface}`
    const spot = atInterface(place, ({ index }) => spotOf(index, place.direction))
    const home = ownNamespace()
    const lock = lockName(nameOf(spot))
    if (lock === undefined) throw occupied(what, 'another process of Weir')
    try {
      inNamespace(place.netns, () => addOurs(program, { spot, home, what }))
    } catch (error) {
      closeDescriptor(lock)
      throw error
    }
    return attachment(program, spot, lock)
  },
}

/** One direction of an interface. */
interface Spot {
  /** Inode of its network namespace. */
  readonly netns: number
  readonly index: number
  readonly direction: Direction
}

function spotOf(index: number, direction: Direction): Spot {
  return { netns: ownNamespace(), index, direction }
}

function attachment(program: Program, spot: Spot, lock: number): Attachment {
  let open = true
  const detach = () => {
    if (!open) return
    open = false
    try {
      inNamespace(spot.netns, () => removeOurs(spot))
    } catch (error) {
      // A namespace that is gone has taken the filter along.
      if ((error as AppError).code !== 'namespace_refused') throw error
    } finally {
      closeDescriptor(lock)
    }
  }
  return { programId: program.id, linkId: 0, detach, release: detach }
}

interface Adding {
  readonly spot: Spot
  readonly home: number
  readonly what: string
}

/** In the namespace of the spot, while its lock is held. */
function addOurs(program: Program, { spot, home, what }: Adding): void {
  const { index } = spot
  const made = makeQdisc(index, what)
  const left = oursAt(spot)
  if (left !== undefined) {
    // Its lock would be in another namespace, so nobody knows here whether its owner lives.
    if (left.owner !== home) throw occupied(what, `a filter of Weir from namespace ${left.owner}`)
    deleteFilterOf(idOf(spot))
  }
  const beside = directions.map((direction) => oursAt({ ...spot, direction }))
  const host = made || left?.made === true || beside.some((filter) => filter?.made)
  const answer = addFilter(idOf(spot), program.fd, host ? `weir/${home}/made` : `weir/${home}`)
  if (answer.errno === 0) return
  if (host) removeQdisc(index)
  throw filterRefused(what, answer, attachedTo(index, spot.direction))
}

/** Whether it was made now. */
function makeQdisc(index: number, what: string): boolean {
  const answer = addClsact(index)
  if (answer.errno === 0) return true
  const there = ingressQdisc(index)
  if (there === 'clsact') return false
  if (there === 'ingress') throw occupied(what, 'a qdisc `ingress`, which excludes clsact,')
  throw answer.errno === ENOENT || answer.errno === EINVAL
    ? missing().error
    : attachRefused(what, answer.errno, needed, answer.said)
}

/** A priority has filters of one kind and protocol. */
function filterRefused(what: string, answer: Answer, there: readonly AttachedProgram[]): Error {
  const [occupant] = there.filter(({ details }) => details.startsWith(`priority ${priority} `))
  const { errno, said } = answer
  if (occupant !== undefined && (errno === EEXIST || errno === EINVAL)) {
    return occupied(what, describeAttached(occupant))
  }
  return errno === ENOENT ? missing().error : attachRefused(what, errno, needed, said)
}

function occupied(what: string, occupant: string): Error {
  return fail('hook_occupied', { details: { what, occupant, instead: 'a socket filter' } })
}

function missing(what = 'CONFIG_NET_SCH_INGRESS and CONFIG_NET_CLS_BPF') {
  return missingFeature('clsact', what, 'a socket filter')
}

/** Adds a filter to an interface of a namespace that is made for it: a worker with CAP_SYS_ADMIN alone can try. */
function feature(): Feature {
  const refused = refusedFeature('to clsact', needed)
  if (refused !== undefined) return refused
  let answer: Answer
  try {
    answer = insideNewNamespace(tryFilter)
  } catch (error) {
    return { state: 'unknown', error: error as AppError }
  }
  if (answer.errno === 0) return available
  return missing(`a kernel with clsact and BPF filters (${answer.said || errorText(answer.errno)})`)
}

function tryFilter(): Answer {
  const loopback = 1
  const qdisc = addClsact(loopback)
  if (qdisc.errno !== 0) return qdisc
  const program = loadNothing('tc')
  try {
    const id = { interfaceIndex: loopback, direction: 'ingress', handle, priority } as const
    return addFilter(id, program, 'weir/trial')
  } finally {
    closeDescriptor(program)
  }
}

function attachedTo(index: number, direction: Direction): readonly AttachedProgram[] {
  const owner = createOwners()
  return listFilters(index, direction).map((filter) => {
    const { programId, kind, name } = filter
    const turn = `priority ${filter.priority} handle 0x${filter.handle.toString(16)}`
    const known = programId === 0 ? { name: '', owner: 'other' as const } : owner(programId)
    const details = kind === 'bpf' && name !== '' ? `${turn} ${name}` : `${turn} ${kind}`
    return { programId, linkId: 0, ...known, details }
  })
}

/**
 * Removes the filters of processes of Weir that are gone from every interface of a network namespace; how many there
 * were. Throws `namespace_refused`.
 */
export function removeLeftFilters(netns?: string | number): number {
  const home = ownNamespace()
  const found = inNamespace(netns, () =>
    listInterfaces()
      .filter(({ index }) => ingressQdisc(index) === 'clsact')
      .flatMap(({ index }) => directions.map((direction) => spotOf(index, direction)))
      .filter((spot) => oursAt(spot)?.owner === home),
  )
  return found.filter((spot) => removeLeft(spot, netns)).length
}

function removeLeft(spot: Spot, netns: NamespaceChoice): boolean {
  const lock = lockName(nameOf(spot))
  if (lock === undefined) return false
  try {
    inNamespace(netns, () => removeOurs(spot))
    return true
  } finally {
    closeDescriptor(lock)
  }
}

/** The filter, and the qdisc if Weir made it and it is empty. The lock must be held. */
function removeOurs(spot: Spot): void {
  const filter = oursAt(spot)
  if (filter === undefined) return // the interface is gone, or somebody has removed the filter
  deleteFilterOf(idOf(spot))
  if (filter.made) removeQdisc(spot.index)
}

function removeQdisc(index: number): void {
  if (directions.every((direction) => listFilters(index, direction).length === 0)) {
    deleteClsact(index)
  }
}

interface Ours {
  /** Inode of the network namespace in which its process holds, or held, the lock. */
  readonly owner: number
  readonly made: boolean
}

/** The filter of a process of Weir, by its handle, priority and name. */
function oursAt({ index, direction }: Spot): Ours | undefined {
  for (const filter of listFilters(index, direction)) {
    if (filter.handle !== handle || filter.priority !== priority) continue
    const [, owner, made] = /^weir\/(\d+)(\/made)?$/.exec(filter.name) ?? []
    if (owner !== undefined) return { owner: Number(owner), made: made !== undefined }
  }
  return undefined
}

function idOf({ index, direction }: Spot): FilterId {
  return { interfaceIndex: index, direction, handle, priority }
}

function nameOf({ netns, index, direction }: Spot): string {
  return `weir/clsact/${netns}/${index}/${direction}`
}
