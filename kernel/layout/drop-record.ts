// Generated from the BTF of kernel/build/drop.bpf.o by tools/generate.ts. Do not edit.
// Names and meanings: kernel/probes/drop/drop_record.h.

/** Size of one record in octets; always whole u32 words. */
export const dropRecordBytes = 136

/** Where each member begins, in octets from the start of the record. */
export const dropRecordByte = {
  source: 0,
  destination: 16,
  location: 32,
  netns: 40,
  reason: 44,
  source_port: 48,
  destination_port: 50,
  kind: 52,
  protocol: 53,
  link_protocol: 54,
  count: 56,
  bytes: 64,
  first_ns: 72,
  last_ns: 80,
  cookie: 88,
  cgroup_id: 96,
  packet_bytes: 104,
  interface_index: 108,
  tcp_flags: 112,
  flags: 113,
  interface: 120,
} as const

/** The same in u32 words, for members that are whole words; 64-bit ones: low word first. */
export const dropRecordWord = {
  source: 0,
  destination: 4,
  location: 8,
  netns: 10,
  reason: 11,
  count: 14,
  bytes: 16,
  first_ns: 18,
  last_ns: 20,
  cookie: 22,
  cgroup_id: 24,
  packet_bytes: 26,
  interface_index: 27,
  interface: 30,
} as const

/** Value of `kind`. */
export const dropKind = {
  PACKET: 1,
  RETRANSMIT: 2,
  RESET_SENT: 3,
  RESET_RECEIVED: 4,
} as const

/** Bits of `flags`. */
export const dropFlag = {
  OUTGOING: 1,
  FROM_LOCAL: 2,
} as const

/** What the programs count, in the order of the map: kernel/probes/drop/counters.h. */
export const dropCounterNames = [
  'seen',
  'filtered',
  'recorded',
  'map_full',
  'ignored',
  'taken_over',
  'interrupted',
  'taken',
] as const
