// Spans → rows of view `trace`: who called whom and when, with no bytes. The row names the connection when it is known.

import { appendRow, type Batch, createBatch, flowTable, type RowValues } from '../../../wire/mod.ts'
import type { Span } from './request.ts'
import type { SpanEnd, SpanEnds } from './span-ends.ts'
import type { Match } from './traces.ts'

/** The row of a span between these ends. */
export function spanRow(span: Span, ends: SpanEnds, match: Match): RowValues {
  const { src, dst, side } = ends
  const [low, high] = match.state === 'found' ? match.id : [0, 0]
  return {
    time: span.endNs,
    start: span.startNs,
    end: span.endNs,
    node: nodeOf(ends),
    view: 'trace',
    observer: side,
    counted: true,
    protocol: protocolOf(span),
    direction_known: true,
    connection_id: (BigInt(high) << 32n) | BigInt(low),
    trace_id: span.traceId,
    span_id: span.spanId,
    ...endValues('src', src),
    ...endValues('dst', dst),
  }
}

/** Where the span was made; `otlp` when it does not say. */
export function nodeOf({ src, dst, side }: SpanEnds): string {
  return (side === 'src' ? src : dst).node || 'otlp'
}

function protocolOf({ attributes }: Span): string {
  const name = attributes.get('network.transport') ?? attributes.get('net.transport') ?? ''
  const plain = String(name).replace(/^ip_/, '')
  return plain === 'tcp' || plain === 'udp' ? plain : ''
}

function endValues(side: 'src' | 'dst', end: SpanEnd): RowValues {
  return {
    [`${side}_address`]: end.address || '::',
    [`${side}_port`]: end.port,
    [`${side}_workload`]: end.workload,
    [`${side}_namespace`]: end.namespace,
    [`${side}_pod`]: end.pod,
    [`${side}_process`]: end.process,
    [`${side}_pid`]: end.pid,
    [`${side}_container`]: end.container,
    [`${side}_node`]: end.node,
  }
}

/** The rows by node. */
export function batchesOf(rows: readonly RowValues[]): readonly (readonly [string, Batch])[] {
  const nodes = Map.groupBy(rows, (row) => String(row['node']))
  return [...nodes].map(([node, some]) => {
    const batch = createBatch(flowTable, some.length)
    for (const row of some) appendRow(batch, row)
    return [node, batch] as const
  })
}
