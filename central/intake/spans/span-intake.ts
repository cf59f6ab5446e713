// Traces of applications by OTLP → rows of view `trace`, and the trace on the rows of the connections. A request is
// answered when its rows are on disk.

import type { Component, Reporter } from '../../../common/mod.ts'
import type { Batch, RowValues } from '../../../wire/mod.ts'
import type { StageLedger } from '../../ingest/stage-ledger.ts'
import type { Endpoint } from '../config.ts'
import { Busy, type Listening, type RequestForm, type Taken, TooLarge } from './otlp-call.ts'
import { forEachSpan, type Span } from './request.ts'
import { forEachJsonSpan } from './request-json.ts'
import { type SpanEnds, spanEndsOf } from './span-ends.ts'
import { batchesOf, nodeOf, spanRow } from './span-rows.ts'
import type { Traces } from './traces.ts'

export interface SpanIntakeConfig {
  readonly otlpHttp: Endpoint | undefined
  readonly otlpGrpc: Endpoint | undefined
}

export interface SpanIntakeDeps {
  readonly ledger: StageLedger
  /** Takes rows of one node; resolves when they would survive a power loss. */
  readonly take: (node: string, batch: Batch) => Promise<void>
  readonly traces: Traces
  readonly nowMs?: () => number
}

export interface SpanIntake extends Component {
  /** Where OTLP comes in; only after start. */
  addresses(): { readonly http: Endpoint | undefined; readonly grpc: Endpoint | undefined }
}

const pendingBytesMax = 64 * 1024 ** 2
const pastMaxNs = 6n * 86_400_000_000_000n
const futureMaxNs = 1_800_000_000_000n
const sweepMs = 5_000
/** Of a request: SDKs send 512, collectors some thousands. */
const spansMax = 50_000

export function createSpanIntake(
  config: SpanIntakeConfig,
  deps: SpanIntakeDeps,
  reporter: Reporter,
): SpanIntake {
  const { traces, nowMs = Date.now } = deps
  const counted = reporter.counter(
    'spans_total',
    'Spans of applications: found (its connection is known), none, ambiguous (several could be), no_peer, bad_span',
  )
  const known = () => traces.size()
  reporter.gauge('waiting_spans', 'Spans that rows are compared with', () => known().spans)
  reporter.gauge(
    'connections',
    'Connections that spans are compared with',
    () => known().connections,
  )
  let pendingBytes = 0
  let http: Listening | undefined
  let grpc: Listening | undefined
  let timer: NodeJS.Timeout | undefined

  async function take(octets: Buffer, form: RequestForm): Promise<Taken> {
    if (pendingBytes + octets.length > pendingBytesMax) throw new Busy('too much is on its way')
    pendingBytes += octets.length
    try {
      return await store(octets, form)
    } finally {
      pendingBytes -= octets.length
    }
  }

  async function store(octets: Buffer, form: RequestForm): Promise<Taken> {
    const spans: Span[] = []
    const forEach = form === 'json' ? forEachJsonSpan : forEachSpan
    forEach(octets, (span) => {
      if (spans.push(span) > spansMax) throw new TooLarge(`more than ${spansMax} spans`)
    })
    let rejected = 0
    const rows = spans.flatMap((span): RowValues[] => {
      const ends = spanEndsOf(span)
      const outcome = ends ? faultOf(span, nowMs()) : 'no_peer'
      if (outcome === 'bad_span') rejected++
      if (!ends || outcome !== undefined) {
        leaveOut(outcome ?? 'no_peer', ends)
        return []
      }
      return [rowOf(span, ends)]
    })
    await Promise.all(batchesOf(rows).map(([node, batch]) => deps.take(node, batch)))
    return { spans: spans.length, rejected }
  }

  function rowOf(span: Span, ends: SpanEnds): RowValues {
    const [startMs, endMs] = [Number(span.startNs / 1_000_000n), Number(span.endNs / 1_000_000n)]
    const { traceId, spanId } = span
    const match = traces.span({ traceId, spanId, startMs, endMs }, ends)
    counted.add(1, match.state)
    const line = deps.ledger.ofIntake('otlp', 'records', nodeOf(ends))
    line.count('entered', 1)
    line.count('left', 1)
    return spanRow(span, ends, match)
  }

  function leaveOut(cause: 'no_peer' | 'bad_span', ends: SpanEnds | undefined): void {
    counted.add(1, cause)
    const line = deps.ledger.ofIntake('otlp', 'records', ends ? nodeOf(ends) : 'otlp')
    line.count('entered', 1)
    if (cause === 'no_peer') line.leaveOut(1, cause)
    else line.lose(1, cause)
  }

  async function start(): Promise<void> {
    // Loaded when they are asked for: most centrals take no spans.
    if (config.otlpHttp) http = await (await import('./http.ts')).listenHttp(config.otlpHttp, take)
    if (config.otlpGrpc) grpc = await (await import('./grpc.ts')).listenGrpc(config.otlpGrpc, take)
    if (http || grpc) timer = setInterval(traces.sweep, sweepMs)
  }

  async function stop(): Promise<void> {
    clearInterval(timer)
    await Promise.all([http?.close(), grpc?.close()])
  }

  const addresses = () => ({ http: http?.endpoint, grpc: grpc?.endpoint })
  return { name: 'span-intake', start, stop, addresses }
}

/** What keeps a span from being stored. */
function faultOf({ traceId, spanId, startNs, endNs }: Span, nowMs: number): 'bad_span' | undefined {
  if (traceId.length !== 32 || spanId.length !== 16) return 'bad_span'
  const nowNs = BigInt(nowMs) * 1_000_000n
  const isPossible = endNs >= nowNs - pastMaxNs && endNs <= nowNs + futureMaxNs
  return isPossible && startNs > 0n && startNs <= endNs ? undefined : 'bad_span'
}
