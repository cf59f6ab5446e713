// The real OpenTelemetry Collector for a test. It is built from Go modules by tools/ready.mjs (test/programs/otelcol), where
// Go is to be had, and writes what it was sent to a file.

import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { freePort } from '../../../common/free-port.fake.ts'
import { createServer } from '../server.fake.ts'

const program = fileURLToPath(new URL('../../../build/otelcol', import.meta.url))

/** As a test's `skip`: why it cannot run. */
export const noCollector =
  !existsSync(program) && 'the collector is not built: npm run setup (needs Go)'

interface Value {
  readonly stringValue?: string
  readonly intValue?: string
  readonly boolValue?: boolean
}
export interface Attributed {
  readonly attributes?: readonly { readonly key: string; readonly value: Value }[]
}
interface Span extends Attributed {
  readonly traceId: string
  readonly spanId: string
  readonly name: string
  readonly kind: number
  readonly startTimeUnixNano: string
  readonly endTimeUnixNano: string
  readonly status?: { readonly code?: number; readonly message?: string }
}
interface Point extends Attributed {
  readonly asInt: string
  readonly startTimeUnixNano: string
  readonly timeUnixNano: string
}
export interface Line {
  readonly resourceSpans?: { resource: Attributed; scopeSpans: { spans: Span[] }[] }[]
  readonly resourceMetrics?: {
    scopeMetrics: {
      metrics: {
        name: string
        sum: { dataPoints: Point[]; isMonotonic: boolean; aggregationTemporality: number }
      }[]
    }[]
  }[]
  readonly resourceLogs?: {
    scopeLogs: { logRecords: (Attributed & { body: Value; timeUnixNano: string })[] }[]
  }[]
}

export interface Collector {
  readonly grpc: string
  readonly http: string
  start(): Promise<void>
  stop(signal: NodeJS.Signals): Promise<void>
  lines(): readonly Line[]
}

/** Where a collector sends the traces that it takes, besides its file. */
export interface Forward {
  readonly grpc: number
  readonly http: number
}

/**
 * `path` is where it writes and is configured; `more` settings of its receivers; `forward` ports of loopback that get
 * each trace three times: by gRPC, as protobuf and as JSON.
 */
export async function createCollector(
  path: string,
  more = '',
  forward?: Forward,
): Promise<Collector> {
  const [grpc, http] = [await freePort(), await freePort()]
  const out = `${path}.json`
  const config = `${path}.yaml`
  writeFileSync(
    config,
    `receivers:
  otlp:
    protocols:
      grpc: { endpoint: "127.0.0.1:${grpc}"${more === '' ? '' : `, ${more}`} }
      http: { endpoint: "127.0.0.1:${http}"${more === '' ? '' : `, ${more}`} }
exporters:
  file: { path: "${out}", append: true, flush_interval: 10ms }
${forward ? forwarding(forward) : ''}
service:
  telemetry: { metrics: { level: none }, logs: { level: error } }
  pipelines:
    traces: { receivers: [otlp], exporters: [file${forward ? ', otlp_grpc, otlp_http, otlp_http/json' : ''}] }
    metrics: { receivers: [otlp], exporters: [file] }
    logs: { receivers: [otlp], exporters: [file] }
`,
  )
  const server = createServer({ program, args: ['--config', config], ports: [grpc, http] })

  /** A line that a killed collector broke off is none. */
  function lines(): readonly Line[] {
    if (!existsSync(out)) return []
    return readFileSync(out, 'utf8')
      .split('\n')
      .flatMap((line) => {
        try {
          return [JSON.parse(line) as Line]
        } catch {
          return []
        }
      })
  }

  const [grpcUrl, httpUrl] = [`http://127.0.0.1:${grpc}`, `http://127.0.0.1:${http}`]
  return { grpc: grpcUrl, http: httpUrl, start: server.start, stop: server.stop, lines }
}

function forwarding({ grpc, http }: Forward): string {
  const place = `endpoint: "http://127.0.0.1:${http}"`
  return `  otlp_grpc: { endpoint: "127.0.0.1:${grpc}", tls: { insecure: true } }
  otlp_http: { ${place}, encoding: proto }
  otlp_http/json: { ${place}, encoding: json, compression: none }`
}

export const spansOf = (collector: Collector) =>
  collector
    .lines()
    .flatMap(({ resourceSpans = [] }) =>
      resourceSpans.flatMap(({ resource, scopeSpans }) =>
        scopeSpans.flatMap(({ spans }) =>
          spans.map((span) => ({ ...span, resource: plain(resource) })),
        ),
      ),
    )

export function plain({ attributes = [] }: Attributed): Record<string, string | number | boolean> {
  return Object.fromEntries(
    attributes.map(({ key, value }) => [
      key,
      value.stringValue ?? value.boolValue ?? Number(value.intValue),
    ]),
  )
}
