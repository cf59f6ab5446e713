// IPFIX over TCP (RFC 7011, 10.4): messages one after the other, each says its length. Templates live as long as the
// connection.

import { createServer, type Server, type Socket } from 'node:net'
import { messageOf } from '../../../common/mod.ts'
import { centralError } from '../../errors.ts'
import type { Endpoint } from '../config.ts'
import type { Source } from './streams.ts'

export interface TcpDeps {
  readonly accepts: (address: string) => boolean
  /** Number of a new connection. */
  readonly open: () => number
  /** The octets are used again after the call. */
  readonly message: (octets: Uint8Array, source: Source) => void
  readonly closed: (connection: number) => void
}

export interface TcpIntake {
  close(): Promise<void>
}

const connectionsMax = 256
const headLength = 16
const ipfixVersion = 10

export async function listenTcp(endpoint: Endpoint, deps: TcpDeps): Promise<TcpIntake> {
  const sockets = new Set<Socket>()
  const server: Server = createServer((socket) => {
    const address = socket.remoteAddress ?? ''
    if (!deps.accepts(address)) return socket.destroy()
    sockets.add(socket)
    socket.setKeepAlive(true, 30_000)
    const connection = deps.open()
    const source = { address, port: socket.remotePort ?? 0, connection }
    const frames = createFrames((octets) => deps.message(octets, source))
    socket.on('data', (octets) => {
      // What is no IPFIX cannot be resumed: nobody knows where the next message begins.
      if (!frames(octets)) socket.destroy()
    })
    socket.on('error', () => undefined)
    socket.once('close', () => {
      sockets.delete(socket)
      deps.closed(connection)
    })
    return undefined
  })
  server.maxConnections = connectionsMax
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const address = `${endpoint.host}:${endpoint.port}`
      if (cause.code === 'EADDRINUSE')
        reject(centralError('address_taken', { details: { address }, cause }))
      else reject(new Error(`listening on ${address}: ${messageOf(cause)}`, { cause }))
    })
    server.listen(endpoint, resolve)
  })
  return {
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve))
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

/** Cuts a stream into messages; false when it is none. The last message of a stream that is no IPFIX is handed on, too: it is counted as damaged. */
function createFrames(message: (octets: Uint8Array) => void): (octets: Buffer) => boolean {
  let rest: Buffer = Buffer.alloc(0)
  return (octets) => {
    rest = rest.length === 0 ? octets : Buffer.concat([rest, octets])
    while (rest.length >= 4) {
      const length = rest.readUInt16BE(2)
      if (rest.readUInt16BE(0) !== ipfixVersion || length < headLength) {
        message(rest.subarray(0, headLength))
        return false
      }
      if (rest.length < length) break
      message(rest.subarray(0, length))
      rest = rest.subarray(length)
    }
    return true
  }
}
