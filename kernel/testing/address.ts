// An address of a record for people; kernel/ may not import wire/.

/** v4 as a dotted quad, v6 as eight groups. */
export function formatAddress(octets: Uint8Array): string {
  const isV4 = octets.subarray(0, 10).every((octet) => octet === 0) && octets[10] === 0xff
  if (isV4) return octets.subarray(12).join('.')
  const groups = Array.from({ length: 8 }, (_, index) =>
    (((octets[index * 2] as number) << 8) | (octets[index * 2 + 1] as number)).toString(16),
  )
  return groups.join(':')
}
