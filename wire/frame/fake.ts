// A few rows with every kind of value, its extremes and nulls: what golden frames and the oracle are made of.

import { appendRow, type RowValues } from '../model/append.ts'
import { type Batch, createBatch } from '../model/columns.ts'
import { eventTable } from '../model/event-fields.ts'
import type { Field, Table } from '../model/field.ts'
import { flowTable } from '../model/flow-fields.ts'
import { ledgerTable } from '../model/ledger-fields.ts'
import { programTable } from '../model/program-fields.ts'

const time = 1_763_706_600_123_456_789n

const loopback: RowValues = {
  time,
  start: time - 5_000_000_001n,
  end: time - 1n,
  node: 'vm-1',
  view: 'socket',
  observer: 'both',
  counted: true,
  protocol: 'tcp',
  src_address: '127.0.0.1',
  src_port: 43_884,
  dst_address: '127.0.0.1',
  dst_port: 65_535,
  bytes: 1_000_000,
  packets: 700,
  reverse_bytes: 4_294_967_296,
  reverse_packets: 4_294_967_295,
  retransmits: 3,
  reverse_retransmits: 0,
  total_bytes: 9_007_199_254_740_991,
  total_reverse_bytes: 4_294_967_296,
  rtt_ns: 51_000,
  rtt_min_ns: 12_000,
  state: 'closed',
  end_reason: 'closed',
  direction_known: true,
  opened: 1,
  connection_id: 18_446_744_073_709_551_615n,
  interface: 'lo',
  direction: 'sent',
  path: ['lo', "n\tg'i\\n x"],
  tcp_flags: 'PAS',
  reverse_tcp_flags: 'AF',
  first_packet: time - 3n,
  last_packet: time - 2n,
  sampling: 4_294_967_295,
  src_process: 'curl',
  src_pid: 4_294_967_295,
  src_uid: 1000,
  src_netns: 4_026_531_840,
  src_cgroup_id: 4_294_967_297n,
  src_process_source: 'io',
  src_unit: 'user@1000.service',
  dst_process: "n\tg'i\\n x\u0000\u202e",
  dst_pid: 1,
  dst_uid: 0,
  dst_netns: 4_026_531_840,
  dst_cgroup_id: 1n,
  dst_process_source: 'close',
  dst_container: '3f4e'.repeat(16),
  src_node: 'vm-1',
  dst_node: 'vm-1',
  src_workload: 'user@1000.service',
  dst_namespace: 'shop',
  dst_pod: 'cart-7d9f',
  dst_workload: 'cart',
}

const refused: RowValues = {
  time,
  start: time - 2n,
  end: time - 1n,
  node: 'vm-1',
  view: 'socket',
  observer: 'src',
  protocol: 'tcp',
  src_address: '2001:db8::1',
  src_port: 40_000,
  dst_address: '2001:db8:0:1::ffff',
  dst_port: 81,
  retransmits: 1,
  state: 'closed',
  end_reason: 'refused',
  errno: 'ECONNREFUSED',
  direction_known: true,
  opened: 1,
  connection_id: 7n,
  src_process: 'curl',
  src_pid: 77,
}

/** Rows as given to the encoder; what the oracle must read back. */
export const fakeFlowRows: readonly RowValues[] = [
  loopback,
  refused,
  { ...loopback, start: null, end: null, state: 'established', end_reason: '', src_uid: null },
]

export const fakeLedgerRows: readonly RowValues[] = [
  {
    time,
    start: time - 5_000_000_000n,
    node: 'vm-1',
    stage: 'hook',
    probe: 'socket',
    unit: 'records',
    entered: 12,
  },
  { time, start: time - 1n, node: 'vm-1', stage: 'hook', unit: 'records', cause: 'ring', lost: 2 },
]

export const fakeProgramRows: readonly RowValues[] = [
  {
    time,
    node: 'vm-1',
    probe: 'socket',
    program: 'socket_state',
    hook: 'tp_btf/inet_sock_set_state',
    state: 'ready',
    program_id: 4_294_967_295,
    runs: 9_007_199_254_740_991,
    run_time_ns: 12_345,
    map_bytes: 4_294_967_296,
  },
  {
    time,
    node: 'vm-1',
    probe: 'socket',
    program: 'socket_send',
    state: 'off',
    reason: 'no "hook"',
  },
]

export const fakeEventRows: readonly RowValues[] = [
  {
    time,
    start: time - 1_000_000n,
    end: time,
    node: 'vm-1',
    kind: 'connection',
    phase: 'attempt',
    observer: 'src',
    protocol: 'tcp',
    src_address: '192.0.2.7',
    src_port: 40_000,
    dst_address: '192.0.2.8',
    dst_port: 5432,
    count: 1,
    result: 'refused',
    errno: 'ECONNREFUSED',
    connection_id: 18_446_744_073_709_551_615n,
    netns: 4_026_531_840,
    src_process: 'psql',
    src_pod: 'psql-0',
    src_pid: 4_294_967_295,
    src_uid: 0,
  },
  {
    time,
    start: null,
    node: 'vm-1',
    kind: 'drop',
    protocol: 'udp',
    src_address: '2001:db8::1',
    src_port: 53,
    dst_address: '2001:db8::2',
    dst_port: 65_535,
    count: 9_007_199_254_740_991,
    bytes: 4_294_967_296,
    packet_size_bytes: 1500,
    reason: 'NO_SOCKET',
    reason_code: 3,
    location: 'udp6_rcv+0x1',
    interface: 'eth0',
    direction: 'received',
    icmp_type: 0,
    ether_type: 34_525,
    vlan: 4094,
    payload: Uint8Array.of(0, 255, 10),
  },
  {
    time,
    node: 'vm-1',
    kind: 'dns',
    dns_name: 'a.example.\u202e\n',
    dns_rcode: 'noerror',
    dns_latency_ns: 12_345,
    dns_retries: 1,
    dns_truncated: true,
    dns_answers: ['192.0.2.1', ''],
  },
]

export function fakeEvents(): Batch {
  return filled(createBatch(eventTable, 4), fakeEventRows)
}

export function fakePrograms(): Batch {
  return filled(createBatch(programTable, 4), fakeProgramRows)
}

export function fakeFlows(): Batch {
  return filled(createBatch(flowTable, 4), fakeFlowRows)
}

export function fakeLedger(): Batch {
  return filled(createBatch(ledgerTable, 4), fakeLedgerRows)
}

const written: Readonly<Record<string, () => Batch>> = {
  flows: fakeFlows,
  ledger: fakeLedger,
  programs: fakePrograms,
  events: fakeEvents,
}

/** Rows of any table: those above, else one with the largest value in every field and one with none. */
export function fakeOf(table: Table): Batch {
  const full = Object.fromEntries(table.fields.map((field) => [field.name, largestOf(field)]))
  return written[table.name]?.() ?? filled(createBatch(table, 2), [full, { time }])
}

function largestOf({ kind, name, values }: Field): RowValues[string] {
  switch (kind) {
    case 'time':
      return time
    case 'name':
    case 'text':
      return values?.at(-1) ?? `${name} é\u202e`
    case 'address':
      return '2001:db8::ffff'
    case 'id':
      return 18_446_744_073_709_551_615n
    case 'octets':
      return Uint8Array.of(0, 255)
    case 'list':
      return [name, '']
    case 'flag':
      return true
    default:
      return { counter: Number.MAX_SAFE_INTEGER, u32: 4_294_967_295, u16: 65_535, u8: 255 }[kind]
  }
}

/** A table with one field of every kind. */
export const kindsTable: Table = {
  name: 'kinds',
  number: 200,
  schema: 1,
  fields: [
    { name: 'time', kind: 'time', codec: 'ZSTD(1)', label: 'Time', help: 'Toy.' },
    { name: 'word', kind: 'name', codec: 'ZSTD(1)', label: 'Word', help: 'Toy.' },
    { name: 'note', kind: 'text', codec: 'ZSTD(1)', label: 'Note', help: 'Toy.' },
    { name: 'sample', kind: 'octets', codec: 'ZSTD(1)', label: 'Sample', help: 'Toy.' },
    { name: 'tags', kind: 'list', codec: 'ZSTD(1)', label: 'Tags', help: 'Toy.' },
    { name: 'comment', kind: 'text', nullable: true, codec: 'ZSTD(1)', label: 'C', help: 'Toy.' },
    { name: 'flag', kind: 'flag', codec: 'ZSTD(1)', label: 'Flag', help: 'Toy.' },
  ],
  derived: [],
  identity: ['word'],
  measured: true,
  partitionBy: 'toDate(time)',
  orderBy: 'time',
}

export const fakeKindsRows: readonly RowValues[] = [
  { time, word: 'a', note: 'one', tags: ['x', '', 'x\ty'], sample: Uint8Array.of(0, 255, 128) },
  { time, note: 'é'.repeat(300), comment: '', flag: true },
  { time, word: 'a', tags: ['only'], comment: "it's", sample: new Uint8Array(200).fill(7) },
]

export function fakeKinds(): Batch {
  return filled(createBatch(kindsTable, 4), fakeKindsRows)
}

export const fakeFrame = {
  agent: '00112233-4455-6677-8899-aabbccddeeff',
  boot: 'ffeeddcc-bbaa-9988-7766-554433221100',
  timeMin: time,
  timeMax: time,
} as const

function filled(batch: Batch, rows: readonly RowValues[]): Batch {
  for (const row of rows) appendRow(batch, row)
  return batch
}
