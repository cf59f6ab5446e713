// Drops below the sockets over IPv4: headers, routes, neighbours, queues.

import { far, near, type Provoked, there } from './provoked.ts'

const udp = { protocol: 17, source_port: 5001, destination_port: 5002 } as const
/** A datagram between those ports, as it is. */
const datagram = "udp(b'x' * 10, 5001, 5002)"
const elsewhere = '203.0.113.9'
/** What one frame with this header is. */
const put = (header: string, times: number) =>
  `put(ethernet(ipv4(${datagram}, 17, ${header})), ${times})`

export const headerDrops: readonly Provoked[] = [
  {
    reason: 'IP_CSUM',
    since: [5, 19],
    side: 'far',
    by: [put('check=0x1234', 3)],
    says: { ...there, ...udp },
    counter: 'IpExt.InCsumErrors',
  },
  {
    reason: 'IP_INHDR',
    way: 'a header shorter than a header',
    side: 'far',
    by: [put('words=4', 3)],
    says: { link_protocol: 0x800, protocol: 0, interface: 'far0' },
    counter: 'Ip.InHdrErrors',
  },
  {
    reason: 'IP_INHDR',
    way: 'version 5',
    side: 'far',
    by: [put('version=5', 2)],
    says: { link_protocol: 0x800, protocol: 0, interface: 'far0' },
    counter: 'Ip.InHdrErrors',
  },
  {
    reason: 'IP_INHDR',
    way: 'the TTL ends at a router',
    side: 'far',
    by: ['router()', put("destination='10.78.0.9', ttl=1", 4)],
    says: { ...there, ...udp, destination: '10.78.0.9' },
    counter: 'Ip.InHdrErrors',
  },
  {
    reason: 'PKT_TOO_SMALL',
    way: 'a length that the packet does not have',
    side: 'far',
    by: [put('length=400', 3)],
    says: { ...there, ...udp, packet_bytes: 38 },
    counter: 'IpExt.InTruncatedPkts',
  },
  {
    reason: 'PKT_TOO_BIG',
    side: 'far',
    by: [
      'router(thin_mtu=600)',
      "put(ethernet(ipv4(udp(b'x' * 1000, 5001, 5002), 17, destination='10.78.0.9', flags=DO_NOT_FRAGMENT)), 3)",
    ],
    says: { ...there, ...udp, destination: '10.78.0.9', packet_bytes: 1028 },
    counter: 'Ip.FragFails',
  },
  {
    reason: 'IP_NOPROTO',
    since: [5, 19],
    side: 'far',
    by: ["put(ethernet(ipv4(b'abcd', 252)), 3)"],
    says: { ...there, protocol: 252, packet_bytes: 24 },
    counter: 'Ip.InUnknownProtos',
  },
  {
    reason: 'OTHERHOST',
    since: [5, 19],
    side: 'far',
    by: [
      "put(ethernet(ipv4(udp(b'x', 5001, 5002), 17), destination='02:00:00:00:00:77'), 5)",
      'print(5)',
    ],
    says: { ...there, ...udp },
  },
  {
    reason: 'UNHANDLED_PROTO',
    side: 'far',
    by: ["put(ethernet(b'x' * 100, kind=0x88b5), 6)", 'print(6)'],
    says: { link_protocol: 0x88b5, interface: 'far0', packet_bytes: 100 },
  },
  {
    reason: 'UNICAST_IN_L2_MULTICAST',
    side: 'far',
    by: [
      'with inside_far(): settings(conf__all__drop_unicast_in_l2_multicast=1)',
      `put(ethernet(ipv4(${datagram}, 17), destination='ff:ff:ff:ff:ff:ff'), 3)`,
      'print(3)',
    ],
    says: { ...there, ...udp },
  },
]

export const routeDrops: readonly Provoked[] = [
  {
    reason: 'IP_RPFILTER',
    side: 'far',
    by: ['with inside_far(): settings(conf__all__rp_filter=1)', put("source='198.51.100.7'", 4)],
    says: { ...there, ...udp, source: '198.51.100.7' },
    counter: 'TcpExt.IPReversePathFilter',
  },
  {
    reason: 'IP_INVALID_SOURCE',
    way: 'a martian',
    side: 'far',
    by: [put("source='224.0.0.1'", 3), 'print(3)'],
    says: { ...there, ...udp, source: '224.0.0.1' },
  },
  {
    reason: 'IP_LOCAL_SOURCE',
    side: 'far',
    by: [put('source=FAR', 3), 'print(3)'],
    says: { ...there, ...udp, source: far },
  },
  {
    reason: 'IP_INVALID_DEST',
    side: 'far',
    by: [put("destination='0.0.0.0'", 3), 'print(3)'],
    says: { ...there, ...udp, destination: '0.0.0.0' },
  },
  {
    reason: 'IP_LOCALNET',
    side: 'far',
    by: [put("destination='127.0.0.9'", 3), 'print(3)'],
    says: { ...there, ...udp, destination: '127.0.0.9' },
  },
  {
    reason: 'IP_INADDRERRORS',
    way: 'for elsewhere, and no router',
    side: 'far',
    by: [
      'with inside_far(): settings(ip_forward=0, conf__all__rp_filter=0, conf__far0__rp_filter=0)',
      put(`destination='${elsewhere}'`, 3),
    ],
    says: { ...there, ...udp, destination: elsewhere },
    counter: 'Ip.InAddrErrors',
  },
  {
    reason: 'IP_INNOROUTES',
    way: 'a router without a route',
    side: 'far',
    by: ['router()', put(`destination='${elsewhere}'`, 3)],
    says: { ...there, ...udp, destination: elsewhere },
    counter: 'IpExt.InNoRoutes',
  },
  {
    reason: 'IP_OUTNOROUTES',
    way: 'the route of a connection is gone',
    side: 'near',
    by: [
      'client, accepted = connected(5102, 5101)',
      "command('ip', 'route', 'delete', '10.77.0.0/24')",
      "client.send(b'x' * 100)",
      'vanish(client, accepted)',
    ],
    says: {
      source: near,
      destination: far,
      protocol: 6,
      source_port: 5101,
      destination_port: 5102,
      interface: '',
    },
    counter: 'Ip.OutNoRoutes',
  },
  {
    reason: 'NEIGH_FAILED',
    way: 'nobody answers the question of ARP',
    side: 'near',
    by: [
      // By hand: the kernel's own clock may strike while process 1 is current (common/process-one.fake.ts).
      'settings(neigh__near0__mcast_solicit=1, neigh__near0__retrans_time_ms=60000)',
      's = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind((NEAR, 5001))',
      "for _ in range(3): s.sendto(b'x' * 10, ('10.77.0.99', 5002))",
      "command('ip', 'neighbour', 'change', '10.77.0.99', 'dev', 'near0', 'nud', 'failed')",
      'print(3)',
    ],
    says: { ...udp, source: near, destination: '10.77.0.99', packet_bytes: 38 },
  },
  {
    reason: 'NEIGH_QUEUEFULL',
    side: 'near',
    by: [
      'settings(neigh__near0__mcast_solicit=1, neigh__near0__retrans_time_ms=60000, neigh__near0__unres_qlen_bytes=1)',
      's = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)',
      's.bind((NEAR, 5001)); s.connect(("10.77.0.99", 5002))',
      // Each pushes out the one that waits.
      "for _ in range(5): s.send(b'x' * 10)",
      'print(4)',
    ],
    says: { ...udp, source: near, destination: '10.77.0.99' },
  },
]

export const queueDrops: readonly Provoked[] = [
  {
    reason: 'QDISC_DROP',
    way: 'a shaper that is full',
    side: 'near',
    by: [
      "command('tc', 'qdisc', 'add', 'dev', 'near0', 'root', 'tbf', 'rate', '8kbit', 'burst', '1540', 'limit', '2200')",
      's = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind((NEAR, 5001))',
      "for _ in range(20): s.sendto(b'x' * 1000, (FAR, 5002))",
      "import json; print(json.loads(command('tc', '-s', '-j', 'qdisc', 'show', 'dev', 'near0'))[0]['drops'])",
    ],
    says: { ...udp, source: near, destination: far, interface: 'near0', packet_bytes: 1028 },
  },
  {
    reason: 'FULL_RING',
    way: 'a tunnel that nobody reads',
    side: 'near',
    by: [
      'import fcntl, json',
      "tunnel = open('/dev/net/tun', 'r+b', buffering=0)",
      "fcntl.ioctl(tunnel, 0x400454ca, struct.pack('16sH22x', b'tun9', 0x1001))",
      "command('ip', 'address', 'add', '10.79.0.1/24', 'dev', 'tun9')",
      "command('ip', 'link', 'set', 'tun9', 'txqueuelen', '2', 'up')",
      's = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("10.79.0.1", 5001))',
      "for _ in range(9): s.sendto(b'x' * 10, ('10.79.0.2', 5002))",
      "print(json.loads(command('ip', '-s', '-j', 'link', 'show', 'tun9'))[0]['stats64']['tx']['dropped'])",
    ],
    says: { ...udp, source: '10.79.0.1', destination: '10.79.0.2', interface: 'tun9' },
  },
  {
    reason: 'PACKET_SOCK_ERROR',
    way: 'a sniffer whose buffer is full',
    side: 'far',
    by: [
      'with inside_far(): sniffer = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800))',
      'sniffer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1); sniffer.bind(("far0", 0x0800))',
      "put(ethernet(ipv4(udp(b'x' * 1000, 5001, 5002), 17)), 20)",
      "print(struct.unpack('II', sniffer.getsockopt(263, 6, 8))[1])",
    ],
    says: { ...udp, source: near, destination: far },
  },
  {
    reason: 'DUP_FRAG',
    side: 'far',
    by: [
      "put(ethernet(ipv4(udp(b'x' * 24, 5001, 5002, length=64), 17, flags=FRAGMENTS_FOLLOW)), 4)",
      'print(3)',
    ],
    says: { ...there, ...udp, packet_bytes: 52 },
  },
  {
    reason: 'FRAG_REASM_TIMEOUT',
    side: 'far',
    by: [
      'with inside_far(): settings(ipfrag_time=1)',
      "put(ethernet(ipv4(udp(b'x' * 24, 5001, 5002, length=64), 17, flags=FRAGMENTS_FOLLOW)))",
      "until('the fragment is given up', lambda: far_counter('snmp', 'Ip', 'ReasmTimeout') == 1)",
    ],
    says: { ...udp, source: near, destination: far },
    counter: 'Ip.ReasmTimeout',
  },
]
