// OTLP over HTTP (https://opentelemetry.io/docs/specs/otlp): POST /v1/traces with protobuf or JSON, gzip or plain. The
// answer has the form of the request.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { messageOf } from '../../../common/mod.ts'
import type { Endpoint } from '../config.ts'
import { partialSuccess, statusMessage } from './answer.ts'
import {
  Busy,
  type Listening,
  listening,
  type RequestForm,
  requestBytesMax,
  type Taken,
  type TakeRequest,
  TooLarge,
  unpacked,
} from './otlp-call.ts'
import { BadMessage } from './protobuf.ts'

export async function listenHttp(endpoint: Endpoint, take: TakeRequest): Promise<Listening> {
  const server = createServer((request, response) => {
    const form = formOf(request)
    handle(request, form, take)
      .catch((error) => answerTo(error))
      .then((answer) => send(response, answer, form ?? 'protobuf'))
      .catch(() => response.destroy())
  })
  server.maxConnections = 1_000
  await listening(server, endpoint)
  const { address, port } = server.address() as AddressInfo
  return {
    endpoint: { host: address, port },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeIdleConnections()
        setTimeout(() => server.closeAllConnections(), 1_000).unref()
      }),
  }
}

interface Answer {
  readonly status: number
  /** What became of the request, or why it is refused. */
  readonly content: Taken | string
  readonly headers?: Readonly<Record<string, string>>
}

const types: Readonly<Record<RequestForm, string>> = {
  protobuf: 'application/x-protobuf',
  json: 'application/json',
}

/** Undefined of what is neither. */
function formOf({ headers }: IncomingMessage): RequestForm | undefined {
  const type = (headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase()
  return (['protobuf', 'json'] as const).find((form) => types[form] === type)
}

async function handle(
  request: IncomingMessage,
  form: RequestForm | undefined,
  take: TakeRequest,
): Promise<Answer> {
  if (request.url !== '/v1/traces') return refusal(404, 'only /v1/traces is taken')
  if (request.method !== 'POST') return refusal(405, 'POST it')
  if (!form) return refusal(415, `send ${types.protobuf} or ${types.json}`)
  const encoding = request.headers['content-encoding'] ?? 'identity'
  if (encoding !== 'identity' && encoding !== 'gzip') return refusal(415, 'gzip or nothing')
  const body = await bodyOf(request)
  if (!body) return refusal(413, `at most ${requestBytesMax} octets`)
  const octets = encoding === 'gzip' ? await unpacked(body) : body
  return { status: 200, content: await take(octets, form) }
}

/** Undefined when it is too large. */
async function bodyOf(request: IncomingMessage): Promise<Buffer | undefined> {
  const parts: Buffer[] = []
  let length = 0
  for await (const part of request) {
    length += (part as Buffer).length
    if (length > requestBytesMax) return undefined
    parts.push(part as Buffer)
  }
  return Buffer.concat(parts)
}

function answerTo(error: unknown): Answer {
  if (error instanceof BadMessage) return refusal(400, error.message)
  if (error instanceof TooLarge) return refusal(413, error.message)
  if (error instanceof Busy) {
    return { ...refusal(503, error.message), headers: { 'retry-after': '1' } }
  }
  return refusal(500, messageOf(error))
}

function refusal(status: number, message: string): Answer {
  return { status, content: message }
}

function send(
  response: ServerResponse,
  { status, content, headers = {} }: Answer,
  form: RequestForm,
): void {
  const body =
    typeof content === 'string' ? statusMessage(content, form) : partialSuccess(content, form)
  const close = status === 413 ? { connection: 'close' } : {}
  response.writeHead(status, {
    'content-type': types[form],
    'content-length': body.length,
    ...headers,
    ...close,
  })
  response.end(body)
}
