// tcx (Linux 6.6): programs of traffic control that take turns on an interface. The link belongs to its descriptor.
// Takes CAP_BPF and CAP_NET_ADMIN. Ours return TCX_NEXT (-1), so the next program decides as if they were not there.
//
// Ours go first: a program before them that says TCX_PASS would hide the packet from all that follow.

import { constants } from 'node:os'
import { bpfCall, callRefused, memory, writtenAttributes } from '../bpf-call.ts'
import { errorText } from '../library.ts'
import {
  attachRefused,
  available,
  type Feature,
  type Hook,
  missingFeature,
  refusedFeature,
} from './hook.ts'
import { atInterface, type DirectedPlace } from './interface.ts'
import { createLink, type Link, openLink } from './link.ts'
import { createOwners } from './program-owner.ts'

const needed = ['CAP_BPF', 'CAP_NET_ADMIN'] as const
/** enum bpf_attach_type. */
const attachType = { ingress: 46, egress: 47 } as const
/** BPF_F_BEFORE without a program to be before: the head of the list. */
const first = 1 << 3
/** BPF_MPROG_MAX of the kernel. */
const programsMax = 64
const { EINVAL, ENODEV } = constants.errno

export const tcx: Hook<DirectedPlace, Link> = {
  name: 'tcx',
  feature,
  attached: (place) =>
    atInterface(place, ({ index }) => {
      const { programs, links, errno } = query(index, place.direction)
      if (errno === EINVAL) return []
      if (errno > 0) throw callRefused(`asking about tcx of ${place.interface}`, errorText(errno))
      const owner = createOwners()
      return programs.map((programId, turn) => {
        return { programId, linkId: links[turn] ?? 0, ...owner(programId), details: '' }
      })
    }),
  attach: (program, place) => {
    const fd = atInterface(place, ({ index }) =>
      createLink([program.fd, index, attachType[place.direction], first]),
    )
    if (fd >= 0) return openLink(fd)
    const tried = feature()
    if (tried.state === 'missing') throw tried.error
    throw attachRefused(
      `${program.name} to tcx ${place.direction} of ${place.interface}`,
      -fd,
      needed,
    )
  },
}

/** Asks for programs of an interface that is not there: a kernel with tcx looks for it, one without does not. */
function feature(): Feature {
  const refused = refusedFeature('to tcx', needed)
  if (refused !== undefined) return refused
  return query(0, 'ingress').errno === ENODEV
    ? available
    : missingFeature('tcx', 'Linux 6.6 or later', 'clsact, or a socket filter')
}

interface Queried {
  readonly errno: number
  readonly programs: readonly number[]
  readonly links: readonly number[]
}

/** BPF_PROG_QUERY: index, kind, flags, flags out, ids, count, padding, flags of each, ids of links. */
function query(index: number, direction: DirectedPlace['direction']): Queried {
  const [programs, links, none] = [memory(4 * programsMax), memory(4 * programsMax), memory(0)]
  const attributes = writtenAttributes()
  const kind = attachType[direction]
  const result = bpfCall(
    'query',
    [index, kind, 0, 0, programs, programsMax, 0, none, links],
    attributes,
  )
  const count = result < 0 ? 0 : attributes.readUInt32LE(24)
  const ids = (octets: Buffer) =>
    Array.from({ length: count }, (_, turn) => octets.readUInt32LE(turn * 4))
  return { errno: -Math.min(result, 0), programs: ids(programs), links: ids(links) }
}
