// An address or a CIDR of a query string.

import type { FilterValue } from '../../store/query/mod.ts'
import { formatAddress, parseAddress, parseAddressRange } from '../../wire/mod.ts'
import { badParameter } from '../errors.ts'
import { quoted } from './time.ts'

const hint = 'Give an address (10.0.0.1, 2001:db8::1) or a CIDR (10.0.0.0/8, 2001:db8::/32).'

/** Host bits of a CIDR are ignored; an IPv4 prefix never covers IPv6 addresses. */
export function parseAddressValue(parameter: string, text: string): FilterValue {
  const [address = '', prefix, ...rest] = text.split('/')
  const octets = rest.length === 0 ? parseAddress(address) : undefined
  if (!octets) throw badParameter(parameter, `${quoted(text)} is no address`, hint)
  if (prefix === undefined) return formatAddress(octets)
  const range = parseAddressRange(text)
  if (range) return { first: mappedText(range.first), last: mappedText(range.last) }
  const most = address.includes(':') ? 128 : 32
  throw badParameter(parameter, `${quoted(text)} has no prefix of 0 to ${most}`, hint)
}

/** Eight plain groups: `::ffff:a.b.c.d` and its kin would be read as what they are only by luck. */
function mappedText(octets: Uint8Array): string {
  const groups: string[] = []
  for (let i = 0; i < 16; i += 2) {
    groups.push((((octets[i] ?? 0) << 8) | (octets[i + 1] ?? 0)).toString(16))
  }
  return groups.join(':')
}
