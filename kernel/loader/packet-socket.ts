// Whole frames of an interface, both directions, through the ring of a packet socket (PACKET_RX_RING, TPACKET_V3). It
// takes CAP_NET_RAW alone, changes nothing on the interface, and the kernel counts what it had no room for. A frame that
// is sent is seen before segmentation offload cuts it, as every such tool sees it.
//
//   block  u32 version | u32 | u32 status | u32 packets | u32 first | …      status 1 = ours, 0 = the kernel's
//   frame  u32 next | u32 s | u32 ns | u32 held | u32 length | u32 status | u16 mac | … | u32 tag | u16 its type
//          at 48: sockaddr_ll, its packet type at 10
// Source: include/uapi/linux/if_packet.h, Documentation/networking/packet_mmap.rst.

import koffi from 'koffi'
import { atInterface, type InterfacePlace } from './attach/interface.ts'
import { memory, writeAddress } from './bpf-call.ts'
import { fail } from './errors.ts'
import { closeDescriptor, errorText, lastErrno, openLibc } from './library.ts'
import { mapDescriptor, protection } from './mapping.ts'

/** One frame; `octets` is valid during the call only. */
export interface CapturedFrame {
  /** Seconds since 1970, and nanoseconds within the second. */
  readonly seconds: number
  readonly nanoseconds: number
  /** On the wire, with a tag that the driver took off. */
  readonly length: number
  readonly isSent: boolean
  /** What was kept of it. */
  readonly octets: Uint8Array
}

export interface PacketSocket {
  /** 1 = Ethernet, 65534 = IP at once (ARPHRD_*). */
  readonly linkType: number
  /** Hands over whole blocks of frames; returns how many frames there were. */
  drain(sink: (frame: CapturedFrame) => void): number
  /** Since the begin: frames that came, and of these those that the kernel had no room for. */
  counts(): { readonly seen: number; readonly dropped: number }
  /** From now on no frame comes; those that came are still to be drained, at the latest when a block is handed over. */
  halt(): void
  close(): void
}

/** A bound socket; its descriptor may be used by every thread. */
export interface BoundSocket {
  readonly fd: number
  readonly linkType: number
  readonly index: number
}

const [familyPacket, rawCloseOnExec] = [17, 3 | 0x80000]
const levelPacket = 263
const option = { ring: 5, statistics: 6, version: 10 } as const
const [levelSocket, attachFilter] = [1, 26]
const version3 = 2
const everyProtocol = 3
const [arphrdEthernet, arphrdLoopback, arphrdNone] = [1, 772, 65_534]
const blockBytes = 1 << 20
const blocks = 16
const frameBytes = 2048
/** A block that is not full is handed over after so long. */
const retireMs = 20
const head = { status: 8, packets: 12, first: 16 } as const
const frameHead = {
  next: 0,
  seconds: 4,
  nanoseconds: 8,
  held: 12,
  length: 16,
  status: 20,
  mac: 24,
  tag: 32,
  tagType: 36,
  packetType: 58,
} as const
const status = { user: 1, tagged: 1 << 4, tagTyped: 1 << 6 } as const
const outgoing = 4
const [tagAt, tagBytes] = [12, 4]
const ethernetVlan = 0x8100

/**
 * Opens a socket on an interface; `snap` octets of each frame are kept, 0 = all. Synchronous; only worker threads enter
 * another network namespace. Throws `interface_missing`, `not_permitted`, `capture_link`.
 */
export function bindPacketSocket(place: InterfacePlace, snap: number): BoundSocket {
  return atInterface(place, ({ index, name, linkType }) => {
    if (![arphrdEthernet, arphrdLoopback, arphrdNone].includes(linkType)) {
      throw fail('capture_link', { details: { interface: name, type: linkType } })
    }
    const fd = openLibc().socket(familyPacket, rawCloseOnExec, 0)
    if (fd < 0) throw refused('opening a packet socket')
    try {
      set(fd, levelPacket, option.version, Uint32Array.of(version3))
      const shape = [blockBytes, blocks, frameBytes, (blockBytes / frameBytes) * blocks]
      set(fd, levelPacket, option.ring, Uint32Array.of(...shape, retireMs, 0, 0))
      if (snap > 0) keepOnly(fd, snap)
      bind(fd, index, everyProtocol)
    } catch (error) {
      closeDescriptor(fd)
      throw error
    }
    return { fd, index, linkType: linkType === arphrdNone ? arphrdNone : arphrdEthernet }
  })
}

/** A filter of one instruction: return so many octets. */
function keepOnly(fd: number, snap: number): void {
  const program = memory(8)
  program.writeUInt16LE(0x06, 0)
  program.writeUInt32LE(snap, 4)
  const value = memory(16)
  value.writeUInt16LE(1, 0)
  writeAddress(value, 8, program)
  set(fd, levelSocket, attachFilter, value)
}

/** Protocol 0 listens to nothing. */
function bind(fd: number, index: number, protocol: number): void {
  const address = Buffer.alloc(20)
  address.writeUInt16LE(familyPacket, 0)
  address.writeUInt16BE(protocol, 2)
  address.writeInt32LE(index, 4)
  if (openLibc().bind(fd, address, address.length) !== 0) throw refused('binding a packet socket')
}

function set(fd: number, level: number, name: number, value: Uint8Array | Uint32Array): void {
  const octets = new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
  if (openLibc().setsockopt(fd, level, name, octets, octets.length) === 0) return
  throw refused('setting up a packet socket')
}

function refused(what: string): Error {
  const errno = lastErrno()
  if (errno === 1) return fail('not_permitted', { details: { what, missing: 'CAP_NET_RAW' } })
  return fail('kernel_call', { details: { what, reason: errorText(errno) } })
}

/** Maps the ring of a bound socket, and closes that with itself. */
export function openPacketSocket({ fd, linkType, index }: BoundSocket): PacketSocket {
  const size = blockBytes * blocks
  const what = 'the ring of a packet socket'
  const address = mapDescriptor(fd, { size, protection: protection.readWrite, offset: 0, what })
  const memoryOfRing = koffi.view(address, size)
  const octets = new Uint8Array(memoryOfRing)
  const words = new Uint32Array(memoryOfRing)
  const view = new DataView(memoryOfRing)
  let block = 0
  let before = { seen: 0, dropped: 0 }

  function drain(sink: (frame: CapturedFrame) => void): number {
    let frames = 0
    for (let turn = 0; turn < blocks; turn++) {
      const from = block * blockBytes
      const statusWord = (from + head.status) / 4
      if ((Atomics.load(words, statusWord) & status.user) === 0) return frames
      const count = view.getUint32(from + head.packets, true)
      let at = from + view.getUint32(from + head.first, true)
      for (let index = 0; index < count; index++) {
        sink(frameAt(view, octets, at))
        at += view.getUint32(at + frameHead.next, true)
      }
      frames += count
      Atomics.store(words, statusWord, 0)
      block = (block + 1) % blocks
    }
    return frames
  }

  /** The kernel counts from the last question on. */
  function counts() {
    const value = Buffer.alloc(12)
    const length = Buffer.alloc(4)
    length.writeInt32LE(value.length)
    if (openLibc().getsockopt(fd, levelPacket, option.statistics, value, length) === 0) {
      const [seen, dropped] = [value.readUInt32LE(0), value.readUInt32LE(4)]
      before = { seen: before.seen + seen, dropped: before.dropped + dropped }
    }
    return before
  }

  return {
    linkType,
    drain,
    counts,
    halt: () => bind(fd, index, 0),
    close: () => {
      openLibc().munmap(address, size)
      closeDescriptor(fd)
    },
  }
}

function frameAt(view: DataView, octets: Uint8Array, at: number): CapturedFrame {
  const word = (from: number) => view.getUint32(at + from, true)
  const begin = at + view.getUint16(at + frameHead.mac, true)
  const held = octets.subarray(begin, begin + word(frameHead.held))
  const state = word(frameHead.status)
  const isTagged = (state & status.tagged) !== 0 && held.length >= tagAt
  const isTyped = (state & status.tagTyped) !== 0
  const type = isTyped ? view.getUint16(at + frameHead.tagType, true) : ethernetVlan
  return {
    seconds: word(frameHead.seconds),
    nanoseconds: word(frameHead.nanoseconds),
    length: word(frameHead.length) + (isTagged ? tagBytes : 0),
    isSent: octets[at + frameHead.packetType] === outgoing,
    octets: isTagged ? withTag(held, type, word(frameHead.tag) & 0xffff) : held,
  }
}

/** The kernel keeps the outermost tag beside the frame. */
function withTag(held: Uint8Array, type: number, tag: number): Uint8Array {
  const whole = Buffer.alloc(held.length + tagBytes)
  whole.set(held.subarray(0, tagAt))
  whole.writeUInt16BE(type, tagAt)
  whole.writeUInt16BE(tag, tagAt + 2)
  whole.set(held.subarray(tagAt), tagAt + tagBytes)
  return whole
}
