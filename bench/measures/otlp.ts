// Spans of ended connections as OTLP requests: our encoder beside OpenTelemetry's own transformer, on the same rows in
// turns. Theirs also makes the span objects that it needs; ours reads columns.

import { ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer'
import { encodeSpans } from '../../central/export/otlp/encode.ts'
import { flowRows } from '../../central/export/rows.fake.ts'
import { appendRow, type Batch, createBatch, flowTable, type Row, rowOf } from '../../wire/mod.ts'
import type { Finding, Measure, Plan } from '../finding.ts'
import { median } from '../statistics.ts'

export const otlp: Measure = { name: 'otlp', run: measureOtlp }

const count = 2_000

async function measureOtlp({ quick }: Plan): Promise<readonly Finding[]> {
  const end = 1_764_374_400_000_000_000n
  const batch = createBatch(flowTable, count)
  for (const row of flowRows(0, count, { end, end_reason: 'closed' })) appendRow(batch, row)
  const rows = Array.from({ length: count }, (_, row) => row)
  const ours = () =>
    encodeSpans([{ batch, rows }], { dialect: 'semconv', repeated: false, version: '0' })?.length
  const theirs = () => ProtobufTraceSerializer.serializeRequest(spansOf(batch) as never)?.length
  const spans = spansOf(batch)
  const serializer = () => ProtobufTraceSerializer.serializeRequest(spans as never)?.length
  const times: Record<string, number[]> = { ours: [], theirs: [], serializer: [] }
  let octets: Record<string, number | undefined> = {}
  for (let round = 0; round < (quick ? 2 : 40); round++) {
    for (const [name, run] of Object.entries({ ours, theirs, serializer })) {
      const begun = performance.now()
      octets = { ...octets, [name]: run() }
      times[name]?.push(performance.now() - begun)
    }
  }
  const perSecond = (name: string) => count / (median(times[name] ?? []) / 1000)
  const shown = (name: string) => `${Math.round(perSecond(name) / 1000)}k/s`
  // A library would have to make its spans of the same rows.
  const ratio = perSecond('ours') / perSecond('theirs')
  return [
    { what: `spans encoded by Weir (${octets['ours']} octets of ${count})`, value: shown('ours') },
    { what: 'spans made and encoded by otlp-transformer', value: shown('theirs') },
    {
      what: `spans encoded by otlp-transformer, made before (${octets['serializer']} octets)`,
      value: shown('serializer'),
    },
    {
      what: 'our speed by that of the transformer, from the same rows',
      value: ratio.toFixed(2),
      goal: '≥ 2, else the library would do',
      holds: ratio >= 2,
    },
  ]
}

/** What the SDK would hand to the transformer. */
function spansOf(batch: Batch) {
  return Array.from({ length: batch.length }, (_, index) => spanOf(rowOf(batch, index)))
}

function spanOf(row: Row) {
  const id = BigInt(String(row['connection_id'])).toString(16).padStart(16, '0')
  const time = (name: string) => {
    const ms = Date.parse(String(row[name]))
    return [Math.floor(ms / 1000), (ms % 1000) * 1_000_000]
  }
  return {
    name: `${row['protocol']} ${row['dst_workload']}:${row['dst_port']}`,
    kind: 2,
    spanContext: () => ({ traceId: id + id, spanId: id, traceFlags: 1 }),
    startTime: time('start'),
    endTime: time('end'),
    status: { code: 0 },
    attributes: attributesOf(row),
    links: [],
    events: [],
    duration: [0, 0],
    ended: true,
    resource: resourceOf(String(row['src_workload']), String(row['node'])),
    instrumentationScope: scope,
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  }
}

const scope = { name: 'weir', version: '0' }
const resources = new Map<string, object>()

/** One object per resource: the transformer groups by it. */
function resourceOf(service: string, host: string): object {
  const key = `${service} ${host}`
  const attributes = { 'service.name': service, 'host.name': host }
  const known = resources.get(key) ?? { attributes, merge: () => undefined }
  resources.set(key, known)
  return known
}

/** The attributes that our encoder writes. */
function attributesOf(row: Row): Record<string, unknown> {
  return {
    'network.transport': row['protocol'],
    'network.type': 'ipv4',
    'client.address': row['src_address'],
    'client.port': row['src_port'],
    'server.address': row['dst_address'],
    'server.port': row['dst_port'],
    'network.peer.address': row['dst_address'],
    'network.peer.port': row['dst_port'],
    'weir.connection.id': row['connection_id'],
    'weir.connection.bytes': row['total_bytes'],
    'weir.connection.reverse_bytes': row['total_reverse_bytes'],
    'weir.connection.end_reason': row['end_reason'],
    'weir.destination.workload': row['dst_workload'],
  }
}
