// Dumps of a probe that has conditions. An end passes by what its other end meets too, and may be visited before it:
// so the first dump goes through all sockets twice. What the ends met is forgotten here once it is old.

import { createMapEntries } from '../../loader/map-batch.ts'
import type { LoadedObject } from '../../loader/object.ts'
import type { Living } from '../spec.ts'

/** until_ns of struct met_conditions, the first member; CLOCK_MONOTONIC. */
const untilWord = 0

export function createConditionalDumps(
  object: Pick<LoadedObject, 'map'>,
  dumps: Living,
  nowNs: () => bigint = () => process.hrtime.bigint(),
): Living {
  const met = object.map('met_by_pair')
  const entries = createMapEntries()
  let isFirst = true

  /** Whole dumps alone meet every open socket, and say so in its entry. */
  function dump(options: { readonly onlyChanges?: boolean } = {}): Uint8Array {
    if (isFirst) return firstDump()
    const records = dumps.dump(options)
    if (!options.onlyChanges) forget()
    return records
  }

  /** All records of both: each is counted in the kernel. Its buffer is the next dump's too. */
  function firstDump(): Uint8Array {
    isFirst = false
    const before = Buffer.from(dumps.dump())
    return Buffer.concat([before, dumps.dump()])
  }

  function forget(): void {
    const now = nowNs()
    met.read(entries)
    const valueWords = met.valueBytes / 4
    for (let index = 0; index < entries.count; index++) {
      const at = index * valueWords + untilWord
      const until =
        (BigInt(entries.valueWords[at + 1] as number) << 32n) |
        BigInt(entries.valueWords[at] as number)
      if (until < now)
        met.delete(entries.keys.subarray(index * met.keyBytes, (index + 1) * met.keyBytes))
    }
  }

  return { ...dumps, dump }
}
