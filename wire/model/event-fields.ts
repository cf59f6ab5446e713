// THE table of fields of an event: something that happened at an instant, or to packets that are alike within an
// interval. One wide table; which fields a row fills is a matter of its kind (event-kinds.ts).

import { endReasons, errnos, tcpStates } from './closed-values.ts'
import { endFields, socketAddress } from './end-fields.ts'
import { eventKinds, kindsOfField } from './event-kinds.ts'
import type { Field, TableOf } from './field.ts'

const time = 'Delta(8), ZSTD(1)'
const plain = 'ZSTD(1)'
const number = 'T64, ZSTD(1)'

/** Of a connection event; '' of the other kinds. */
export const eventPhases = ['', 'attempt', 'established', 'closed'] as const

/** How a connect() ended, or why a connection did; '' of the other kinds. */
export const eventResults = ['', 'established', ...endReasons.slice(1)] as const

/** Which way the packet went, as the node saw it; '' is unknown. */
export const eventDirections = ['', 'received', 'sent', 'forwarded'] as const

const what = [
  {
    name: 'time',
    kind: 'time',
    codec: time,
    label: 'Time',
    help: 'When it happened; of packets counted together the last one.',
    otel: 'time',
  },
  {
    name: 'start',
    kind: 'time',
    nullable: true,
    codec: time,
    label: 'From',
    help: 'Of a connection: when it was opened. Of packets counted together: the first one. Null if that is not known.',
  },
  {
    name: 'end',
    kind: 'time',
    nullable: true,
    codec: time,
    label: 'To',
    help: 'Of a connection: when the attempt was established or failed, or the connection closed. Of packets counted together: the last one. Null if that is not known.',
  },
  {
    name: 'node',
    kind: 'name',
    codec: plain,
    label: 'Node',
    help: 'Host whose agent reported it.',
  },
  {
    name: 'kind',
    kind: 'name',
    values: eventKinds.map(({ name }) => name),
    codec: plain,
    label: 'Kind',
    help: 'connection, drop, retransmit, reset, dns or packet; no probe fills dns yet.',
  },
  {
    name: 'phase',
    kind: 'name',
    values: eventPhases,
    codec: plain,
    label: 'Phase',
    help: 'attempt: a connect(), with its result. established: the handshake is complete. closed: it ended.',
  },
  {
    name: 'observer',
    kind: 'name',
    values: ['', 'src', 'dst'],
    codec: plain,
    label: 'Seen by',
    help: 'Whose end of the connection it happened to: src or dst.',
  },
  {
    name: 'protocol',
    kind: 'name',
    codec: plain,
    label: 'Protocol',
    help: 'Protocol of the packet: tcp, udp, icmp, icmpv6, sctp …; its number if it has no name here; empty if it is not IP.',
    otel: 'network.transport',
    ipfix: 'protocolIdentifier',
  },
  ...socketAddress(
    'src',
    'Of a connection: the initiator. Of a packet: who sent it. Of a DNS question: who asked.',
    'Port of the source; 0 if the protocol has none.',
  ),
  ...socketAddress(
    'dst',
    'Of a connection: the responder. Of a packet: whom it was for. Of a DNS question: the server.',
    'Port of the destination; 0 if the protocol has none.',
  ),
] as const satisfies readonly Field[]

const howMuch = [
  {
    name: 'count',
    kind: 'counter',
    sum: true,
    codec: number,
    label: 'Count',
    help: 'Packets, or segments, that the row stands for; 1 of a single event.',
  },
  {
    name: 'bytes',
    kind: 'counter',
    unit: 'bytes',
    sum: true,
    codec: number,
    label: 'Bytes',
    help: 'Octets of these packets, from the IP header on (L3); of retransmits those of the segments.',
  },
  {
    name: 'packet_size_bytes',
    kind: 'u32',
    unit: 'bytes',
    nullable: true,
    codec: number,
    label: 'Packet size',
    help: 'Length of one of the packets, from the IP header on (L3).',
  },
] as const satisfies readonly Field[]

const why = [
  {
    name: 'reason',
    kind: 'name',
    codec: plain,
    label: 'Reason',
    help: "Of a drop: the running kernel's own name for the reason; unknown before Linux 5.17.",
  },
  {
    name: 'reason_code',
    kind: 'u32',
    nullable: true,
    ungrouped: true,
    codec: number,
    label: 'Reason code',
    help: "The running kernel's number of the reason. It differs between kernels: compare the name.",
  },
  {
    name: 'location',
    kind: 'name',
    codec: plain,
    label: 'Where',
    help: "Place in the kernel's code, as symbol+offset.",
  },
  {
    name: 'result',
    kind: 'name',
    values: eventResults,
    codec: plain,
    label: 'Result',
    help: 'Of an attempt: established, or why it failed. Of a closed connection: why it ended.',
  },
  {
    name: 'errno',
    kind: 'name',
    values: errnos,
    codec: plain,
    label: 'Error',
    help: 'Name of the error (errno) that the process got; empty for none.',
    otel: 'error.type',
  },
  {
    name: 'state',
    kind: 'name',
    values: tcpStates,
    codec: plain,
    label: 'State',
    help: 'State of the TCP socket when it happened.',
  },
  {
    name: 'direction',
    kind: 'name',
    values: eventDirections,
    codec: plain,
    label: 'Direction',
    help: 'Whether the node received, sent or forwarded the packet; empty if that is not known.',
    otel: 'network.io.direction',
  },
  {
    name: 'connection_id',
    kind: 'id',
    codec: plain,
    label: 'Connection',
    help: 'The connection that it belongs to, as in flows; 0 = unknown.',
  },
] as const satisfies readonly Field[]

const packet = [
  { name: 'interface', kind: 'name', codec: plain, label: 'Interface', help: 'Network interface.' },
  {
    name: 'netns',
    kind: 'u32',
    codec: plain,
    label: 'Netns',
    help: 'Inode of the network namespace in which it happened; 0 = unknown.',
  },
  {
    name: 'tcp_flags',
    kind: 'name',
    codec: plain,
    label: 'TCP flags',
    help: 'Flags of the TCP header, as letters in the order of the header: C E U A P R S F.',
    ipfix: 'tcpControlBits',
  },
  {
    name: 'icmp_type',
    kind: 'u8',
    nullable: true,
    codec: plain,
    label: 'ICMP type',
    help: 'Type of the ICMP or ICMPv6 message.',
  },
  {
    name: 'icmp_code',
    kind: 'u8',
    nullable: true,
    codec: plain,
    label: 'ICMP code',
    help: 'Code of the ICMP or ICMPv6 message.',
  },
  {
    name: 'ether_type',
    kind: 'u16',
    nullable: true,
    codec: plain,
    label: 'Ethertype',
    help: 'Of a frame: 2048 = IPv4, 34525 = IPv6, 2054 = ARP …',
    ipfix: 'ethernetType',
  },
  {
    name: 'vlan',
    kind: 'u16',
    nullable: true,
    codec: plain,
    label: 'VLAN',
    help: 'Outermost VLAN id; null if the frame has no tag.',
    ipfix: 'vlanId',
  },
  {
    name: 'label',
    kind: 'name',
    codec: plain,
    label: 'Label',
    help: 'Label of the rule that matched.',
  },
  {
    name: 'rule',
    kind: 'name',
    codec: plain,
    label: 'Rule',
    help: 'Name of the rule that matched.',
  },
  {
    name: 'action',
    kind: 'name',
    values: ['', 'pass', 'drop'],
    codec: plain,
    label: 'Action',
    help: 'What the rule did with the packet: pass or drop.',
  },
  {
    name: 'payload',
    kind: 'octets',
    codec: plain,
    label: 'Sample',
    help: 'First octets of the packet, from the IP header on; empty unless it was asked for.',
  },
] as const satisfies readonly Field[]

const dns = [
  {
    name: 'dns_name',
    kind: 'text',
    codec: plain,
    label: 'Name',
    help: 'Name that was asked for, lower case, without the final dot.',
    otel: 'dns.question.name',
  },
  {
    name: 'dns_type',
    kind: 'name',
    codec: plain,
    label: 'Type',
    help: 'Type of the record that was asked for: A, AAAA, MX …',
  },
  {
    name: 'dns_rcode',
    kind: 'name',
    codec: plain,
    label: 'Answer',
    help: 'Response code: noerror, nxdomain, servfail …; timeout if nobody answered.',
  },
  {
    name: 'dns_latency_ns',
    kind: 'counter',
    unit: 'ns',
    nullable: true,
    ungrouped: true,
    codec: number,
    label: 'Latency',
    help: 'From the first question to the answer; null if nobody answered.',
    otel: 'dns.lookup.duration',
  },
  {
    name: 'dns_retries',
    kind: 'u16',
    nullable: true,
    codec: number,
    label: 'Retries',
    help: 'How often the same question was sent again.',
  },
  {
    name: 'dns_truncated',
    kind: 'flag',
    codec: plain,
    label: 'Truncated',
    help: 'Whether the answer was cut, so that it is asked again over TCP.',
  },
  {
    name: 'dns_answers',
    kind: 'list',
    codec: plain,
    label: 'Answers',
    help: 'Addresses and names of the answer.',
    otel: 'dns.answers',
  },
] as const satisfies readonly Field[]

const fields = [
  ...what,
  ...howMuch,
  ...why,
  ...packet,
  ...dns,
  ...endFields('src', 'source', { workload: 1, pod: 2 }),
  ...endFields('dst', 'destination', { workload: 1, pod: 2 }),
] as const satisfies readonly Field[]

/** Any field of an event, its name and kind as literal types. */
export type EventField = (typeof fields)[number]

/** Events: one row each, or one for packets that are alike within an interval. */
export const eventTable: TableOf<EventField> = {
  name: 'events',
  number: 4,
  schema: 2,
  fields: fields.map(withKinds) as unknown as readonly EventField[],
  derived: [],
  identity: [
    'kind',
    'phase',
    'node',
    'observer',
    'connection_id',
    'protocol',
    'src_address',
    'src_port',
    'dst_address',
    'dst_port',
    'reason',
    'location',
    'interface',
    'netns',
    'count',
    'bytes',
    'src_pid',
    'dst_pid',
    'dns_name',
    'dns_type',
  ],
  measured: true,
  probes: [...new Set(eventKinds.flatMap(({ probes }) => [...probes]))],
  partitionBy: 'toDate(time)',
  orderBy: 'toStartOfFiveMinutes(time), kind, time',
}

/** A field of some kinds says which. */
function withKinds(field: Field): Field {
  const kinds = kindsOfField(field.name)
  if (kinds.length === eventKinds.length) return field
  return { ...field, help: `${field.help} Of: ${kinds.join(', ')}.` }
}
