// The octets of a capture file from its begin to its end, unpacked if it is gzip or zstd.

import { closeSync, createReadStream, openSync, readSync } from 'node:fs'
import type { Readable } from 'node:stream'
import { createGunzip, createZstdDecompress } from 'node:zlib'
import { messageOf } from '../../common/mod.ts'
import { agentError } from '../errors.ts'

export interface OctetSource {
  /** Writes octets into `target` from `from` on; how many, 0 at the end. Throws `capture_unreadable`. */
  read(target: Uint8Array, from: number): number | Promise<number>
  close(): void
}

const gzip = [0x1f, 0x8b]
const zstd = [0x28, 0xb5, 0x2f, 0xfd]

/** Throws `capture_unreadable`. */
export function openOctets(file: string): OctetSource {
  const fd = attempt(file, () => openSync(file, 'r'))
  const head = new Uint8Array(4)
  attempt(file, () => readSync(fd, head, 0, head.length, 0))
  if (begins(head, gzip)) return unpacked(file, fd, createGunzip())
  if (begins(head, zstd)) return unpacked(file, fd, createZstdDecompress())
  return {
    read: (target, from) =>
      attempt(file, () => readSync(fd, target, from, target.length - from, null)),
    close: () => closeSync(fd),
  }
}

function begins(head: Uint8Array, magic: readonly number[]): boolean {
  return magic.every((octet, index) => head[index] === octet)
}

function unpacked(file: string, fd: number, through: ReturnType<typeof createGunzip>): OctetSource {
  const stream: Readable = createReadStream(file, { fd, start: 0 }).pipe(through)
  const chunks = stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>
  let left = new Uint8Array(0)

  async function read(target: Uint8Array, from: number): Promise<number> {
    if (left.length === 0) {
      const next = await chunks.next().catch((error: unknown) => {
        throw unreadable(file, error)
      })
      if (next.done === true) return 0
      left = new Uint8Array(next.value)
    }
    const part = left.subarray(0, target.length - from)
    target.set(part, from)
    left = left.subarray(part.length)
    return part.length
  }

  return { read, close: () => stream.destroy() }
}

function attempt<T>(file: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw unreadable(file, error)
  }
}

function unreadable(file: string, cause: unknown): Error {
  return agentError('capture_unreadable', { details: { file, reason: messageOf(cause) }, cause })
}
