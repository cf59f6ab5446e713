// XDP through a bpf_link (Linux 5.9): one program per interface, before the kernel makes a packet of a frame. The link
// belongs to its descriptor and may be pinned. Takes CAP_BPF and CAP_NET_ADMIN. What another has attached is named,
// never replaced.

import { constants } from 'node:os'
import { fail } from '../errors.ts'
import { kernelNames } from '../host.ts'
import { errorText } from '../library.ts'
import {
  type AttachedProgram,
  attachRefused,
  available,
  describeAttached,
  type Hook,
  missingFeature,
  type Program,
  refusedFeature,
} from './hook.ts'
import { atInterface, type Interface, type InterfacePlace } from './interface.ts'
import { createLink, type Link, linkInfo, linkType, listedLinks, openLink } from './link.ts'
import { createOwners } from './program-owner.ts'

export interface XdpPlace extends InterfacePlace {
  /** `native` is in the driver, `generic` behind it, on any interface; `auto` tries the first, then the other. */
  readonly mode: 'native' | 'generic' | 'auto'
}

export interface XdpLink extends Link {
  readonly mode: 'native' | 'generic'
  /** Why `auto` got the generic mode; empty otherwise. */
  readonly nativeRefusal: string
}

const needed = ['CAP_BPF', 'CAP_NET_ADMIN'] as const
/** BPF_XDP of enum bpf_attach_type. */
const attachType = 37
/** XDP_FLAGS_*_MODE (linux/if_link.h). */
const modeFlag = { generic: 1 << 1, native: 1 << 2 } as const
const { EBUSY, EEXIST, EPERM } = constants.errno

export const xdp: Hook<XdpPlace, XdpLink> = {
  name: 'xdp',
  feature: () => {
    if (!kernelNames(['bpf_xdp_link']).has('bpf_xdp_link')) {
      return missingFeature(
        'XDP',
        'Linux 5.9 or later',
        'tcx or clsact, which cannot drop as early',
      )
    }
    return refusedFeature('XDP', needed) ?? available
  },
  attached: (place) => atInterface(place, attachedTo),
  attach: (program, place) => {
    const what = `${program.name} to XDP of ${place.interface}`
    return atInterface(place, (found) => {
      const { fd, mode, nativeRefusal } = create(program, found, place.mode)
      if (fd >= 0) return { ...openLink(fd), mode, nativeRefusal }
      const [occupant] = fd === -EBUSY || fd === -EEXIST ? attachedTo(found) : []
      if (occupant === undefined) throw attachRefused(what, -fd, needed)
      const details = { what, occupant: describeAttached(occupant), instead: 'tcx or clsact' }
      throw fail('hook_occupied', { details })
    })
  },
}

/** Index of the interface on which a link's program runs; 0 if that has gone, or the program was taken off. */
export function interfaceOfLink(fd: number): number {
  return linkInfo(fd).octets.readUInt32LE(16)
}

interface Created {
  /** Or -errno. */
  readonly fd: number
  readonly mode: 'native' | 'generic'
  readonly nativeRefusal: string
}

function create(program: Program, { index }: Interface, wanted: XdpPlace['mode']): Created {
  const link = (mode: 'native' | 'generic') =>
    createLink([program.fd, index, attachType, modeFlag[mode]])
  if (wanted !== 'auto') return { fd: link(wanted), mode: wanted, nativeRefusal: '' }
  const fd = link('native')
  if (fd >= 0 || fd === -EBUSY || fd === -EEXIST || fd === -EPERM) {
    return { fd, mode: 'native', nativeRefusal: '' }
  }
  return { fd: link('generic'), mode: 'generic', nativeRefusal: errorText(fd) }
}

/** The interface as it is now: what was found before an attempt may be older than its refusal. */
function attachedTo({ index }: Interface): readonly AttachedProgram[] {
  const { xdp: programs } = atInterface({ interface: index }, (now) => now)
  if (programs.length === 0) return []
  const owner = createOwners()
  const links = listedLinks(linkType.xdp).filter((link) => link.octets.readUInt32LE(16) === index)
  return programs.map(({ programId, mode }) => {
    const linkId = links.find((link) => link.programId === programId)?.id ?? 0
    return { programId, linkId, ...owner(programId), details: mode }
  })
}
