// A program as the filter of a packet socket (SO_ATTACH_BPF, Linux 3.19): it sees every frame of an interface in both
// directions, on bridges too, and keeps none. Takes CAP_BPF and CAP_NET_RAW alone. Any number of sockets listen
// beside each other, and nothing on the interface is changed. The socket belongs to its descriptor.
//
// A program that returns 0 keeps nothing. The socket holds its network namespace: detach when that goes.

import { statSync } from 'node:fs'
import { readText } from '../host.ts'
import { closeDescriptor, errorText, lastErrno, openLibc } from '../library.ts'
import { loadNothing } from '../trial-program.ts'
import {
  type AttachedProgram,
  type Attachment,
  attachRefused,
  available,
  type Hook,
  missingFeature,
  type Program,
  refusedFeature,
} from './hook.ts'
import { atInterface, type Interface, type InterfacePlace } from './interface.ts'

const needed = ['CAP_BPF', 'CAP_NET_RAW'] as const
const [familyPacket, rawCloseOnExec] = [17, 3 | 0x80000]
const [levelSocket, attachBpf] = [1, 50]
/** ETH_P_ALL. */
const everyProtocol = 3
/** struct sockaddr_ll. */
const addressBytes = 20

/** Programs that this process attached, by the inode of their socket: the kernel tells nobody. */
const attachedHere = new Map<number, { readonly programId: number; readonly name: string }>()

export const socketFilter: Hook<InterfacePlace> = {
  name: 'socket filter',
  feature: () => {
    const refused = refusedFeature('a socket filter', needed)
    if (refused !== undefined) return refused
    const program = loadNothing('socket')
    try {
      closeDescriptor(openFiltered(program))
      return available
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      return missingFeature('a socket filter', `packet sockets (${error.message})`, 'tcx or clsact')
    } finally {
      closeDescriptor(program)
    }
  },
  attached: (place) => atInterface(place, attachedTo),
  attach: (program, place) => {
    const what = `${program.name} to a packet socket of ${place.interface}`
    try {
      return atInterface(place, ({ index }) => attachment(program, listen(program.fd, index)))
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      throw attachRefused(what, error.errno, needed)
    }
  },
}

class Refusal extends Error {
  readonly errno: number
  constructor(errno: number) {
    super(errorText(errno))
    this.errno = errno
  }
}

function attachment({ id, name }: Program, socket: number): Attachment {
  const inode = inodeOf(socket)
  attachedHere.set(inode, { programId: id, name })
  const detach = () => {
    if (attachedHere.delete(inode)) closeDescriptor(socket)
  }
  return { programId: id, linkId: 0, detach, release: detach }
}

/** A packet socket of this interface whose filter sees the first frame; only then is it bound. */
function listen(program: number, index: number): number {
  const fd = openFiltered(program)
  const address = Buffer.alloc(addressBytes)
  address.writeUInt16LE(familyPacket, 0)
  address.writeUInt16BE(everyProtocol, 2)
  address.writeInt32LE(index, 4)
  if (openLibc().bind(fd, address, address.length) === 0) return fd
  const refusal = new Refusal(lastErrno())
  closeDescriptor(fd)
  throw refusal
}

/** Protocol 0 listens to nothing. */
function openFiltered(program: number): number {
  const libc = openLibc()
  const fd = libc.socket(familyPacket, rawCloseOnExec, 0)
  if (fd < 0) throw new Refusal(lastErrno())
  const value = Buffer.alloc(4)
  value.writeInt32LE(program)
  if (libc.setsockopt(fd, levelSocket, attachBpf, value, value.length) === 0) return fd
  const refusal = new Refusal(lastErrno())
  closeDescriptor(fd)
  throw refusal
}

/**
 * Packet sockets of the interface and those of all interfaces. Which program filters another process's socket the
 * kernel tells nobody. Columns of /proc/net/packet: sk, RefCnt, Type, Proto, Iface, R, Rmem, User, Inode.
 */
function attachedTo({ index }: Interface): readonly AttachedProgram[] {
  const lines = readText('/proc/thread-self/net/packet').trim().split('\n').slice(1)
  return lines.flatMap((line) => {
    const [, , , protocol = '', listensTo, , , , inode] = line.trim().split(/\s+/)
    if (Number(listensTo) !== index && Number(listensTo) !== 0) return []
    const ours = attachedHere.get(Number(inode))
    const details = `packet socket ${inode}, protocol 0x${protocol}`
    const owner = ours === undefined ? ('other' as const) : ('this' as const)
    return [{ programId: ours?.programId ?? 0, name: ours?.name ?? '', owner, linkId: 0, details }]
  })
}

function inodeOf(socket: number): number {
  return statSync(`/proc/self/fd/${socket}`).ino
}
