// Socket records by the same offsets as the kernel writes them, for tests without a kernel.

import { parseAddress } from '../../wire/mod.ts'
import { kinds, octet, recordOctets, recordWords, roles, short, word } from './record.ts'

/** One end of a connection; what is left out is 0. Times are boot nanoseconds. */
export interface FakeSocket {
  readonly kind?: keyof typeof kinds
  readonly time?: number
  readonly start?: number
  readonly cookie: number
  readonly cgroup?: number
  readonly sent?: number
  readonly received?: number
  readonly segsOut?: number
  readonly segsIn?: number
  readonly retransmits?: number
  readonly srtt?: number
  readonly rttMin?: number
  readonly pair?: readonly [number, number]
  readonly netns?: number
  readonly tgid?: number
  readonly uid?: number
  readonly error?: number
  readonly role?: keyof typeof roles
  readonly state?: number
  readonly ownerSource?: number
  readonly flags?: number
  /** `address port` of both sides. */
  readonly local?: readonly [string, number]
  readonly remote?: readonly [string, number]
  readonly comm?: string
  readonly interface?: string
}

/** Whole records, aligned, as a snapshot or the ring gives them. */
export function fakeRecords(sockets: readonly FakeSocket[]): Uint32Array<ArrayBuffer> {
  const words = new Uint32Array(sockets.length * recordWords)
  for (const [index, socket] of sockets.entries()) {
    writeNumbers(words.subarray(index * recordWords), socket)
    writeOctets(new Uint8Array(words.buffer, index * recordOctets, recordOctets), socket)
  }
  return words
}

function writeNumbers(words: Uint32Array, socket: FakeSocket): void {
  const pair = (at: number, value = 0) => {
    words[at] = value >>> 0
    words[at + 1] = Math.floor(value / 0x1_0000_0000)
  }
  pair(word.time, socket.time)
  pair(word.start, socket.start)
  pair(word.cookie, socket.cookie)
  pair(word.cgroup, socket.cgroup)
  pair(word.sent, socket.sent)
  pair(word.received, socket.received)
  words[word.segsOut] = socket.segsOut ?? 0
  words[word.segsIn] = socket.segsIn ?? 0
  words[word.retransmits] = socket.retransmits ?? 0
  words[word.srtt] = socket.srtt ?? 0
  words[word.rttMin] = socket.rttMin ?? 0
  words[word.initiatorSeq] = socket.pair?.[0] ?? 0
  words[word.responderSeq] = socket.pair?.[1] ?? 0
  words[word.netns] = socket.netns ?? 1
  words[word.tgid] = socket.tgid ?? 0
  words[word.uid] = socket.uid ?? 0
}

function writeOctets(octets: Uint8Array, socket: FakeSocket): void {
  const shorts = new Uint16Array(octets.buffer, octets.byteOffset, recordOctets / 2)
  const [local, localPort] = socket.local ?? ['::', 0]
  const [remote, remotePort] = socket.remote ?? ['::', 0]
  shorts[short.localPort] = localPort
  shorts[short.remotePort] = remotePort
  shorts[short.error] = socket.error ?? 0
  octets[octet.kind] = kinds[socket.kind ?? 'live']
  octets[octet.role] = roles[socket.role ?? 'unknown']
  octets[octet.state] = socket.state ?? 1
  octets[octet.ownerSource] = socket.ownerSource ?? 0
  octets[octet.flags] = socket.flags ?? 0
  octets.set(parseAddress(local) as Uint8Array, octet.local)
  octets.set(parseAddress(remote) as Uint8Array, octet.remote)
  octets.set(Buffer.from(socket.comm ?? '').subarray(0, 15), word.comm * 4)
  octets.set(Buffer.from(socket.interface ?? '').subarray(0, 15), word.interface * 4)
}
