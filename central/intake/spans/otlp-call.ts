// What the two ways of OTLP have in common: the bounds of a request, who takes it, what keeps it from being taken.

import type { Server } from 'node:net'
import { isIP } from 'node:net'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { messageOf } from '../../../common/mod.ts'
import { centralError } from '../../errors.ts'
import type { Endpoint } from '../config.ts'
import { BadMessage } from './protobuf.ts'

/** What became of a request. */
export interface Taken {
  readonly spans: number
  readonly rejected: number
}

/** How a request is written. */
export type RequestForm = 'protobuf' | 'json'

/** Takes a request; rejects with BadMessage, or with Busy when too much is on its way. */
export type TakeRequest = (octets: Buffer, form: RequestForm) => Promise<Taken>

/** A listener that can be closed. */
export interface Listening {
  readonly endpoint: Endpoint
  close(): Promise<void>
}

/** The sender should come again. */
export class Busy extends Error {}

/** More octets than a request may have. */
export class TooLarge extends Error {}

/** Of a request, also when it is unpacked; the specification recommends 64 MiB at most. */
export const requestBytesMax = 16 * 1024 ** 2

const unpack = promisify(gunzip)

/** Throws BadMessage, TooLarge. */
export async function unpacked(body: Buffer): Promise<Buffer> {
  try {
    return await unpack(body, { maxOutputLength: requestBytesMax })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') {
      throw new TooLarge(`more than ${requestBytesMax} octets`)
    }
    throw new BadMessage(`gzip: ${messageOf(error)}`)
  }
}

/** Resolves when the server listens. Throws AppError address_taken. */
export async function listening(server: Server, { host, port }: Endpoint): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const fail = (cause: NodeJS.ErrnoException) => {
      const address = isIP(host) === 6 ? `[${host}]:${port}` : `${host}:${port}`
      if (cause.code !== 'EADDRINUSE') reject(cause)
      else reject(centralError('address_taken', { details: { address }, cause }))
    }
    server.once('error', fail)
    server.listen({ host, port }, () => {
      server.off('error', fail)
      resolve()
    })
  })
}
