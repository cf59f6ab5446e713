// Generated from the BTF of kernel/build/flow.bpf.o by tools/generate.ts. Do not edit.
// Names and meanings: kernel/probes/flow/flow_record.h.

/** Size of one record in octets; always whole u32 words. */
export const flowRecordBytes = 88

/** Where each member begins, in octets from the start of the record. */
export const flowRecordByte = {
  src: 0,
  dst: 16,
  src_port: 32,
  dst_port: 34,
  interface: 36,
  protocol: 40,
  family: 41,
  direction: 42,
  fault: 43,
  flags: 44,
  bytes: 48,
  packets: 56,
  frames: 64,
  first_ns: 72,
  last_ns: 80,
} as const

/** The same in u32 words, for members that are whole words; 64-bit ones: low word first. */
export const flowRecordWord = {
  src: 0,
  dst: 4,
  interface: 9,
  flags: 11,
  bytes: 12,
  packets: 14,
  frames: 16,
  first_ns: 18,
  last_ns: 20,
} as const

/** Value of `direction`. */
export const flowDirection = {
  NONE: 0,
  INGRESS: 1,
  EGRESS: 2,
  FORWARD: 3,
} as const

/** Bits of `flags` above those of TCP. */
export const flowFlag = {
  SYN: 256,
  SYN_ACK: 512,
  REMAINDER: 1024,
  FORWARDED: 2048,
} as const

/** Value of `fault`: why a packet is not counted as IP. */
export const packetFault = {
  GOOD: 0,
  NOT_IP: 1,
  CUT_LINK: 2,
  CUT_IP: 3,
  VERSION: 4,
  LENGTH: 5,
  TOO_DEEP: 6,
  LINK_UNKNOWN: 7,
  FAULT_COUNT: 8,
} as const

/** What the programs count, in the order of the map: kernel/probes/flow/counters.h. */
export const flowCounterNames = [
  'seen',
  'sampled_out',
  'counted',
  'lost',
  'unlisted',
  'opened',
  'taken',
  'unseen',
  'excess',
  'xdp_dropped',
] as const
