// Where the members of a socket_record stand, as word (u32), short (u16) and octet indexes.

/** Octets and u32 words of one record. */
export const recordOctets = 168
export const recordWords = recordOctets / 4

export const word = {
  time: 0,
  start: 2,
  cookie: 4,
  cgroup: 6,
  sent: 8,
  received: 10,
  segsOut: 12,
  segsIn: 13,
  retransmits: 14,
  srtt: 15,
  rttMin: 16,
  initiatorSeq: 17,
  responderSeq: 18,
  netns: 19,
  tgid: 20,
  uid: 21,
  /** The word that holds owner source, state and flags together. */
  state: 24,
  local: 26,
  remote: 30,
  comm: 34,
  interface: 38,
} as const

export const short = { localPort: 44, remotePort: 45, error: 46 } as const

export const octet = {
  kind: 94,
  role: 95,
  state: 96,
  ownerSource: 97,
  flags: 98,
  local: 104,
  remote: 120,
} as const

export const roles = { unknown: 0, initiator: 1, responder: 2 } as const
export const kinds = { live: 1, closed: 2 } as const
export const roleSeen = 1
