// Rows as OTLP requests, by the field numbers of opentelemetry-proto 1.11 (trace.proto, metrics.proto, logs.proto,
// common.proto, resource.proto). Straight from columns: no object per span.

import { type Batch, type Column, type Field, formatAddress } from '../../../wire/mod.ts'
import type { ExportPart } from '../receiver.ts'
import { createProtobufWriter, type ProtobufWriter } from './protobuf.ts'

/** semconv: the semantic conventions. ebpf_receiver: the names of the older collector. */
export type Dialect = 'semconv' | 'ebpf_receiver'

const spanKindClient = 3
const statusError = 2
const scopeName = 'weir'

/** Fields of a flow row that spans and metrics read. */
export const otlpFlowFields: readonly string[] = [
  ...[
    'time',
    'start',
    'end',
    'protocol',
    'connection_id',
    'end_reason',
    'errno',
    'node',
    'interface',
  ],
  ...['src_address', 'src_port', 'dst_address', 'dst_port', 'direction_known'],
  ...['bytes', 'packets', 'reverse_bytes', 'reverse_packets'],
  ...['total_bytes', 'total_reverse_bytes', 'rtt_ns', 'src_process', 'src_pid', 'src_container'],
  ...['src_workload', 'src_namespace', 'src_pod', 'src_node'],
  ...['dst_workload', 'dst_namespace', 'dst_pod'],
]

/** Fields that make the resource of a span: who opened the connection. */
const resourceFields = [
  'src_workload',
  'src_namespace',
  'src_pod',
  'src_node',
  'src_container',
  'node',
]

/** An ExportTraceServiceRequest of the connections that ended; undefined when none did. */
export function encodeSpans(
  parts: readonly ExportPart[],
  options: { readonly dialect: Dialect; readonly repeated: boolean; readonly version: string },
): Buffer | undefined {
  const writer = createProtobufWriter()
  for (const { batch, rows } of parts) {
    const ended = rows.filter((row) => batch.columns['end']?.nulls?.[row] === 0)
    for (const group of groupsOf(batch, ended, resourceFields).values()) {
      const resourceSpans = writer.begin(1)
      writeResource(writer, batch, group[0] as number, options.repeated)
      const scopeSpans = writer.begin(2)
      writeScope(writer, options.version)
      for (const row of group) writeSpan(writer, batch, row, options.dialect)
      writer.end(scopeSpans)
      writer.end(resourceSpans)
    }
  }
  return writer.length() === 0 ? undefined : writer.take()
}

function groupsOf(batch: Batch, rows: readonly number[], names: readonly string[]) {
  const columns = names.flatMap((name) => batch.columns[name]?.values ?? [])
  return Map.groupBy(rows, (row) => columns.map((values) => values[row]).join())
}

function writeResource(writer: ProtobufWriter, batch: Batch, row: number, repeated: boolean): void {
  const resource = writer.begin(1)
  const host = textOf(batch, 'src_node', row) || textOf(batch, 'node', row)
  attribute(writer, 1, 'service.name', textOf(batch, 'src_workload', row) || 'unknown_service')
  attribute(writer, 1, 'service.namespace', textOf(batch, 'src_namespace', row))
  attribute(writer, 1, 'k8s.pod.name', textOf(batch, 'src_pod', row))
  attribute(writer, 1, 'host.name', host)
  attribute(writer, 1, 'container.id', textOf(batch, 'src_container', row))
  if (repeated) attribute(writer, 1, 'weir.repeated', true)
  writer.end(resource)
}

function writeScope(writer: ProtobufWriter, version: string): void {
  const scope = writer.begin(1)
  writer.text(1, scopeName)
  writer.text(2, version)
  writer.end(scope)
}

function writeSpan(writer: ProtobufWriter, batch: Batch, row: number, dialect: Dialect): void {
  const span = writer.begin(2)
  const id = idOf(batch, row)
  writer.bytes(1, Buffer.concat([id, id]))
  writer.bytes(2, id)
  const protocol = textOf(batch, 'protocol', row)
  const target = textOf(batch, 'dst_workload', row) || addressOf(batch, 'dst_address', row)
  writer.text(5, `${protocol} ${target}:${numberOf(batch, 'dst_port', row)}`)
  writer.varint(6, spanKindClient)
  time(writer, 7, batch, isNull(batch, 'start', row) ? 'end' : 'start', row)
  time(writer, 8, batch, 'end', row)
  if (dialect === 'semconv') semconvAttributes(writer, batch, row)
  else receiverAttributes(writer, batch, row)
  const errno = textOf(batch, 'errno', row)
  if (errno !== '') {
    attribute(writer, 9, 'error.type', errno)
    const status = writer.begin(15)
    writer.text(2, errno)
    writer.varint(3, statusError)
    writer.end(status)
  }
  writer.end(span)
}

function semconvAttributes(writer: ProtobufWriter, batch: Batch, row: number): void {
  const dst = addressOf(batch, 'dst_address', row)
  attribute(writer, 9, 'network.transport', textOf(batch, 'protocol', row))
  attribute(writer, 9, 'network.type', dst.includes(':') ? 'ipv6' : 'ipv4')
  attribute(writer, 9, 'client.address', addressOf(batch, 'src_address', row))
  attribute(writer, 9, 'client.port', numberOf(batch, 'src_port', row))
  attribute(writer, 9, 'server.address', dst)
  attribute(writer, 9, 'server.port', numberOf(batch, 'dst_port', row))
  attribute(writer, 9, 'network.peer.address', dst)
  attribute(writer, 9, 'network.peer.port', numberOf(batch, 'dst_port', row))
  attribute(writer, 9, 'network.interface.name', textOf(batch, 'interface', row))
  attribute(writer, 9, 'process.executable.name', textOf(batch, 'src_process', row))
  const pid = numberOf(batch, 'src_pid', row)
  if (pid > 0) attribute(writer, 9, 'process.pid', pid)
  attribute(writer, 9, 'weir.connection.id', idOf(batch, row).readBigUInt64BE().toString())
  attribute(writer, 9, 'weir.connection.bytes', numberOf(batch, 'total_bytes', row))
  attribute(writer, 9, 'weir.connection.reverse_bytes', numberOf(batch, 'total_reverse_bytes', row))
  attribute(writer, 9, 'weir.connection.end_reason', textOf(batch, 'end_reason', row))
  attribute(writer, 9, 'weir.destination.workload', textOf(batch, 'dst_workload', row))
  attribute(writer, 9, 'weir.destination.namespace', textOf(batch, 'dst_namespace', row))
  attribute(writer, 9, 'weir.destination.pod', textOf(batch, 'dst_pod', row))
  if (!isNull(batch, 'rtt_ns', row)) {
    attribute(writer, 9, 'weir.connection.rtt_ns', numberOf(batch, 'rtt_ns', row))
  }
}

function receiverAttributes(writer: ProtobufWriter, batch: Batch, row: number): void {
  const src = addressOf(batch, 'src_address', row)
  attribute(writer, 9, 'src.ip', src)
  attribute(writer, 9, 'dest.ip', addressOf(batch, 'dst_address', row))
  attribute(writer, 9, 'src.port', numberOf(batch, 'src_port', row))
  attribute(writer, 9, 'dest.port', numberOf(batch, 'dst_port', row))
  attribute(writer, 9, 'direction', 'egress')
  attribute(writer, 9, 'k8s.pod.ip', src)
}

/** Bytes and packets of one pair of workloads in one direction. */
export interface FlowSeries {
  readonly attributes: readonly (readonly [string, string])[]
  bytes: number
  packets: number
}

/** Adds the rows to the series of their workloads, both directions as two. Beyond `seriesMax` they go to `other`. */
export function addToSeries(
  series: Map<string, FlowSeries>,
  parts: readonly ExportPart[],
  seriesMax: number,
): void {
  for (const { batch, rows } of parts) {
    for (const row of rows) {
      const src = ends(batch, 'src', row)
      const dst = ends(batch, 'dst', row)
      const back = ['reverse_bytes', 'reverse_packets'] as const
      add(
        series,
        [src, dst],
        [numberOf(batch, 'bytes', row), numberOf(batch, 'packets', row)],
        seriesMax,
      )
      add(
        series,
        [dst, src],
        [numberOf(batch, back[0], row), numberOf(batch, back[1], row)],
        seriesMax,
      )
    }
  }
}

type End = readonly [workload: string, namespace: string]

function ends(batch: Batch, side: 'src' | 'dst', row: number): End {
  return [textOf(batch, `${side}_workload`, row), textOf(batch, `${side}_namespace`, row)]
}

function add(
  series: Map<string, FlowSeries>,
  [src, dst]: readonly [End, End],
  [bytes, packets]: readonly [number, number],
  seriesMax: number,
): void {
  const wanted = `${src.join('\0')}\0\0${dst.join('\0')}`
  const isFull = !series.has(wanted) && series.size >= seriesMax
  const key = isFull ? 'other' : wanted
  const names: readonly [End, End] = isFull
    ? [
        ['other', ''],
        ['other', ''],
      ]
    : [src, dst]
  const known = series.get(key) ?? { attributes: attributesOf(names), bytes: 0, packets: 0 }
  known.bytes += bytes
  known.packets += packets
  series.set(key, known)
}

function attributesOf([src, dst]: readonly [End, End]): FlowSeries['attributes'] {
  return [
    ['k8s.src.owner.name', src[0]],
    ['k8s.src.namespace', src[1]],
    ['k8s.dst.owner.name', dst[0]],
    ['k8s.dst.namespace', dst[1]],
  ]
}

/** An ExportMetricsServiceRequest of sums: `obi.network.flow.bytes` and `.packets`. */
export function encodeSums(
  series: Iterable<FlowSeries>,
  options: {
    readonly temporality: 'delta' | 'cumulative'
    readonly startMs: number
    readonly nowMs: number
    readonly version: string
  },
): Buffer {
  const writer = createProtobufWriter()
  const all = [...series]
  const resourceMetrics = writer.begin(1)
  const resource = writer.begin(1)
  attribute(writer, 1, 'service.name', scopeName)
  writer.end(resource)
  const scopeMetrics = writer.begin(2)
  writeScope(writer, options.version)
  for (const name of ['bytes', 'packets'] as const) {
    const metric = writer.begin(2)
    writer.text(1, `obi.network.flow.${name}`)
    writer.text(3, `{${name}}`)
    const sum = writer.begin(7)
    for (const one of all) {
      const point = writer.begin(1)
      msTime(writer, 2, options.startMs)
      msTime(writer, 3, options.nowMs)
      writer.sfixed64(6, one[name])
      for (const [key, value] of one.attributes) attribute(writer, 7, key, value)
      writer.end(point)
    }
    writer.varint(2, options.temporality === 'delta' ? 1 : 2)
    writer.varint(3, 1)
    writer.end(sum)
    writer.end(metric)
  }
  writer.end(scopeMetrics)
  writer.end(resourceMetrics)
  return writer.take()
}

/** An ExportLogsServiceRequest: a record per event, with every field that has a value. */
export function encodeLogs(
  parts: readonly ExportPart[],
  fields: readonly Field[],
  options: { readonly repeated: boolean; readonly version: string },
): Buffer {
  const writer = createProtobufWriter()
  for (const { batch, rows } of parts) {
    for (const group of groupsOf(batch, rows, ['node']).values()) {
      const resourceLogs = writer.begin(1)
      const resource = writer.begin(1)
      attribute(writer, 1, 'service.name', scopeName)
      attribute(writer, 1, 'host.name', textOf(batch, 'node', group[0] as number))
      if (options.repeated) attribute(writer, 1, 'weir.repeated', true)
      writer.end(resource)
      const scopeLogs = writer.begin(2)
      writeScope(writer, options.version)
      for (const row of group) writeLog(writer, batch, row, fields)
      writer.end(scopeLogs)
      writer.end(resourceLogs)
    }
  }
  return writer.take()
}

function writeLog(
  writer: ProtobufWriter,
  batch: Batch,
  row: number,
  fields: readonly Field[],
): void {
  const record = writer.begin(2)
  time(writer, 1, batch, 'time', row)
  const kind = textOf(batch, 'kind', row)
  const isBad = kind === 'drop' || textOf(batch, 'errno', row) !== ''
  writer.varint(2, isBad ? 13 : 9)
  writer.text(3, isBad ? 'WARN' : 'INFO')
  const body = writer.begin(5)
  writer.text(1, kind)
  writer.end(body)
  for (const field of fields) {
    if (field.name === 'time' || field.name === 'node' || isNull(batch, field.name, row)) continue
    logAttribute(writer, batch, row, field)
  }
  time(writer, 11, batch, 'time', row)
  writer.text(12, `weir.${kind}`)
  writer.end(record)
}

function logAttribute(writer: ProtobufWriter, batch: Batch, row: number, field: Field): void {
  const { name, kind } = field
  const key = `weir.${name}`
  if (kind === 'name' || kind === 'text') attribute(writer, 6, key, textOf(batch, name, row))
  else if (kind === 'address') {
    const text = addressOf(batch, name, row)
    if (text !== '::') attribute(writer, 6, key, text)
  } else if (kind === 'flag') attribute(writer, 6, key, numberOf(batch, name, row) !== 0)
  else if (/^(?:counter|u8|u16|u32)$/.test(kind)) {
    const number = numberOf(batch, name, row)
    if (number !== 0) attribute(writer, 6, key, number)
  } else if (kind === 'id') {
    const { values } = batch.columns[name] as Column
    const low = BigInt(values[row * 2] as number)
    const id = (BigInt(values[row * 2 + 1] as number) << 32n) | low
    if (id !== 0n) attribute(writer, 6, key, id.toString())
  }
}

/** A KeyValue; an empty text is no attribute. */
function attribute(
  writer: ProtobufWriter,
  field: number,
  key: string,
  value: string | number | boolean,
): void {
  if (value === '') return
  const pair = writer.begin(field)
  writer.text(1, key)
  const any = writer.begin(2)
  if (typeof value === 'string') writer.text(1, value)
  else if (typeof value === 'boolean') writer.varint(2, value ? 1 : 0)
  else writer.varint(3, value)
  writer.end(any)
  writer.end(pair)
}

function time(
  writer: ProtobufWriter,
  field: number,
  { columns }: Batch,
  ...[name, row]: [string, number]
) {
  const { values } = columns[name] as Column
  writer.fixed64(field, values[row * 2] as number, values[row * 2 + 1] as number)
}

function msTime(writer: ProtobufWriter, field: number, ms: number): void {
  const ns = BigInt(Math.round(ms)) * 1_000_000n
  writer.fixed64(field, Number(ns & 0xffff_ffffn), Number(ns >> 32n))
}

/** The connection id, big-endian; never all zeros, which would be no id. */
function idOf({ columns }: Batch, row: number): Buffer {
  const { values } = columns['connection_id'] as Column
  const id = Buffer.allocUnsafe(8)
  id.writeUInt32BE(values[row * 2 + 1] as number, 0)
  id.writeUInt32BE(values[row * 2] as number, 4)
  if (values[row * 2] === 0 && values[row * 2 + 1] === 0) id[7] = 1
  return id
}

function isNull({ columns }: Batch, name: string, row: number): boolean {
  return columns[name]?.nulls?.[row] === 1
}

function numberOf({ columns }: Batch, name: string, row: number): number {
  const column = columns[name]
  return column && column.nulls?.[row] !== 1 ? (column.values[row] as number) : 0
}

function textOf({ columns, names }: Batch, name: string, row: number): string {
  const column = columns[name]
  return column ? names.text(column.values[row] as number) : ''
}

function addressOf({ columns }: Batch, name: string, row: number): string {
  return formatAddress((columns[name] as Column).values as Uint8Array, row * 16)
}
