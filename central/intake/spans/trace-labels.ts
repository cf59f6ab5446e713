// Writes the trace of a connection's span onto its rows, before they go into a segment. Only where spans are taken: each row
// of a socket is met then, because its span may come later. Blocks without a trace are left octet by octet.

import {
  type Batch,
  type BlockView,
  createBlockEncoder,
  createInterner,
  flowTable,
  readBlock,
  rewriteBlock,
} from '../../../wire/mod.ts'
import type { SeenRow, TracedSpan, Traces } from './traces.ts'

const needed = [
  'view',
  'time',
  'start',
  'end',
  'connection_id',
  'src_address',
  'dst_address',
  'src_port',
  'dst_port',
  'src_pid',
]
const labels = ['trace_id', 'span_id']

export function createTraceLabels(traces: Traces): (view: BlockView) => BlockView {
  const encoder = createBlockEncoder()

  return (view) => {
    if (view.table !== flowTable) return view
    const found = tracesOf(readBlock(view, needed), traces)
    if (found.size === 0) return view
    const batch = readBlock(view, labels, createInterner())
    for (const [row, { traceId, spanId }] of found) {
      setText(batch, 'trace_id', row, traceId)
      setText(batch, 'span_id', row, spanId)
    }
    return rewriteBlock(view, encoder, { batch, names: new Set(labels) })
  }
}

function setText(batch: Batch, name: string, row: number, value: string): void {
  const column = batch.columns[name]
  if (column) column.values[row] = batch.names.index(value)
}

/** By row. */
function tracesOf(batch: Batch, traces: Traces): ReadonlyMap<number, TracedSpan> {
  const { columns, names } = batch
  const views = columns['view']?.values
  const socket = names.index('socket')
  const rows: number[] = []
  for (let row = 0; row < batch.length; row++) if (views?.[row] === socket) rows.push(row)
  const found = traces.rows(rows.map((row) => seenRow(batch, row)))
  const known = found.flatMap((trace, index) =>
    trace ? [[rows[index] as number, trace] as const] : [],
  )
  return new Map(known)
}

function seenRow(batch: Batch, row: number): SeenRow {
  const { columns } = batch
  const values = (name: string) => columns[name]?.values as Uint32Array
  const octets = (name: string) => {
    const all = columns[name]?.values as Uint8Array
    return all.subarray(row * 16, row * 16 + 16)
  }
  const ids = values('connection_id')
  const reportedMs = msAt(values('time'), row)
  return {
    src: octets('src_address'),
    dst: octets('dst_address'),
    srcPort: values('src_port')[row] as number,
    dstPort: values('dst_port')[row] as number,
    srcPid: values('src_pid')[row] as number,
    id: [ids[row * 2] as number, ids[row * 2 + 1] as number],
    startMs: columns['start']?.nulls?.[row] === 1 ? 0 : msAt(values('start'), row),
    timeMs: Math.min(reportedMs, endAt(batch, row)),
    reportedMs,
  }
}

/** Rows of an open connection say no end. */
function endAt({ columns }: Batch, row: number): number {
  const end = columns['end']
  if (!end || end.nulls?.[row] === 1) return Number.POSITIVE_INFINITY
  return msAt(end.values as Uint32Array, row)
}

function msAt(values: Uint32Array, row: number): number {
  return ((values[row * 2 + 1] as number) * 0x1_0000_0000 + (values[row * 2] as number)) / 1e6
}
