// Memory that the kernel and this process share: a ring, the variables of an object's programs.

import { fail } from './errors.ts'
import { lastError, openLibc } from './library.ts'

export interface Mapping {
  readonly size: number
  readonly protection: number
  readonly offset: number
  /** For messages: `the ring`. */
  readonly what: string
}

/** PROT_* of mmap(2). */
export const protection = { read: 1, readWrite: 3 } as const
const mapShared = 1

/** The address. After `munmap` no view of it may be touched. Throws `kernel_call`. */
export function mapDescriptor(fd: number, mapping: Mapping): bigint {
  const { size, offset } = mapping
  const address = openLibc().mmap(null, size, mapping.protection, mapShared, fd, offset)
  if (address === null || BigInt.asIntN(64, address) === -1n) {
    const details = { what: `mapping ${mapping.what}`, reason: lastError() }
    throw fail('kernel_call', { details })
  }
  return address
}
