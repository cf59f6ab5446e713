// The generated layout of a socket_record under the names the hot loops use: indexes of u32 words, shorts
// and octets within one record.

import {
  socketRecordByte as byte,
  socketRecordWord as kernelWord,
  ownerSource,
  socketFlag,
  socketKind,
  socketRecordBytes,
  socketRole,
} from '../../kernel/mod.ts'

/** The source whose records these are. */
export const recordSource = 'socket'

/** Octets and u32 words of one record. */
export const recordOctets = socketRecordBytes
export const recordWords = recordOctets / 4

export const word = {
  time: kernelWord.time_ns,
  start: kernelWord.start_ns,
  cookie: kernelWord.cookie,
  cgroup: kernelWord.cgroup_id,
  sent: kernelWord.sent_bytes,
  received: kernelWord.received_bytes,
  segsOut: kernelWord.segs_out,
  segsIn: kernelWord.segs_in,
  retransmits: kernelWord.retransmits,
  srtt: kernelWord.srtt_us,
  rttMin: kernelWord.rtt_min_us,
  initiatorSeq: kernelWord.initiator_seq,
  responderSeq: kernelWord.responder_seq,
  netns: kernelWord.netns,
  tgid: kernelWord.tgid,
  uid: kernelWord.uid,
  handshake: kernelWord.handshake_us,
  local: kernelWord.local,
  remote: kernelWord.remote,
  comm: kernelWord.comm,
  interface: kernelWord.interface,
} as const

export const short = {
  localPort: byte.local_port / 2,
  remotePort: byte.remote_port / 2,
  error: byte.error / 2,
} as const

export const octet = {
  kind: byte.kind,
  role: byte.role,
  state: byte.state,
  ownerSource: byte.owner_source,
  flags: byte.flags,
  local: byte.local,
  remote: byte.remote,
} as const

/** The owner source within its word: which word, and how far up. */
export const ownerSourceWord = byte.owner_source >> 2
export const ownerSourceShift = (byte.owner_source & 3) * 8

export const roles = {
  unknown: socketRole.UNKNOWN,
  initiator: socketRole.INITIATOR,
  responder: socketRole.RESPONDER,
} as const
export const kinds = { live: socketKind.LIVE, closed: socketKind.CLOSED } as const
export const roleSeen = socketFlag.ROLE_SEEN

/** From here up a source is the kernel's own last word, not a guess to be kept. */
export const ownerIo = ownerSource.IO
