// THE kinds of events: what each is, in which words, which fields it fills, what a list of it shows, and what the
// API of the eBPF network monitor (ebpf-server) calls it. All of them are rows of one table (event-fields.ts). Nothing else knows a kind by its name.

/** A kind of row of the table `events`. */
export interface EventKind {
  readonly name: string
  /** For people: the head of a list. */
  readonly title: string
  /** One sentence: what one row is. */
  readonly help: string
  /** `type` of it in answers of the shape of the eBPF network monitor, where that has one; new kinds are named as they are here. */
  readonly monitorType: string
  /** Fields that a row of the kind can have, beside those of every event (`commonFields`). */
  readonly fields: readonly string[]
  /** Fields that a list for people shows, the most important first. */
  readonly columns: readonly string[]
  /** Probes whose records become its rows. */
  readonly probes: readonly string[]
  /** No probe fills it so far: that there is no row says nothing. */
  readonly unfilled?: true
}

const tuple = ['protocol', 'src_address', 'src_port', 'dst_address', 'dst_port']
const who =
  'process pid uid netns cgroup_id process_source unit container node namespace pod workload'
const ends = ['src', 'dst'].flatMap((side) => who.split(' ').map((name) => `${side}_${name}`))

/** Fields of every event. */
export const commonFields: readonly string[] = ['time', 'node', 'kind', 'count', ...tuple, ...ends]

/** Every kind, in the order of lists. */
export const eventKinds = [
  {
    name: 'connection',
    title: 'Connections',
    help: 'A phase of a TCP connection as one end saw it: attempt (one per connect(), with its result), established (the handshake is complete; one per accepted connection too), closed (with the reason).',
    monitorType: 'connection',
    fields: [
      'start',
      'end',
      'phase',
      'observer',
      'result',
      'errno',
      'connection_id',
      'netns',
      'interface',
    ],
    columns: [
      'time',
      'phase',
      'src_process',
      'src_address',
      'dst_process',
      'dst_address',
      'result',
      'errno',
    ],
    probes: ['socket'],
  },
  {
    name: 'drop',
    title: 'Drops',
    help: 'Packets of one tuple that the kernel dropped in an interval, for one reason at one place in its code.',
    monitorType: 'packet_drop',
    fields: [
      'start',
      'end',
      'bytes',
      'packet_size_bytes',
      'reason',
      'reason_code',
      'location',
      'interface',
      'netns',
      'direction',
      'tcp_flags',
      'icmp_type',
      'icmp_code',
      'ether_type',
      'vlan',
      'connection_id',
      'payload',
    ],
    columns: [
      'time',
      'count',
      'reason',
      'location',
      'src_address',
      'dst_address',
      'protocol',
      'interface',
    ],
    probes: ['drop'],
  },
  {
    name: 'retransmit',
    title: 'Retransmits',
    help: 'Segments of one connection that were sent again in an interval; `count` is segments, as the socket counts them.',
    monitorType: 'retransmit',
    fields: ['start', 'end', 'bytes', 'state', 'reason', 'interface', 'netns', 'connection_id'],
    columns: ['time', 'count', 'src_process', 'src_address', 'dst_process', 'dst_address', 'state'],
    probes: ['drop'],
  },
  {
    name: 'reset',
    title: 'Resets',
    help: 'A TCP reset that the node sent or received; src is who sent it.',
    monitorType: 'reset',
    fields: [
      'start',
      'end',
      'state',
      'direction',
      'reason',
      'reason_code',
      'location',
      'interface',
      'netns',
      'connection_id',
    ],
    columns: [
      'time',
      'direction',
      'src_process',
      'src_address',
      'dst_process',
      'dst_address',
      'state',
      'reason',
    ],
    probes: ['drop'],
  },
  {
    name: 'dns',
    title: 'DNS',
    help: 'One question to a name server and its answer; src asks, dst answers. No probe fills it yet.',
    monitorType: 'dns',
    fields: [
      'start',
      'end',
      'bytes',
      'packet_size_bytes',
      'interface',
      'netns',
      'dns_name',
      'dns_type',
      'dns_rcode',
      'dns_latency_ns',
      'dns_retries',
      'dns_truncated',
      'dns_answers',
    ],
    columns: [
      'time',
      'src_process',
      'dns_name',
      'dns_type',
      'dns_rcode',
      'dns_latency_ns',
      'dst_address',
    ],
    probes: ['dns'],
    unfilled: true,
  },
  {
    name: 'packet',
    title: 'Packets',
    help: 'A packet that was looked at on an interface: all of them, a sample, or those of a rule. Its payload only if asked for.',
    monitorType: 'packet',
    fields: [
      'bytes',
      'packet_size_bytes',
      'interface',
      'netns',
      'direction',
      'connection_id',
      'tcp_flags',
      'icmp_type',
      'icmp_code',
      'ether_type',
      'vlan',
      'label',
      'rule',
      'action',
      'payload',
    ],
    columns: [
      'time',
      'interface',
      'src_address',
      'dst_address',
      'protocol',
      'packet_size_bytes',
      'label',
      'action',
    ],
    probes: ['xdp', 'flow'],
  },
] as const satisfies readonly EventKind[]

/** The name of a kind. */
export type EventKindName = (typeof eventKinds)[number]['name']

const byName = new Map<string, EventKind>(eventKinds.map((kind) => [kind.name, kind]))

/** The kind of that name; undefined when there is none. */
export function eventKindNamed(name: string): EventKind | undefined {
  return byName.get(name)
}

/** Names of the kinds that fill a field; all of them for a common one. */
export function kindsOfField(name: string): readonly string[] {
  const isCommon = commonFields.includes(name)
  const all: readonly EventKind[] = eventKinds
  return all.filter(({ fields }) => isCommon || fields.includes(name)).map((kind) => kind.name)
}
