// Programs on a cgroup of cgroup2, through a bpf_link (Linux 5.7): packets of its sockets, sockets made and released.
// Programs of a cgroup and of those above it all run. The link belongs to its descriptor. Takes CAP_BPF and
// CAP_NET_ADMIN. Only another's program that was attached to be alone keeps ours out; it is named, never replaced.

import { closeSync, constants as file, openSync } from 'node:fs'
import { constants } from 'node:os'
import type { AppError } from '../../../common/mod.ts'
import { bpfCall, callRefused, memory, writtenAttributes } from '../bpf-call.ts'
import { fail } from '../errors.ts'
import { errorText } from '../library.ts'
import {
  type AttachedProgram,
  attachRefused,
  available,
  describeAttached,
  type Hook,
  missingFeature,
  refusedFeature,
} from './hook.ts'
import { createLink, type Link, linkType, listedLinks, openLink } from './link.ts'
import { createOwners } from './program-owner.ts'

export interface CgroupPlace {
  /** The cgroup's folder below the mount of cgroup2. */
  readonly path: string
  readonly event: keyof typeof attachType
}

/** enum bpf_attach_type. */
const attachType = { ingress: 0, egress: 1, sock_create: 2, sock_release: 34 } as const
const needed = ['CAP_BPF', 'CAP_NET_ADMIN'] as const
const programsMax = 64
const { EBADF, EINVAL, EPERM } = constants.errno
const { O_DIRECTORY, O_RDONLY } = file

export const cgroup: Hook<CgroupPlace, Link> = {
  name: 'cgroup',
  feature: (place) => {
    const refused = refusedFeature('to a cgroup', needed)
    if (refused !== undefined) return refused
    try {
      return atCgroup(place, (fd) => {
        const { errno } = query(fd, place)
        assertCgroup(errno, place)
        const needs = 'a kernel with CONFIG_CGROUP_BPF'
        return errno === EINVAL
          ? missingFeature(`cgroup ${place.event}`, needs, 'packets without their process')
          : available
      })
    } catch (error) {
      return { state: 'unknown', error: error as AppError }
    }
  },
  attached: (place) => atCgroup(place, (fd) => attachedTo(fd, place)),
  attach: (program, place) => {
    const what = `${program.name} to ${place.event} of cgroup ${place.path}`
    return atCgroup(place, (cgroupFd) => {
      const fd = createLink([program.fd, cgroupFd, attachType[place.event]])
      if (fd >= 0) return openLink(fd)
      assertCgroup(-fd, place)
      const [occupant] = fd === -EPERM ? attachedTo(cgroupFd, place) : []
      if (occupant === undefined) throw attachRefused(what, -fd, needed)
      const instead = 'a cgroup below that takes several programs'
      throw fail('hook_occupied', {
        details: { what, occupant: describeAttached(occupant), instead },
      })
    })
  },
}

function atCgroup<T>({ path }: CgroupPlace, work: (fd: number) => T): T {
  let fd: number
  try {
    fd = openSync(path, O_RDONLY | O_DIRECTORY)
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code ?? 'unknown'
    throw fail('cgroup_missing', { cause: error, details: { path, reason } })
  }
  try {
    return work(fd)
  } finally {
    closeSync(fd)
  }
}

function assertCgroup(errno: number, { path }: CgroupPlace): void {
  if (errno !== EBADF) return
  throw fail('cgroup_missing', { details: { path, reason: 'it is no folder of cgroup2' } })
}

function attachedTo(fd: number, place: CgroupPlace): readonly AttachedProgram[] {
  const { errno, programs } = query(fd, place)
  assertCgroup(errno, place)
  if (errno > 0) throw callRefused(`asking about cgroup ${place.path}`, errorText(errno))
  if (programs.length === 0) return []
  const owner = createOwners()
  const links = listedLinks(linkType.cgroup)
  return programs.map((programId) => {
    const linkId = links.find((link) => link.programId === programId)?.id ?? 0
    return { programId, linkId, ...owner(programId), details: place.event }
  })
}

/** BPF_PROG_QUERY: the cgroup's own programs, not those of the ones above. */
function query(fd: number, { event }: CgroupPlace) {
  const ids = memory(4 * programsMax)
  const attributes = writtenAttributes()
  const result = bpfCall('query', [fd, attachType[event], 0, 0, ids, programsMax], attributes)
  const count = result < 0 ? 0 : attributes.readUInt32LE(24)
  const programs = Array.from({ length: count }, (_, turn) => ids.readUInt32LE(turn * 4))
  return { errno: -Math.min(result, 0), programs }
}
