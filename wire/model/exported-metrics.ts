// THE table of metrics that Weir exports to Prometheus (and OTLP): what of which rows is added up, under which name, in
// which direction. Names are those of OpenTelemetry eBPF Instrumentation (OBI) where it has one, else `weir_…`; the
// dialect `netobserv` has the names of NetObserv. The seven of `weir sidecar` are at the end.

import { parseFilter } from '../filter/check.ts'
import type { Filter } from '../filter/filter.ts'
import { eventTable } from './event-fields.ts'
import type { Field, Table } from './field.ts'
import { flowTable } from './flow-fields.ts'
import { countedRows, metricNamed } from './flow-metrics.ts'

export type MetricDialect = 'obi' | 'netobserv'
/** Every dialect, the default first. */
export const metricDialects: readonly MetricDialect[] = ['obi', 'netobserv']

/**
 * | op      | is                                                                                       |
 * |---------|------------------------------------------------------------------------------------------|
 * | sum     | the sum of the field over the rows; rows that do not know it add nothing                  |
 * | count   | the number of rows                                                                        |
 * | observe | a histogram with one observation per row that knows the field                             |
 * | open    | connections that are open now: a row within `openForMs`, and none that ends it            |
 * | oldest  | the age of the oldest of these, in seconds; of a series with none open, the last one      |
 */
export type ExportOp = 'sum' | 'count' | 'observe' | 'open' | 'oldest'

export interface ExportedMetric {
  /** With `_total` for a counter. */
  readonly name: string
  /** In this dialect alone; in all when left out. */
  readonly dialect?: MetricDialect
  readonly unit?: 'bytes' | 'packets' | 'seconds'
  readonly help: string
  readonly table: Table
  readonly op: ExportOp
  readonly parts: readonly ExportedPart[]
  /** Labels of its own, beside those that the configuration chooses: a name, and fields of which the first value counts. */
  readonly labels?: readonly OwnLabel[]
  /** Not divided by the labels of the configuration. */
  readonly undivided?: true
  /** Of a histogram, in its unit. */
  readonly bounds?: readonly number[]
}

/** Some rows, and which way round their ends are. */
export interface ExportedPart {
  /** Added up or observed; none for a count. */
  readonly of?: Field
  /** What a value is multiplied with: 1e-9 makes seconds of nanoseconds. */
  readonly scale?: number
  readonly where: Filter
  /** Labels of src are those of dst, and the other way round: the responder sends. */
  readonly swapped?: true
  /** Labels of a constant value. */
  readonly fixed?: readonly (readonly [name: string, value: string])[]
}

export interface OwnLabel {
  readonly name: string
  readonly fields: readonly string[]
}

/** Round-trip times from a loopback to a satellite. */
const rttBounds = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5,
]
const dnsBounds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5]

const counted = countedRows()
/** Each filter once: rows are then chosen once for all metrics that it is of. */
const [drops, lookups] = [eventsOf('drop'), eventsOf('dns')]
const nanoseconds = 1e-9
const errnoLabel = { name: 'errno', fields: ['errno', 'end_reason'] }

function flow(name: string): Field {
  return flowTable.fields.find((field) => field.name === name) as Field
}

function event(name: string): Field {
  return eventTable.fields.find((field) => field.name === name) as Field
}

/** Both directions of a connection as two series: what the initiator sends is the request. */
function bothWays(forward: string, reverse: string): readonly ExportedPart[] {
  return [
    { of: flow(forward), where: counted, fixed: [['direction', 'request']] },
    { of: flow(reverse), where: counted, swapped: true, fixed: [['direction', 'response']] },
  ]
}

/** NetObserv counts a direction where it leaves (egress) and where it arrives (ingress). */
function seenAt(place: 'egress' | 'ingress', forward: string, reverse: string) {
  const src = filterOf('counted and view = socket and (observer in (src, both) or src_node ~ ".")')
  const dst = filterOf('counted and view = socket and (observer in (dst, both) or dst_node ~ ".")')
  const [forwardRows, reverseRows] = place === 'egress' ? [src, dst] : [dst, src]
  return [
    { of: flow(forward), where: forwardRows },
    { of: flow(reverse), where: reverseRows, swapped: true as const },
  ]
}

const flowsTable = { table: flowTable }
const eventsTable = { table: eventTable }

const obi: readonly ExportedMetric[] = [
  {
    ...flowsTable,
    name: 'obi_network_flow_bytes_total',
    unit: 'bytes',
    help: 'Application bytes, each once however many nodes saw it, by who sent them to whom.',
    op: 'sum',
    parts: bothWays('bytes', 'reverse_bytes'),
  },
  {
    ...flowsTable,
    name: 'obi_network_flow_packets_total',
    unit: 'packets',
    help: 'TCP segments, acknowledgements and retransmissions included, by who sent them to whom.',
    op: 'sum',
    parts: bothWays('packets', 'reverse_packets'),
  },
  {
    ...flowsTable,
    name: 'obi_stat_tcp_retransmits_total',
    help: 'Segments sent again, by who sent them to whom.',
    op: 'sum',
    parts: bothWays('retransmits', 'reverse_retransmits'),
  },
  {
    ...flowsTable,
    name: 'obi_stat_tcp_rtt_seconds',
    unit: 'seconds',
    help: 'Smoothed round-trip time: one observation per connection and interval in which it changed.',
    op: 'observe',
    bounds: rttBounds,
    parts: [{ of: flow('rtt_ns'), scale: nanoseconds, where: counted }],
  },
  {
    ...flowsTable,
    name: 'obi_stat_tcp_failed_connections_total',
    help: 'Attempts that ended unestablished, by errno (by the reason where there is none).',
    op: 'count',
    labels: [errnoLabel],
    parts: [{ where: allOf(counted, metricNamed('failed')?.where as Filter) }],
  },
  {
    ...eventsTable,
    name: 'weir_drop_packets_total',
    unit: 'packets',
    help: "Packets that the kernel dropped, by the kernel's reason.",
    op: 'sum',
    labels: [{ name: 'reason', fields: ['reason'] }],
    parts: [{ of: event('count'), where: drops }],
  },
  {
    ...eventsTable,
    name: 'weir_drop_bytes_total',
    unit: 'bytes',
    help: "L3 bytes of packets that the kernel dropped, by the kernel's reason.",
    op: 'sum',
    labels: [{ name: 'reason', fields: ['reason'] }],
    parts: [{ of: event('bytes'), where: drops }],
  },
  {
    ...eventsTable,
    name: 'dns_lookup_duration_seconds',
    unit: 'seconds',
    help: 'Time from a DNS question to its answer; a question that nobody answered is not observed.',
    op: 'observe',
    bounds: dnsBounds,
    parts: [{ of: event('dns_latency_ns'), scale: nanoseconds, where: lookups }],
  },
]

const shared: readonly ExportedMetric[] = [
  {
    ...flowsTable,
    name: 'weir_tcp_opened_connections_total',
    help: 'Connections and attempts whose opening was seen.',
    op: 'sum',
    parts: [{ of: flow('opened'), where: counted }],
  },
  {
    ...flowsTable,
    name: 'weir_tcp_active_connections',
    help: 'Connections that are open.',
    op: 'open',
    parts: [{ where: counted }],
  },
  {
    ...eventsTable,
    name: 'weir_dns_lookups_total',
    help: 'DNS questions by response code; timeout is one that nobody answered.',
    op: 'count',
    labels: [{ name: 'rcode', fields: ['dns_rcode'] }],
    parts: [{ where: lookups }],
  },
]

const netobserv: readonly ExportedMetric[] = [
  ...(['egress', 'ingress'] as const).flatMap((place): ExportedMetric[] => [
    {
      ...flowsTable,
      name: `netobserv_workload_${place}_bytes_total`,
      unit: 'bytes',
      help: `Application bytes, counted at the ${place === 'egress' ? 'sending' : 'receiving'} end.`,
      op: 'sum',
      parts: seenAt(place, 'bytes', 'reverse_bytes'),
    },
    {
      ...flowsTable,
      name: `netobserv_workload_${place}_packets_total`,
      unit: 'packets',
      help: `TCP segments, counted at the ${place === 'egress' ? 'sending' : 'receiving'} end.`,
      op: 'sum',
      parts: seenAt(place, 'packets', 'reverse_packets'),
    },
  ]),
  {
    ...(obi[3] as ExportedMetric),
    name: 'netobserv_workload_rtt_seconds',
  },
  {
    ...flowsTable,
    name: 'netobserv_workload_retransmits_total',
    help: 'Segments sent again, by who sent them to whom.',
    op: 'sum',
    parts: bothWays('retransmits', 'reverse_retransmits').map(({ fixed: _, ...part }) => part),
  },
  {
    ...(obi[4] as ExportedMetric),
    name: 'netobserv_workload_failed_connections_total',
  },
  {
    ...(obi[5] as ExportedMetric),
    name: 'netobserv_workload_drop_packets_total',
    labels: [{ name: 'PktDropLatestDropCause', fields: ['reason'] }],
  },
  {
    ...(obi[6] as ExportedMetric),
    name: 'netobserv_workload_drop_bytes_total',
    labels: [{ name: 'PktDropLatestDropCause', fields: ['reason'] }],
  },
  {
    ...(obi[7] as ExportedMetric),
    name: 'netobserv_workload_dns_latency_seconds',
    labels: [{ name: 'DnsFlagsResponseCode', fields: ['dns_rcode'] }],
  },
]

/** Every metric, those of one dialect alone marked with it. */
export const exportedMetrics: readonly ExportedMetric[] = [
  ...obi.map((metric) => ({ ...metric, dialect: 'obi' as const })),
  ...netobserv.map((metric) => ({ ...metric, dialect: 'netobserv' as const })),
  ...shared,
]

/** The metrics of a dialect. */
export function metricsOfDialect(dialect: MetricDialect): readonly ExportedMetric[] {
  return exportedMetrics.filter(
    (metric) => metric.dialect === undefined || metric.dialect === dialect,
  )
}

/** Labels of the seven sidecar metrics: src is the initiator, dst the responder with its port. */
export const sidecarLabels: readonly OwnLabel[] = [
  { name: 'src_ip', fields: ['src_address'] },
  { name: 'dst_ip', fields: ['dst_address'] },
  { name: 'dst_port', fields: ['dst_port'] },
]

/** "Sent" is what the process that is watched sent: the initiator's end when both are its own. */
function sidecarSum(name: string, help: string, [sent, received]: readonly [string, string]) {
  const ours = filterOf('view = socket and observer in (src, both)')
  const theirs = filterOf('view = socket and observer = dst')
  const parts = [
    { of: flow(sent), where: ours },
    { of: flow(received), where: theirs },
  ]
  return {
    ...flowsTable,
    name,
    help,
    op: 'sum' as const,
    undivided: true as const,
    parts,
    labels: sidecarLabels,
  }
}

const every = filterOf('view = socket')

/** The seven metrics of `weir sidecar`. */
export const sidecarMetrics: readonly ExportedMetric[] = [
  {
    ...sidecarSum(
      'sidecar_connection_bytes_sent_total',
      'Application bytes that the process sent.',
      ['bytes', 'reverse_bytes'],
    ),
    unit: 'bytes',
  },
  {
    ...sidecarSum(
      'sidecar_connection_bytes_received_total',
      'Application bytes that the process received.',
      ['reverse_bytes', 'bytes'],
    ),
    unit: 'bytes',
  },
  sidecarSum('sidecar_connection_packets_sent_total', 'TCP segments that the process sent.', [
    'packets',
    'reverse_packets',
  ]),
  sidecarSum(
    'sidecar_connection_packets_received_total',
    'TCP segments that came to the process.',
    ['reverse_packets', 'packets'],
  ),
  sidecarSum('sidecar_connection_retransmits_total', 'Segments that the process sent again.', [
    'retransmits',
    'reverse_retransmits',
  ]),
  {
    ...flowsTable,
    name: 'sidecar_connection_duration_seconds',
    unit: 'seconds',
    help: 'Age of the oldest open connection; of none that is open, the last age.',
    op: 'oldest',
    undivided: true,
    labels: sidecarLabels,
    parts: [{ where: every }],
  },
  {
    ...flowsTable,
    name: 'sidecar_active_connections',
    help: 'Connections of the process that are open.',
    op: 'open',
    undivided: true,
    parts: [{ where: every }],
  },
]

function eventsOf(kind: string): Filter {
  return parseFilter(`kind = ${kind}`, { table: eventTable, nowNs: 0n })
}

function filterOf(text: string): Filter {
  return parseFilter(text, { table: flowTable, nowNs: 0n })
}

function allOf(...parts: Filter[]): Filter {
  return { kind: 'and', parts }
}
