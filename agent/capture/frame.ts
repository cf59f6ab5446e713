// What a captured frame carries, read where it lies: Ethernet with tags, or IP at once; IPv4, IPv6 with extension headers;
// TCP, UDP, ICMP. The same fields that kernel/include/packet.h gives to the programs, for frames that user space has.

/** 16 octets each, IPv4 as `::ffff:a.b.c.d`; zeroes and 0 for what the frame does not have. */
export interface FrameFields {
  etherType: number
  /** Outermost; -1 = no tag. */
  vlan: number
  /** 4, 6, 0 = no IP packet. */
  family: number
  protocol: number
  readonly source: Uint8Array
  readonly destination: Uint8Array
  /** -1 for protocols without ports, and for fragments behind the first. */
  sourcePort: number
  destinationPort: number
  tcpFlags: number
  /** -1 if it is no ICMP message. */
  icmpType: number
  icmpCode: number
  /** L3. */
  bytes: number
}

const etherType = { ipv4: 0x0800, ipv6: 0x86dd, vlan: 0x8100, qinq: 0x88a8, qinqOld: 0x9100 }
const [icmp, tcp, udp, icmpv6, sctp] = [1, 6, 17, 58, 132]
const withPorts = new Set([tcp, udp, 33, sctp, 136])
/** Hop-by-hop, routing, destination options, mobility: each says its length in words of 8 octets. */
const extensions = new Set([0, 43, 60, 135])
const [fragmentHeader, authentication] = [44, 51]
const tagsMax = 4
const extensionsMax = 8

/** Memory for one frame after the other. */
export function createFrameFields(): FrameFields {
  return { ...emptied, source: new Uint8Array(16), destination: new Uint8Array(16) }
}

const emptied = {
  etherType: 0,
  vlan: -1,
  family: 0,
  protocol: 0,
  sourcePort: -1,
  destinationPort: -1,
  tcpFlags: 0,
  icmpType: -1,
  icmpCode: -1,
  bytes: 0,
}

/** `length` is that on the wire; `octets` may be cut. `isEthernet` false = IP at once. */
export function readFrame(
  octets: Uint8Array,
  length: number,
  isEthernet: boolean,
  into: FrameFields,
): void {
  Object.assign(into, emptied)
  into.source.fill(0)
  into.destination.fill(0)
  const view = new DataView(octets.buffer, octets.byteOffset, octets.length)
  const begin = isEthernet ? readLink(view, into) : readVersion(view, into)
  into.bytes = Math.max(0, length - begin)
  if (into.etherType === etherType.ipv4) readIpv4(view, begin, into)
  else if (into.etherType === etherType.ipv6) readIpv6(view, begin, into)
}

function readLink(view: DataView, into: FrameFields): number {
  if (view.byteLength < 14) return view.byteLength
  let at = 12
  let type = view.getUint16(at)
  for (let tags = 0; isTag(type) && tags < tagsMax && at + 6 <= view.byteLength; tags++) {
    if (into.vlan < 0) into.vlan = view.getUint16(at + 2) & 0xfff
    at += 4
    type = view.getUint16(at)
  }
  into.etherType = type
  return at + 2
}

function isTag(type: number): boolean {
  return type === etherType.vlan || type === etherType.qinq || type === etherType.qinqOld
}

function readVersion(view: DataView, into: FrameFields): number {
  const version = view.byteLength > 0 ? view.getUint8(0) >> 4 : 0
  into.etherType = version === 4 ? etherType.ipv4 : version === 6 ? etherType.ipv6 : 0
  return 0
}

function readIpv4(view: DataView, at: number, into: FrameFields): void {
  if (at + 20 > view.byteLength || view.getUint8(at) >> 4 !== 4) return
  const headBytes = (view.getUint8(at) & 0xf) * 4
  if (headBytes < 20) return
  into.family = 4
  into.protocol = view.getUint8(at + 9)
  // 0 = segmentation offload has not cut it yet: the frame's own length says it.
  into.bytes = view.getUint16(at + 2) || into.bytes
  for (const [end, from] of [
    [into.source, at + 12],
    [into.destination, at + 16],
  ] as const) {
    end.set([0xff, 0xff], 10)
    for (let index = 0; index < 4; index++) end[12 + index] = view.getUint8(from + index)
  }
  const isLaterFragment = (view.getUint16(at + 6) & 0x1fff) !== 0
  if (!isLaterFragment) readUpper(view, at + headBytes, into)
}

function readIpv6(view: DataView, at: number, into: FrameFields): void {
  if (at + 40 > view.byteLength || view.getUint8(at) >> 4 !== 6) return
  into.family = 6
  const payload = view.getUint16(at + 4)
  if (payload > 0) into.bytes = 40 + payload
  for (let index = 0; index < 16; index++) {
    into.source[index] = view.getUint8(at + 8 + index)
    into.destination[index] = view.getUint8(at + 24 + index)
  }
  let [next, from] = [view.getUint8(at + 6), at + 40]
  for (let step = 0; step < extensionsMax && from + 8 <= view.byteLength; step++) {
    if (next === fragmentHeader) {
      const isLater = (view.getUint16(from + 2) & 0xfff8) !== 0
      ;[next, from] = [view.getUint8(from), from + 8]
      into.protocol = next
      if (isLater) return
    } else if (extensions.has(next)) {
      ;[next, from] = [view.getUint8(from), from + (view.getUint8(from + 1) + 1) * 8]
    } else if (next === authentication) {
      ;[next, from] = [view.getUint8(from), from + (view.getUint8(from + 1) + 2) * 4]
    } else break
  }
  into.protocol = next
  readUpper(view, from, into)
}

function readUpper(view: DataView, at: number, into: FrameFields): void {
  const { protocol } = into
  if (withPorts.has(protocol) && at + 4 <= view.byteLength) {
    into.sourcePort = view.getUint16(at)
    into.destinationPort = view.getUint16(at + 2)
    if (protocol === tcp && at + 14 <= view.byteLength) into.tcpFlags = view.getUint8(at + 13)
  } else if ((protocol === icmp || protocol === icmpv6) && at + 2 <= view.byteLength) {
    into.icmpType = view.getUint8(at)
    into.icmpCode = view.getUint8(at + 1)
  }
}
