// Answers in the shape of the eBPF network monitor (ebpf-server and its aggregator): the same keys, from our rows.

import { type Static, Type } from 'typebox'

const count = (description: string) => Type.Integer({ minimum: 0, description })
const text = (description: string) => Type.String({ description })
const queryTime = text('When it was asked, RFC 3339.')
const byName = (description: string) => Type.Record(Type.String(), Type.Integer(), { description })

const eventKeys = Type.Object(
  {
    id: text('16 hexadecimal digits: the same event has the same id in every answer.'),
    type: text('connection, packet_drop, retransmit, reset, dns or packet.'),
    pid: count('Process that it happened to; 0 = unknown.'),
    command: text('Its command name.'),
    timestamp: Type.Unknown({ description: 'Nanoseconds since 1970, as an exact integer.' }),
    time: text('The same as RFC 3339.'),
    k8s_node_name: text('Node.'),
    k8s_pod_name: text(
      "Pod of the process, as the event that was ingested names it; '' of events of Weir's own probes.",
    ),
    k8s_namespace: text('Its namespace; as with k8s_pod_name.'),
  },
  {
    title: 'MonitorEvent',
    additionalProperties: true,
    description:
      'Beside these: source_ip, source_port, destination_ip, destination_port, destination, protocol, address_family, count; of a connection return_code (errno), socket_type, raw_protocol, raw_socktype, raw_ipv4, raw_ipv6; of a drop drop_reason, drop_reason_code, skb_length, packet_size_bytes.',
  },
)

const monitorEvent = Type.Unsafe<Static<typeof eventKeys> & Record<string, unknown>>(eventKeys)
const events = Type.Array(monitorEvent)

export const monitorEvents = Type.Object(
  {
    events,
    count: count('Events in this answer.'),
    total_count: count('Events that pass the filters.'),
    query_time: queryTime,
    filters: Type.Record(Type.String(), Type.Unknown(), { description: 'What was asked for.' }),
  },
  { title: 'MonitorEvents' },
)

export const monitorSummary = Type.Object(
  {
    count: count('Connections: calls of connect() and accept(). Drops: packets.'),
    pid: count('As asked for; 0 = any.'),
    command: text("As asked for; '' = any."),
    duration_seconds: count('As asked for.'),
    count_by_node: byName('The same per node.'),
    total_nodes: count('Nodes with at least one.'),
    query_time: queryTime,
  },
  { title: 'MonitorSummary' },
)

export const monitorList = Type.Object(
  {
    total_pids: count('Processes in this answer.'),
    total_events: count('Events in this answer: the newest 100 of the last hour.'),
    total_nodes: count('Nodes in this answer.'),
    events_by_pid: Type.Record(Type.String(), events),
    events_by_node: Type.Record(Type.String(), events),
    query_time: queryTime,
  },
  { title: 'MonitorList' },
)

export const monitorStats = Type.Object(
  {
    total_events: count('Events of the last 30 days.'),
    events_by_type: byName('The same by type.'),
    events_by_node: byName('The same by node.'),
    last_event_time: Type.Union([Type.String(), Type.Null()], { description: 'The newest event.' }),
    start_time: text('When this server was started.'),
    current_events_last_hour: count('Events of the last hour.'),
    total_events_in_storage: count('As total_events.'),
    connected_agents: count('Agents that report now.'),
    query_time: queryTime,
  },
  { title: 'MonitorStats' },
)

const programName = Type.String({ description: 'As bpftool prog shows it.' })
const isActive = Type.Union([Type.Literal('active'), Type.Literal('inactive')])

const programKeys = {
  name: programName,
  type: Type.Literal('eBPF'),
  status: isActive,
  node: Type.String(),
}

/** Keys of /api/programs, as the monitor's agents (`programs`) and its aggregator (the others) have them. */
export const monitorPrograms = Type.Object({
  programs: Type.Array(
    Type.Object(
      {
        id: Type.Integer({ description: 'As bpftool prog shows it; 0 if it is not loaded.' }),
        ...programKeys,
      },
      { title: 'MonitorProgram' },
    ),
    { description: 'The same in the shape of an agent of the eBPF network monitor.' },
  ),
  total_count: count('Number of `programs`.'),
  connected_agents: Type.Array(
    Type.Object(
      {
        node_name: Type.String(),
        last_seen: text('When the agent was last heard, RFC 3339.'),
        event_count: count('Events of the node in the last ten minutes of the range.'),
        programs: Type.Array(programName),
        status: isActive,
      },
      { title: 'MonitorAgent' },
    ),
    { description: 'Nodes of these programs, in the shape of its aggregator.' },
  ),
  all_programs: Type.Array(
    Type.Object(
      {
        ...programKeys,
        event_count: count(
          'Events of the node in those ten minutes that are of a kind which the probe of the program makes.',
        ),
      },
      { title: 'MonitorNodeProgram' },
    ),
    { description: 'The programs in the shape of its aggregator.' },
  ),
  total_agents: count('Number of `connected_agents`.'),
  total_programs: count('Number of `all_programs`.'),
})

export const monitorIngest = Type.Object(
  {
    status: text('success'),
    processed: count('Events that were stored.'),
    total: count('Events of the request.'),
  },
  { title: 'MonitorIngest' },
)

const optional = (description: string) => Type.Optional(Type.String({ description }))

/** Parameters, or the body, of a summary. */
export const monitorSummaryQuestion = Type.Object(
  {
    pid: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 4_294_967_295,
        description: 'Of this process; 0 = any.',
      }),
    ),
    command: optional("Of processes of this name; '' = any."),
    duration_seconds: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 2_592_000,
        description: 'Up to now; 60 when not given.',
      }),
    ),
  },
  { additionalProperties: false },
)

export type MonitorEvent = Static<typeof monitorEvent>
export type MonitorEvents = Static<typeof monitorEvents>
export type MonitorSummary = Static<typeof monitorSummary>
export type MonitorSummaryQuestion = Static<typeof monitorSummaryQuestion>
export type MonitorList = Static<typeof monitorList>
export type MonitorStats = Static<typeof monitorStats>
export type MonitorPrograms = Static<typeof monitorPrograms>
