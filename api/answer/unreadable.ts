// Requests that are no requests, or too long for the parser: answered in words before the connection ends. The
// rest of what the client sends is read and thrown away for a moment, because a socket that is closed with
// unread octets is reset, and the reset takes the answer with it.

import type { Socket } from 'node:net'
import { apiError, bodyOf } from '../errors.ts'

/** What Node's parser says; `rawPacket` is the octets it stumbled on. */
interface ParserError {
  readonly code?: string
  readonly message: string
  readonly rawPacket?: unknown
}

/** Half of what Node's parser takes of a request before its body. */
const longLine = 8192
const lingerMs = 2000
const discardedMax = 4 * 1024 * 1024
const answered = new WeakSet<Socket>()

/** Fastify's `clientErrorHandler`. */
export function answerUnreadable(error: ParserError, socket: Socket): void {
  if (answered.has(socket)) return
  answered.add(socket)
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy()
  const fault = faultOf(error)
  const body = JSON.stringify(bodyOf(fault))
  const head = [
    `HTTP/1.1 ${fault.status} ${reasons[fault.status]}`,
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ]
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`)
  discardRest(socket)
}

const reasons: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  408: 'Request Timeout',
  414: 'URI Too Long',
  431: 'Request Header Fields Too Large',
}

function faultOf(error: ParserError) {
  if (error.code !== 'HPE_HEADER_OVERFLOW') {
    return apiError('bad_request', { details: { reason: error.message }, cause: error })
  }
  return apiError(isInAddress(error.rawPacket) ? 'address_too_long' : 'headers_too_long')
}

/** The address is the first line: whether it takes most of what is too long, or has not even ended. */
function isInAddress(packet: unknown): boolean {
  const text = Buffer.isBuffer(packet) ? packet.toString('latin1') : ''
  const lineEnd = text.indexOf('\r\n')
  const isFirst = /^[A-Z]+ /.test(text)
  return lineEnd < 0 || (isFirst && lineEnd > longLine)
}

function discardRest(socket: Socket): void {
  let discarded = 0
  const timer = setTimeout(() => socket.destroy(), lingerMs)
  timer.unref()
  socket.removeAllListeners('data')
  socket.on('data', (octets: Buffer) => {
    discarded += octets.length
    if (discarded > discardedMax) socket.destroy()
  })
  socket.once('end', () => socket.destroy())
  socket.once('close', () => clearTimeout(timer))
  socket.resume()
}
