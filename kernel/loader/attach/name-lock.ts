// A lock by name that the kernel gives up with the process: an abstract unix socket, whose names are each network
// namespace's own. It asks for no folder that processes would have to share.

import { constants } from 'node:os'
import { callRefused } from '../bpf-call.ts'
import { closeDescriptor, errorText, lastErrno, openLibc } from '../library.ts'

const [familyUnix, datagramCloseOnExec] = [1, 2 | 0x80000]

/** A descriptor that holds the name in the thread's network namespace; undefined if another holds it. */
export function lockName(name: string): number | undefined {
  const libc = openLibc()
  const fd = libc.socket(familyUnix, datagramCloseOnExec, 0)
  if (fd < 0) throw callRefused('opening a unix socket', errorText(lastErrno()))
  // struct sockaddr_un; an abstract name begins with a zero.
  const address = Buffer.concat([Buffer.from([familyUnix, 0, 0]), Buffer.from(name)])
  if (libc.bind(fd, address, address.length) === 0) return fd
  const errno = lastErrno()
  closeDescriptor(fd)
  if (errno === constants.errno.EADDRINUSE) return undefined
  throw callRefused(`taking the name ${name}`, errorText(errno))
}
