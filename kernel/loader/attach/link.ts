// bpf_link: an attachment that belongs to a descriptor. The end of the process ends it, unless it is pinned.

import { constants } from 'node:os'
import type { AppError } from '../../../common/mod.ts'
import {
  type Attribute,
  bpfCall,
  callRefused,
  memory,
  objectInfo,
  writeAddress,
  writtenAttributes,
} from '../bpf-call.ts'
import { cString } from '../elf.ts'
import { fail } from '../errors.ts'
import { closeDescriptor, errorText } from '../library.ts'
import { openPin, pin, unpin } from '../pins.ts'
import type { Attachment } from './hook.ts'

export interface Link extends Attachment {
  /** Throws if the link is closed. */
  descriptor(): number
  /** Keeps it beyond the end of this process, under a path of a BPF file system. Throws as `pin` does. */
  pin(path: string): void
}

/** enum bpf_link_type. */
export const linkType = {
  rawTracepoint: 1,
  tracing: 2,
  cgroup: 3,
  iterator: 4,
  xdp: 6,
  tcx: 11,
} as const

export interface LinkInfo {
  readonly type: number
  readonly id: number
  readonly programId: number
  /** `struct bpf_link_info` as far as it is the same for all kinds: what differs begins at octet 16. */
  readonly octets: Buffer
  /** Of raw tracepoints and iterators: the tracepoint's or the target's name. */
  readonly name: string
}

const named = new Set<number>([linkType.rawTracepoint, linkType.iterator])
const infoBytes = 128
/** What is not the same for all kinds begins here. */
const differsFrom = 16
const nameBytesMax = 128

/** BPF_LINK_CREATE; returns the descriptor or -errno. */
export function createLink(attributes: readonly Attribute[]): number {
  return bpfCall('linkCreate', attributes)
}

/** The link that is pinned there; undefined if nothing is. Throws `kernel_call`, also if it is no link. */
export function openPinnedLink(path: string): Link | undefined {
  const fd = openPin(path, 'link')
  return fd === undefined ? undefined : openLink(fd, path)
}

/** Takes over a link's descriptor; `pinnedAt` is the path at which it is pinned. */
export function openLink(fd: number, pinnedAt = ''): Link {
  const { id, programId } = infoOrClosed(fd)
  let open = true
  let pinned = pinnedAt

  function descriptor(): number {
    if (!open) throw new Error(`link ${id} is closed`)
    return fd
  }

  function close(): void {
    open = false
    closeDescriptor(fd)
  }

  return {
    descriptor,
    linkId: id,
    programId,
    pin: (path) => {
      pin(descriptor(), path)
      pinned = path
    },
    detach: () => {
      if (!open) return
      // The pin first: a process that is killed from here on takes the link along.
      if (pinned !== '') unpin(pinned)
      // Tracing links have no such call; they end with their last descriptor and pin.
      bpfCall('linkDetach', [fd])
      close()
    },
    release: () => {
      if (open) close()
    },
  }
}

function infoOrClosed(fd: number): LinkInfo {
  try {
    return linkInfo(fd)
  } catch (error) {
    closeDescriptor(fd)
    throw error
  }
}

/** Throws `kernel_call` if it is not a link's descriptor. */
export function linkInfo(fd: number): LinkInfo {
  const octets = memory(infoBytes)
  const name = memory(nameBytesMax)
  let result = objectInfo(fd, octets)
  const type = octets.readUInt32LE(0)
  if (result === 0 && named.has(type)) {
    // Once more with room for the name, whose address and length are the first that differs between kinds.
    octets.fill(0)
    writeAddress(octets, differsFrom, name)
    octets.writeUInt32LE(name.length, differsFrom + 8)
    result = objectInfo(fd, octets)
  }
  if (result < 0) throw callRefused('asking about a link', errorText(result))
  const [id, programId] = [octets.readUInt32LE(4), octets.readUInt32LE(8)]
  return { type, id, programId, octets, name: cString(name, 0) }
}

/** The same as a list; empty if this process may not ask. */
export function listedLinks(type: number): readonly LinkInfo[] {
  try {
    return [...linksOfType(type)]
  } catch (error) {
    if ((error as AppError).code === 'not_permitted') return []
    throw error
  }
}

/** Every link of the host, of this kind. Takes CAP_SYS_ADMIN, else throws `not_permitted`. */
export function* linksOfType(type: number): Generator<LinkInfo> {
  const { ENOENT, EPERM } = constants.errno
  for (let id = 0; ; ) {
    const attributes = writtenAttributes()
    const result = -bpfCall('nextLinkId', [id], attributes)
    if (result === ENOENT) return
    if (result === EPERM) {
      const details = { what: 'listing links', missing: 'CAP_SYS_ADMIN' }
      throw fail('not_permitted', { details })
    }
    if (result > 0) throw callRefused('listing links', errorText(result))
    id = attributes.readUInt32LE(4)
    const fd = bpfCall('linkFdById', [id])
    if (fd < 0) continue // it has ended meanwhile
    try {
      const info = linkInfo(fd)
      if (info.type === type) yield info
    } finally {
      closeDescriptor(fd)
    }
  }
}
