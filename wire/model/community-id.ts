// Fields that are computed from the others, over a row in memory; the store computes the same in SQL
// (store/schema/community-id.ts).

import { createHash } from 'node:crypto'
import { parseAddress } from './address.ts'
import type { Row } from './row.ts'

/** Value of a row by name of the derived field. */
export const derivedValues: Readonly<Record<string, (row: Row) => string>> = {
  community_id: communityId,
}

const protocolNumbers: Readonly<Record<string, number>> = { tcp: 6, udp: 17, sctp: 132 }
const mappedPrefix = Buffer.from('00000000000000000000ffff', 'hex')

/** Community ID v1, seed 0 (https://github.com/corelight/community-id-spec); empty for protocols without ports. */
function communityId(row: Row): string {
  const number = protocolNumbers[String(row['protocol'])]
  if (number === undefined) return ''
  const [low, high] = [endOf(row, 'src'), endOf(row, 'dst')].sort(
    (one, other) =>
      Buffer.compare(one.address, other.address) || Buffer.compare(one.port, other.port),
  ) as [End, End]
  const hash = createHash('sha1').update(Buffer.of(0, 0)).update(low.address).update(high.address)
  hash.update(Buffer.of(number, 0)).update(low.port).update(high.port)
  return `1:${hash.digest('base64')}`
}

interface End {
  readonly address: Buffer
  readonly port: Buffer
}

function endOf(row: Row, end: 'src' | 'dst'): End {
  const octets = Buffer.from(parseAddress(String(row[`${end}_address`])) ?? new Uint8Array(16))
  const isMapped = octets.subarray(0, 12).equals(mappedPrefix)
  const port = Number(row[`${end}_port`])
  return {
    address: isMapped ? octets.subarray(12) : octets,
    port: Buffer.of(port >> 8, port & 255),
  }
}
