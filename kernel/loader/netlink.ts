// Netlink messages to the kernel's routing family and back, written and read here. Interfaces and traffic control
// have no other door. Formats: rtnetlink(7), netlink(7), linux/netlink.h.
//
//   message    u32 length | u16 type | u16 flags | u32 sequence | u32 port | body, attributes
//   attribute  u16 length | u16 type | payload, padded to 4

import { constants } from 'node:os'
import koffi from 'koffi'
import { callRefused } from './bpf-call.ts'
import { cString } from './elf.ts'
import { closeDescriptor, lastError, openLibc } from './library.ts'

export interface Answer {
  /** 0 if the kernel did it. */
  readonly errno: number
  /** What the kernel says about a refusal; empty if it says nothing. */
  readonly said: string
  /** Bodies of the messages before the verdict. */
  readonly bodies: readonly Buffer[]
}

export const netlinkFlag = { exclusive: 0x200, dump: 0x300, create: 0x400 } as const

const [familyNetlink, rawCloseOnExec, routeProtocol] = [16, 3 | 0x80000, 0]
const [levelNetlink, cappedAcknowledgement, extendedAcknowledgement] = [270, 10, 11]
const [typeError, typeDone] = [2, 3]
const [flagRequest, flagAcknowledge, flagHasAttributes] = [1, 4, 0x200]
const headerBytes = 16
/** struct nlmsgerr: errno and the header of the request. */
const errorBytes = 4 + headerBytes
const attributeMessage = 1
const receiveBytes = 1 << 16

/** One request on a socket of its own, in the thread's network namespace. Throws `kernel_call` if there is no netlink. */
export function routeRequest(type: number, flags: number, body: Buffer): Answer {
  const libc = openLibc()
  const fd = libc.socket(familyNetlink, rawCloseOnExec, routeProtocol)
  if (fd < 0) throw callRefused('opening a netlink socket', lastError())
  try {
    const on = Buffer.from([1, 0, 0, 0])
    libc.setsockopt(fd, levelNetlink, cappedAcknowledgement, on, on.length)
    libc.setsockopt(fd, levelNetlink, extendedAcknowledgement, on, on.length)
    const message = Buffer.concat([Buffer.alloc(headerBytes), body])
    message.writeUInt32LE(message.length, 0)
    message.writeUInt16LE(type, 4)
    message.writeUInt16LE(flags | flagRequest | flagAcknowledge, 6)
    if (libc.send(fd, message, message.length, 0) < 0) {
      throw callRefused('sending a netlink message', lastError())
    }
    return receive(fd)
  } finally {
    closeDescriptor(fd)
  }
}

/** The kernel has answered before it returned from sending, or goes on with a dump at each call: nothing waits. */
function receive(fd: number): Answer {
  const bodies: Buffer[] = []
  const buffer = Buffer.alloc(receiveBytes)
  for (;;) {
    const got = openLibc().recv(fd, buffer, buffer.length, 0)
    if (got < 0) {
      if (koffi.errno() === constants.errno.EINTR) continue
      throw callRefused('receiving a netlink message', lastError())
    }
    for (let offset = 0; offset + headerBytes <= got; ) {
      const length = buffer.readUInt32LE(offset)
      const type = buffer.readUInt16LE(offset + 4)
      const flags = buffer.readUInt16LE(offset + 6)
      const body = Buffer.from(buffer.subarray(offset + headerBytes, offset + length))
      if (type === typeError || type === typeDone) {
        const errno = body.length >= 4 ? -body.readInt32LE(0) : 0
        const said = (flags & flagHasAttributes) !== 0 ? readWords(body, type) : ''
        return { errno, said, bodies }
      }
      bodies.push(body)
      offset += (length + 3) & ~3
    }
  }
}

function readWords(body: Buffer, type: number): string {
  const words = readAttributes(body, type === typeError ? errorBytes : 4).get(attributeMessage)
  return words === undefined ? '' : cString(words, 0)
}

/** One attribute, padded. */
export function attribute(type: number, payload: Uint8Array | string | number): Buffer {
  const octets = octetsOf(payload)
  const whole = Buffer.alloc((4 + octets.length + 3) & ~3)
  whole.writeUInt16LE(4 + octets.length, 0)
  whole.writeUInt16LE(type, 2)
  whole.set(octets, 4)
  return whole
}

/** Numbers are u32, texts end with a zero. */
function octetsOf(payload: Uint8Array | string | number): Uint8Array {
  if (typeof payload === 'string') return Buffer.from(`${payload}\0`)
  if (typeof payload !== 'number') return payload
  const octets = Buffer.alloc(4)
  octets.writeUInt32LE(payload >>> 0)
  return octets
}

const typeMask = 0x3fff

/** Attributes of a body from `start` on, by type. What is cut off is left out. */
export function readAttributes(body: Buffer, start: number): ReadonlyMap<number, Buffer> {
  const found = new Map<number, Buffer>()
  for (let offset = start; offset + 4 <= body.length; ) {
    const length = body.readUInt16LE(offset)
    if (length < 4 || offset + length > body.length) break
    found.set(body.readUInt16LE(offset + 2) & typeMask, body.subarray(offset + 4, offset + length))
    offset += (length + 3) & ~3
  }
  return found
}
