// Generated from the BTF of kernel/build/xdp.bpf.o by tools/generate.ts. Do not edit.
// Names and meanings: kernel/probes/xdp/xdp_record.h.

/** Size of one record in octets; always whole u32 words. */
export const xdpEventBytes = 2168

/** Where each member begins, in octets from the start of the record. */
export const xdpEventByte = {
  time_ns: 0,
  ifindex: 8,
  queue: 12,
  label: 16,
  rule: 20,
  frame_bytes: 24,
  bytes: 28,
  sample_bytes: 32,
  every: 36,
  src: 40,
  dst: 56,
  src_port: 72,
  dst_port: 74,
  ether_type: 76,
  family: 78,
  protocol: 79,
  action: 80,
  flags: 81,
  fault: 82,
  tcp_flags: 83,
  epoch: 84,
  pid: 88,
  cpu: 92,
  ip_offset: 96,
  vlan: 98,
  icmp_type: 100,
  icmp_code: 101,
  generation: 102,
  comm: 104,
  sample: 120,
} as const

/** The same in u32 words, for members that are whole words; 64-bit ones: low word first. */
export const xdpEventWord = {
  time_ns: 0,
  ifindex: 2,
  queue: 3,
  label: 4,
  rule: 5,
  frame_bytes: 6,
  bytes: 7,
  sample_bytes: 8,
  every: 9,
  src: 10,
  dst: 14,
  epoch: 21,
  pid: 22,
  cpu: 23,
  comm: 26,
  sample: 30,
} as const

/** Bits of `flags`. */
export const xdpEventFlag = {
  SHADOW: 1,
  PROTECTED: 2,
  BANNED: 4,
  FRAGMENT: 8,
  MATCHED: 16,
} as const

/** Bits of a rule’s `flags`. */
export const xdpRuleFlag = {
  PROTOCOL: 1,
  PORTS: 2,
  SOURCE_PORTS: 4,
  SHADOW: 8,
  BYTES: 16,
  INTERFACE: 32,
  SIX: 64,
} as const

/** Which packets a reader gets. */
export const xdpWant = {
  ALL: 1,
  LABELLED: 2,
  DROPPED: 4,
  TASK: 8,
  HITS: 16,
} as const

/** What the programs count, in the order of the map: kernel/probes/xdp/xdp_record.h. */
export const xdpCounterNames = [
  'seen',
  'passed',
  'dropped',
  'not_ip',
  'matched',
  'protected',
  'read',
  'unwanted',
  'sampled',
  'reported',
  'lost_ring',
  'hits_full',
  'limits_full',
] as const
