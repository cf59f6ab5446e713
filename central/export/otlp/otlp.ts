// An OpenTelemetry collector as a receiver: ended connections as client spans, all flows as sums, events as logs.

import { readVersion } from '../../../common/mod.ts'
import type { ExportConfig } from '../config.ts'
import { exportError } from '../errors.ts'
import type { ExportBatch, ExportPart, Receiver, ReceiverKind, Rejected } from '../receiver.ts'
import { tlsOptions } from '../tls.ts'
import {
  addToSeries,
  type Dialect,
  encodeLogs,
  encodeSpans,
  encodeSums,
  type FlowSeries,
  otlpFlowFields,
} from './encode.ts'
import { readFields } from './protobuf-read.ts'
import {
  type Compression,
  createGrpcTransport,
  createHttpTransport,
  type Signal,
  type Transport,
} from './transport.ts'

export const otlpKind: ReceiverKind = {
  needs: ({ table, fields }) => (table.name === 'flows' ? otlpFlowFields : fields),
  create: createOtlp,
}

/** Rows of a request: some 3 MB, below the 4 MiB that gRPC servers take when nobody says more. */
const requestRows = 2_000
const seriesMax = 10_000
const signals: readonly Signal[] = ['traces', 'metrics', 'logs']

interface Settings {
  readonly signals: ReadonlySet<string>
  readonly dialect: Dialect
  readonly temporality: 'delta' | 'cumulative'
  readonly version: string
}

function createOtlp(config: ExportConfig): Receiver {
  const { name, options = {} } = config
  const wrong = (what: string) => exportError('export_wrong', { details: { name, what } })
  const url = URL.parse(config.endpoint)
  if (!url || !/^https?:$/.test(url.protocol))
    throw wrong('endpoint: expected http://HOST:PORT or https://HOST:PORT')
  const wanted = (options['signals'] ?? 'traces,metrics,logs').split(',').map((one) => one.trim())
  const strange = wanted.find((one) => !signals.some((known) => known === one))
  if (strange !== undefined) throw wrong(`signals: ${strange} is none of ${signals.join(', ')}`)
  const transport = transportOf(config, url, wrong)
  const settings: Settings = {
    signals: new Set(wanted),
    dialect: (options['dialect'] ?? 'semconv') as Dialect,
    temporality: (options['temporality'] ?? 'cumulative') as Settings['temporality'],
    version: readVersion(),
  }
  const sums = createSums(settings)

  async function send(batch: ExportBatch, _: unknown, signal: AbortSignal) {
    const { repeated } = batch
    const rejected: Rejected[] = []
    const { version } = settings
    for (const parts of slicesOf(batch.parts, requestRows)) {
      if (batch.table.name === 'flows') {
        const spans = settings.signals.has('traces')
          ? encodeSpans(parts, { dialect: settings.dialect, repeated, version })
          : undefined
        if (spans) rejected.push(rejectedOf(await transport.send('traces', spans, signal)))
      } else if (settings.signals.has('logs')) {
        const logs = encodeLogs(parts, batch.table.fields, { repeated, version })
        rejected.push(rejectedOf(await transport.send('logs', logs, signal)))
      }
    }
    if (batch.table.name === 'flows' && settings.signals.has('metrics')) {
      await transport.send('metrics', sums.of(batch), signal)
    }
    const rows = rejected.reduce((sum, one) => sum + one.rows, 0)
    return rows > 0
      ? {
          rows,
          what: rejected
            .map(({ what }) => what)
            .join(' ')
            .trim(),
        }
      : undefined
  }

  return { target: url.origin, send, close: async () => transport.close() }
}

/** What an answer says of spans or log records that were not taken: its member partial_success. */
function rejectedOf(answer: Buffer): Rejected {
  const partial = readFields(answer).get(1)
  const said = partial instanceof Uint8Array ? readFields(partial) : new Map<number, undefined>()
  const [rows, what] = [said.get(1), said.get(2)]
  return {
    rows: typeof rows === 'number' ? rows : 0,
    what: what instanceof Uint8Array ? Buffer.from(what).toString() : '',
  }
}

function transportOf(config: ExportConfig, url: URL, wrong: (what: string) => Error): Transport {
  const { options = {}, tls } = config
  const protocol = options['protocol'] ?? 'grpc'
  const compression = (options['compression'] ?? 'gzip') as Compression
  if (protocol === 'grpc' && compression === 'zstd') {
    throw wrong('compression: gRPC has gzip or none; zstd is of http/protobuf')
  }
  const headers: Record<string, string> = {}
  for (const pair of (options['headers'] ?? '').split(',').filter((one) => one.trim() !== '')) {
    const at = pair.indexOf('=')
    if (at < 1) throw wrong('headers: expected NAME=VALUE, NAME=VALUE')
    headers[pair.slice(0, at).trim().toLowerCase()] = pair.slice(at + 1).trim()
  }
  const make = protocol === 'grpc' ? createGrpcTransport : createHttpTransport
  return make({ url, compression, headers, tls: async () => (tls ? tlsOptions(tls) : undefined) })
}

/** Sums of flows, once per batch however often it is sent. */
function createSums({ temporality, version }: Settings) {
  const totals = new Map<string, FlowSeries>()
  const startMs = Date.now()
  let last: { id: string; message: Buffer; nowMs: number } = {
    id: '',
    message: Buffer.alloc(0),
    nowMs: startMs,
  }

  function of(batch: ExportBatch): Buffer {
    if (last.id === batch.id) return last.message
    const isDelta = temporality === 'delta'
    const series = isDelta ? new Map<string, FlowSeries>() : totals
    addToSeries(series, batch.parts, seriesMax)
    const nowMs = Math.max(Date.now(), last.nowMs + 1)
    const times = { startMs: isDelta ? last.nowMs : startMs, nowMs }
    const message = encodeSums(series.values(), { temporality, version, ...times })
    last = { id: batch.id, message, nowMs }
    return message
  }

  return { of }
}

/** The parts in slices of so many rows at most. */
function* slicesOf(
  parts: readonly ExportPart[],
  rowsMax: number,
): Generator<readonly ExportPart[]> {
  let slice: ExportPart[] = []
  let room = rowsMax
  for (const { batch, rows } of parts) {
    for (let from = 0; from < rows.length; ) {
      const some = rows.slice(from, from + room)
      slice.push({ batch, rows: some })
      from += some.length
      room -= some.length
      if (room > 0) continue
      yield slice
      slice = []
      room = rowsMax
    }
  }
  if (slice.length > 0) yield slice
}
