// Moves the times of a checked block: central corrects the rows of an agent whose clock is wrong.

import type { BlockView } from './block-check.ts'

/** Adds `shiftNs` to every time of the block, in place. A time of 0 is none and stays: it stands below a null. */
export function shiftTimes({ octets, fields, data, rows }: BlockView, shiftNs: bigint): void {
  const view = new DataView(octets.buffer, octets.byteOffset, octets.length)
  for (const [index, field] of fields.entries()) {
    if (field.kind !== 'time') continue
    const begin = (data[index] as number) + (field.nullable ? rows : 0)
    for (let offset = begin; offset < begin + rows * 8; offset += 8) {
      const time = view.getBigInt64(offset, true)
      if (time !== 0n) view.setBigInt64(offset, BigInt.asIntN(64, time + shiftNs), true)
    }
  }
}
