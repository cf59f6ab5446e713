// Drops over IPv6.

import { far6, near6, type Provoked } from './provoked.ts'

const udp = { protocol: 17, source_port: 5001, destination_port: 5002 } as const
const there = { source: near6, destination: far6, interface: 'far0' } as const
const put = (packet: string, times: number, more = '') =>
  `put(ethernet(${packet}, 0x86dd${more}), ${times})`
const datagram = "udp(b'x' * 10, 5001, 5002, (NEAR6, FAR6))"
/** A question for the hardware address of `target`. */
const solicitation = (target: string, header: string) =>
  `ipv6(icmp6(135, 0, b'\\0' * 4 + address('${target}')), 58, ${header})`

export const ip6Drops: readonly Provoked[] = [
  {
    reason: 'NO_SOCKET',
    way: 'a closed UDP port over IPv6',
    side: 'far',
    by: ['use_ipv6()', put(`ipv6(${datagram}, 17)`, 5)],
    says: { ...there, ...udp, packet_bytes: 58 },
    counter: 'Udp6NoPorts',
  },
  {
    reason: 'UDP_CSUM',
    way: 'over IPv6',
    side: 'far',
    by: ['use_ipv6()', put("ipv6(udp(b'abcd', 5001, 5002, check=0x1234), 17)", 3)],
    says: { ...there, ...udp },
    counter: 'Udp6InCsumErrors',
  },
  {
    reason: 'IP_INHDR',
    way: 'the hop limit ends at a router',
    side: 'far',
    by: [
      'use_ipv6(); router(v6=True)',
      put("ipv6(udp(b'x', 5001, 5002), 17, destination='fd78::9', hops=1)", 3),
    ],
    says: { ...there, ...udp, destination: 'fd78:0:0:0:0:0:0:9' },
    counter: 'Ip6InHdrErrors',
  },
  {
    reason: 'PKT_TOO_BIG',
    way: 'over IPv6',
    side: 'far',
    by: [
      'use_ipv6(); router(thin_mtu=1280, v6=True)',
      put("ipv6(udp(b'x' * 1400, 5001, 5002), 17, destination='fd78::9')", 3),
    ],
    says: { ...udp, source: near6, destination: 'fd78:0:0:0:0:0:0:9', packet_bytes: 1448 },
    counter: 'Ip6InTooBigErrors',
  },
  {
    reason: 'IP_INNOROUTES',
    way: 'an IPv6 router without a route',
    side: 'far',
    by: [
      'use_ipv6(); router(v6=True)',
      put("ipv6(udp(b'x', 5001, 5002), 17, destination='fd79::9')", 3),
      'print(3)',
    ],
    says: { ...there, ...udp, destination: 'fd79:0:0:0:0:0:0:9' },
  },
  {
    reason: 'IP_NOPROTO',
    way: 'over IPv6',
    side: 'far',
    by: ['use_ipv6()', put("ipv6(b'abcdefgh', 252)", 3)],
    says: { ...there, protocol: 252 },
    counter: 'Ip6InUnknownProtos',
  },
  {
    reason: 'IPV6DISABLED',
    side: 'far',
    by: [put(`ipv6(${datagram}, 17)`, 4), 'print(4)'],
    says: { ...there, ...udp },
  },
  {
    reason: 'IPV6_NDISC_HOP_LIMIT',
    way: 'a neighbour message through a router',
    side: 'far',
    by: ['use_ipv6()', put(solicitation('fd77::2', 'hops=64'), 3), 'print(3)'],
    says: { ...there, protocol: 58, source_port: 0 },
  },
  {
    reason: 'IPV6_NDISC_BAD_CODE',
    side: 'far',
    by: [
      'use_ipv6()',
      put(solicitation('fd77::2', 'hops=255').replace('icmp6(135, 0', 'icmp6(135, 1'), 3),
      'print(3)',
    ],
    says: { ...there, protocol: 58, source_port: 0 },
  },
  {
    reason: 'IPV6_NDISC_BAD_OPTIONS',
    way: 'an option of no length',
    side: 'far',
    by: [
      'use_ipv6()',
      put(
        "ipv6(icmp6(135, 0, b'\\0' * 4 + address('fd77::2') + b'\\1' + bytes(7)), 58, hops=255)",
        3,
      ),
      'print(3)',
    ],
    says: { ...there, protocol: 58, source_port: 0 },
  },
  {
    reason: 'IPV6_NDISC_NS_OTHERHOST',
    side: 'far',
    by: [
      'use_ipv6()',
      put(
        solicitation('fd77::77', "hops=255, destination='ff02::1'").replace(
          "address('fd77::77'))",
          "address('fd77::77'), destination='ff02::1')",
        ),
        3,
        ", '33:33:00:00:00:01'",
      ),
      'print(3)',
    ],
    says: { source: near6, destination: 'ff02:0:0:0:0:0:0:1', protocol: 58 },
  },
]
