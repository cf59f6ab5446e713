// Numbers of packet headers as words.

/** IANA protocol numbers that have a name here; any other is its number. */
const protocols: Readonly<Record<number, string>> = {
  1: 'icmp',
  2: 'igmp',
  4: 'ipip',
  6: 'tcp',
  17: 'udp',
  33: 'dccp',
  41: 'ipv6',
  47: 'gre',
  50: 'esp',
  51: 'ah',
  58: 'icmpv6',
  89: 'ospf',
  103: 'pim',
  112: 'vrrp',
  132: 'sctp',
  136: 'udplite',
}

/** Of the IP header; 0 is what has none. */
export function protocolName(protocol: number): string {
  return protocol === 0 ? '' : (protocols[protocol] ?? String(protocol))
}

/** In the order of the header: C E U A P R S F. */
const letters = 'FSRPAUEC'

export function tcpFlagLetters(flags: number): string {
  let text = ''
  for (let bit = 7; bit >= 0; bit--) if ((flags >> bit) & 1) text += letters[bit]
  return text
}
