// How many packets records of drops stand for, as the ledger counts them at each stage that they pass.

import { dropRecordBytes, dropRecordWord as word } from '../../layout/drop-record.ts'

const recordWords = dropRecordBytes / 4
const two32 = 0x1_0000_0000

/** Of whole records. What found the table full has no time: the kernel's counter has it as lost, so it is none here. */
export function packetsOf(records: Uint8Array): number {
  const words = new Uint32Array(records.buffer, records.byteOffset, records.byteLength / 4)
  let packets = 0
  for (let at = 0; at < words.length; at += recordWords) {
    const last = at + word.last_ns
    if (words[last] === 0 && words[last + 1] === 0) continue
    const count = at + word.count
    packets += (words[count] as number) + (words[count + 1] as number) * two32
  }
  return packets
}
