// How an OTLP request reaches a collector: HTTP/1.1 with protobuf, or gRPC over HTTP/2 (unary calls, written here:
// five octets before a message and the status in the trailers).

import { request as httpRequest, type IncomingMessage } from 'node:http'
import { type ClientHttp2Session, connect, constants } from 'node:http2'
import { request as httpsRequest } from 'node:https'
import { buffer } from 'node:stream/consumers'
import { promisify } from 'node:util'
import { gzip, zstdCompress } from 'node:zlib'
import { exportError } from '../errors.ts'
import { RetryLater } from '../receiver.ts'
import type { TlsOptions } from '../tls.ts'

export type Signal = 'traces' | 'metrics' | 'logs'
export type Compression = 'gzip' | 'zstd' | 'none'

export interface TransportConfig {
  readonly url: URL
  readonly compression: Compression
  readonly headers: Readonly<Record<string, string>>
  readonly tls: () => Promise<TlsOptions | undefined>
}

export interface Transport {
  /** Gives the answer's message. */
  send(signal: Signal, message: Buffer, abort: AbortSignal): Promise<Buffer>
  close(): void
}

const compress = { gzip: promisify(gzip), zstd: promisify(zstdCompress) }
/** What says that these rows will never be taken; a wrong address or token can be corrected. */
const refusedStatus = new Set([400, 413, 422])
const grpcInvalidArgument = 3
const grpcServices: Readonly<Record<Signal, string>> = {
  traces: 'trace.v1.TraceService',
  metrics: 'metrics.v1.MetricsService',
  logs: 'logs.v1.LogsService',
}

export function createHttpTransport({
  url,
  compression,
  headers,
  tls,
}: TransportConfig): Transport {
  return {
    send: async (signal, message, abort) => {
      const body = compression === 'none' ? message : await compress[compression](message)
      const target = new URL(url)
      target.pathname = `${url.pathname.replace(/\/$/, '')}/v1/${signal}`
      const answer = await new Promise<IncomingMessage>((resolve, reject) => {
        const make = async () => {
          const request = target.protocol === 'https:' ? httpsRequest : httpRequest
          const sent = request(target, {
            method: 'POST',
            signal: abort,
            headers: {
              ...headers,
              'content-type': 'application/x-protobuf',
              'content-length': body.length,
              ...(compression === 'none' ? {} : { 'content-encoding': compression }),
            },
            ...(await tls()),
          })
          sent.once('response', resolve).once('error', reject)
          sent.end(body)
        }
        make().catch(reject)
      })
      const octets = await buffer(answer)
      const text = octets.subarray(0, 200).toString('latin1')
      checkStatus(answer.statusCode ?? 0, text, answer.headers['retry-after'])
      return octets
    },
    close: () => undefined,
  }
}

function checkStatus(status: number, text: string, retryAfter: string | undefined): void {
  if (status >= 200 && status < 300) return
  const what = `HTTP ${status} ${printable(text)}`.trim()
  if (refusedStatus.has(status)) throw exportError('export_refused', { details: { what } })
  const seconds = Number(retryAfter)
  if (seconds > 0) throw new RetryLater(what, Math.min(seconds, 300) * 1000)
  throw exportError('export_away', { details: { what } })
}

function printable(text: string): string {
  return text.replaceAll(/[^ -~]+/g, ' ').trim()
}

export function createGrpcTransport({
  url,
  compression,
  headers,
  tls,
}: TransportConfig): Transport {
  let session: ClientHttp2Session | undefined

  async function opened(): Promise<ClientHttp2Session> {
    if (session && !session.closed && !session.destroyed) return session
    const fresh = connect(url.origin, { ...(await tls()) })
    // Also said to the call that waits; without a listener it would end the process.
    fresh.on('error', () => fresh.destroy())
    fresh.unref()
    session = fresh
    return fresh
  }

  async function send(signal: Signal, message: Buffer, abort: AbortSignal): Promise<Buffer> {
    const isPacked = compression !== 'none'
    const packed = isPacked ? await compress[compression](message) : message
    const head = Buffer.alloc(5)
    head[0] = isPacked ? 1 : 0
    head.writeUInt32BE(packed.length, 1)
    const call = (await opened()).request(
      {
        ...headers,
        [constants.HTTP2_HEADER_METHOD]: 'POST',
        [constants.HTTP2_HEADER_PATH]: `/opentelemetry.proto.collector.${grpcServices[signal]}/Export`,
        'content-type': 'application/grpc',
        te: 'trailers',
        ...(isPacked ? { 'grpc-encoding': compression } : {}),
      },
      { signal: abort },
    )
    const answer: Buffer[] = []
    const status = await new Promise<readonly [number, string]>((resolve, reject) => {
      let found: readonly [number, string] | undefined
      const read = (trailers: Readonly<Record<string, unknown>>) => {
        const code = trailers['grpc-status']
        if (code !== undefined) found = [Number(code), String(trailers['grpc-message'] ?? '')]
        else if (Number(trailers[':status'] ?? 200) !== 200)
          found = [14, `HTTP ${trailers[':status']}`]
      }
      call.on('response', read).on('trailers', read).on('error', reject)
      call.on('close', () =>
        found ? resolve(found) : reject(new Error('the call ended without a status')),
      )
      call.on('data', (chunk: Buffer) => answer.push(chunk))
      call.end(Buffer.concat([head, packed]))
    })
    if (status[0] === 0) return Buffer.concat(answer).subarray(5)
    const what = `gRPC status ${status[0]} ${printable(decodeURIComponent(status[1]))}`
    const code = status[0] === grpcInvalidArgument ? 'export_refused' : 'export_away'
    throw exportError(code, { details: { what } })
  }

  return { send, close: () => session?.destroy() }
}
