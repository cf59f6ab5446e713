// Says that interfaces of a network namespace came, went or changed: the kernel's own messages (RTNLGRP_LINK), which
// are only counted here. What there is now, a list says (attach/interface.ts).

import { constants } from 'node:os'
import koffi from 'koffi'
import { callRefused } from './bpf-call.ts'
import { closeDescriptor, lastError, openLibc } from './library.ts'

export interface LinkNews {
  /** Whether anything has changed since the last time; never waits. */
  any(): boolean
  close(): void
}

const [familyNetlink, rawCloseOnExecNonBlocking, routeProtocol] = [16, 3 | 0x80000 | 0x800, 0]
const groupLink = 1
/** struct sockaddr_nl. */
const addressBytes = 12

/** Of the thread's network namespace, wherever the thread goes afterwards. Throws `kernel_call`. */
export function openLinkNews(): LinkNews {
  const libc = openLibc()
  const fd = libc.socket(familyNetlink, rawCloseOnExecNonBlocking, routeProtocol)
  if (fd < 0) throw callRefused('opening a netlink socket', lastError())
  const address = Buffer.alloc(addressBytes)
  address.writeUInt16LE(familyNetlink, 0)
  address.writeUInt32LE(groupLink, 8)
  if (libc.bind(fd, address, address.length) !== 0) {
    const reason = lastError()
    closeDescriptor(fd)
    throw callRefused('listening for changes of interfaces', reason)
  }
  // A message that is cut off has been taken whole.
  const buffer = Buffer.alloc(64)
  let open = true

  function any(): boolean {
    for (let messages = 0; ; messages++) {
      if (libc.recv(fd, buffer, buffer.length, 0) >= 0) continue
      const errno = koffi.errno()
      // More than fitted: what they were does not matter.
      if (errno === constants.errno.ENOBUFS) return true
      if (errno !== constants.errno.EINTR) return messages > 0
    }
  }

  return {
    any: () => open && any(),
    close: () => {
      if (open) closeDescriptor(fd)
      open = false
    },
  }
}
