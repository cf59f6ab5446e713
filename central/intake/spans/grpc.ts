// OTLP over gRPC: one unary call, written here: five octets before a message (packed? · length), the status in the
// trailers (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md).

import {
  constants,
  createServer,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2'
import type { AddressInfo } from 'node:net'
import { messageOf } from '../../../common/mod.ts'
import type { Endpoint } from '../config.ts'
import { partialSuccess } from './answer.ts'
import {
  Busy,
  type Listening,
  listening,
  requestBytesMax,
  type TakeRequest,
  TooLarge,
  unpacked,
} from './otlp-call.ts'
import { BadMessage } from './protobuf.ts'

const path = '/opentelemetry.proto.collector.trace.v1.TraceService/Export'
const code = {
  invalidArgument: 3,
  resourceExhausted: 8,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
}
const headLength = 5

export async function listenGrpc(endpoint: Endpoint, take: TakeRequest): Promise<Listening> {
  const sessions = new Set<ServerHttp2Session>()
  const server = createServer({ maxSessionMemory: 64 })
  server.on('session', (session) => {
    sessions.add(session)
    session.once('close', () => sessions.delete(session))
    session.on('error', () => session.destroy())
  })
  server.on('sessionError', () => undefined)
  server.on('stream', (stream, headers) => {
    stream.on('error', () => undefined)
    answer(stream, headers, take).catch(() => stream.destroy())
  })
  await listening(server, endpoint)
  const { address, port } = server.address() as AddressInfo
  return {
    endpoint: { host: address, port },
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      for (const session of sessions) session.close()
      setTimeout(() => {
        for (const session of sessions) session.destroy()
      }, 1_000).unref()
      await closed
    },
  }
}

async function answer(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  take: TakeRequest,
): Promise<void> {
  if (headers[constants.HTTP2_HEADER_PATH] !== path) {
    return fail(stream, code.unimplemented, 'only traces are taken')
  }
  try {
    const message = await messageIn(stream, String(headers['grpc-encoding'] ?? 'identity'))
    const body = partialSuccess(await take(message, 'protobuf'))
    if (stream.destroyed) return
    stream.respond(
      { ':status': 200, 'content-type': 'application/grpc' },
      { waitForTrailers: true },
    )
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
    const head = Buffer.alloc(headLength)
    head.writeUInt32BE(body.length, 1)
    stream.end(Buffer.concat([head, body]))
  } catch (error) {
    fail(stream, codeOf(error), messageOf(error))
  }
}

async function messageIn(stream: ServerHttp2Stream, encoding: string): Promise<Buffer> {
  const parts: Buffer[] = []
  let length = 0
  for await (const part of stream) {
    length += (part as Buffer).length
    if (length > requestBytesMax + headLength) throw new TooLarge('the request is too large')
    parts.push(part as Buffer)
  }
  const whole = Buffer.concat(parts)
  if (whole.length < headLength || whole.readUInt32BE(1) !== whole.length - headLength) {
    throw new BadMessage('it is not one message')
  }
  const message = whole.subarray(headLength)
  if (whole[0] === 0) return message
  if (encoding !== 'gzip') throw new Unknown(`encoding ${encoding} is not known`)
  return unpacked(message)
}

class Unknown extends Error {}

function codeOf(error: unknown): number {
  if (error instanceof BadMessage) return code.invalidArgument
  if (error instanceof TooLarge) return code.resourceExhausted
  if (error instanceof Unknown) return code.unimplemented
  return error instanceof Busy ? code.unavailable : code.internal
}

/** A status without a message: headers that are trailers. */
function fail(stream: ServerHttp2Stream, status: number, message: string): void {
  if (stream.destroyed) return
  stream.respond(
    {
      ':status': 200,
      'content-type': 'application/grpc',
      'grpc-status': String(status),
      'grpc-message': encodeURIComponent(message),
    },
    { endStream: true },
  )
}
