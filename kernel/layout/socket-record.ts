// Generated from the BTF of kernel/build/socket.bpf.o by tools/generate.ts. Do not edit.
// Names and meanings: kernel/probes/socket/socket_record.h.

/** Size of one record in octets; always whole u32 words. */
export const socketRecordBytes = 168

/** Where each member begins, in octets from the start of the record. */
export const socketRecordByte = {
  time_ns: 0,
  start_ns: 8,
  cookie: 16,
  cgroup_id: 24,
  sent_bytes: 32,
  received_bytes: 40,
  segs_out: 48,
  segs_in: 52,
  retransmits: 56,
  srtt_us: 60,
  rtt_min_us: 64,
  initiator_seq: 68,
  responder_seq: 72,
  netns: 76,
  tgid: 80,
  uid: 84,
  local_port: 88,
  remote_port: 90,
  error: 92,
  kind: 94,
  role: 95,
  state: 96,
  owner_source: 97,
  flags: 98,
  handshake_us: 100,
  local: 104,
  remote: 120,
  comm: 136,
  interface: 152,
} as const

/** The same in u32 words, for members that are whole words; 64-bit ones: low word first. */
export const socketRecordWord = {
  time_ns: 0,
  start_ns: 2,
  cookie: 4,
  cgroup_id: 6,
  sent_bytes: 8,
  received_bytes: 10,
  segs_out: 12,
  segs_in: 13,
  retransmits: 14,
  srtt_us: 15,
  rtt_min_us: 16,
  initiator_seq: 17,
  responder_seq: 18,
  netns: 19,
  tgid: 20,
  uid: 21,
  handshake_us: 25,
  local: 26,
  remote: 30,
  comm: 34,
  interface: 38,
} as const

/** Value of `kind`. */
export const socketKind = {
  LIVE: 1,
  CLOSED: 2,
} as const

/** Value of `role`: who sent the first SYN. */
export const socketRole = {
  UNKNOWN: 0,
  INITIATOR: 1,
  RESPONDER: 2,
} as const

/** Value of `owner_source`; larger is better knowledge. */
export const ownerSource = {
  NONE: 0,
  LISTENER: 1,
  CONNECT: 2,
  HOLDER: 3,
  IO: 4,
  CLOSE: 5,
} as const

/** Bits of `flags`. */
export const socketFlag = {
  ROLE_SEEN: 1,
  SHARED: 2,
} as const

/** Value of `state`. */
export const tcpState = {
  ESTABLISHED: 1,
  SYN_SENT: 2,
  SYN_RECV: 3,
  FIN_WAIT1: 4,
  FIN_WAIT2: 5,
  TIME_WAIT: 6,
  CLOSE: 7,
  CLOSE_WAIT: 8,
  LAST_ACK: 9,
  LISTEN: 10,
  CLOSING: 11,
  NEW_SYN_RECV: 12,
} as const

/** What the programs count, in the order of the map: kernel/probes/socket/counters.h. */
export const counterNames = [
  'seen',
  'filtered',
  'closed',
  'lost_ring',
  'recovered',
  'lost_storage',
  'dumped',
  'dump_filtered',
  'conditions_full',
  'unreported',
] as const
