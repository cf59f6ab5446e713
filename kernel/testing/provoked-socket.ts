// Drops at sockets and firewalls over IPv4, and of TCP.

import { far, near, type Provoked, there } from './provoked.ts'

const udp = { protocol: 17, source_port: 5001, destination_port: 5002 } as const
const tcp = { protocol: 6, source_port: 5001, destination_port: 5002 } as const
/** TCP takes the device off a segment that it looks at. */
const received = { source: near, destination: far, ...tcp }
/** A connection of near to far, and what its far end waits for. */
const connection = ['client, accepted = connected(5002, 5001)', 'next, expects = sequences(client)']
/** Segments of that connection that were made by hand, and the end of it without another segment. */
const forged = (segment: string, times: number) => [
  ...connection,
  `put(ethernet(ipv4(tcp(5001, 5002, ${segment}), 6)), ${times})`,
  'vanish(client, accepted)',
  `print(${times})`,
]
/** A frame that was put on the cable is dropped a moment later. */
const allDroppedByRule = [
  'with inside_far():',
  "  until('all drops', lambda: dropped_by_rule() >= 6)",
  '  print(dropped_by_rule())',
]
const counted = (lines: readonly string[]) => lines.filter((line) => !line.startsWith('print'))

export const udpDrops: readonly Provoked[] = [
  {
    reason: 'NO_SOCKET',
    since: [5, 19],
    way: 'a closed UDP port',
    side: 'far',
    by: ["put(ethernet(ipv4(udp(b'x' * 10, 5001, 5002), 17)), 7)"],
    says: { ...there, ...udp, packet_bytes: 38 },
    counter: 'Udp.NoPorts',
  },
  {
    reason: 'UDP_CSUM',
    since: [5, 19],
    side: 'far',
    by: ["put(ethernet(ipv4(udp(b'abcd', 5001, 5002, check=0x1234), 17)), 4)"],
    says: { ...there, ...udp },
    counter: 'Udp.InCsumErrors',
  },
  {
    reason: 'SOCKET_RCVBUFF',
    since: [5, 19],
    side: 'far',
    by: [
      'r = far_socket(socket.SOCK_DGRAM, 5002); r.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)',
      "put(ethernet(ipv4(udp(b'x' * 1000, 5001, 5002), 17)), 50)",
    ],
    says: { ...there, ...udp, packet_bytes: 1028 },
    counter: 'Udp.RcvbufErrors',
  },
  {
    reason: 'SOCKET_FILTER',
    side: 'far',
    by: [
      'r = far_socket(socket.SOCK_DGRAM, 5002)',
      "nothing = ctypes.create_string_buffer(struct.pack('HBBI', 6, 0, 0, 0))",
      "r.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack('HL', 1, ctypes.addressof(nothing)))",
      "put(ethernet(ipv4(udp(b'x' * 10, 5001, 5002), 17)), 5)",
    ],
    says: { ...there, ...udp },
    counter: 'Udp.InErrors',
  },
  {
    reason: 'QUEUE_PURGE',
    way: 'a listening socket is closed, and what came for it is unread',
    side: 'far',
    by: [
      'r = far_socket(socket.SOCK_STREAM, 5002); r.listen(8)',
      'clients = [socket.create_connection((FAR, 5002), LIMIT_S) for _ in range(3)]',
      "for one in clients: one.send(b'x')",
      "until('all is there', lambda: not any(unacknowledged(one) for one in clients))",
      'r.close()',
      'print(3)',
    ],
    says: { source: near, destination: far, protocol: 6, destination_port: 5002 },
  },
  {
    reason: 'NETFILTER_DROP',
    since: [5, 19],
    way: 'a rule in input',
    side: 'far',
    by: [
      "with inside_far(): drop_by_rule('input', 'udp dport 5002')",
      "put(ethernet(ipv4(udp(b'x' * 10, 5001, 5002), 17)), 6)",
      ...allDroppedByRule,
    ],
    says: { ...there, ...udp, packet_bytes: 38 },
  },
  {
    reason: 'NETFILTER_DROP',
    since: [5, 19],
    way: 'a rule in forward',
    side: 'far',
    by: [
      'router()',
      "with inside_far(): drop_by_rule('forward', 'udp dport 5002')",
      "put(ethernet(ipv4(udp(b'x' * 10, 5001, 5002), 17, destination='10.78.0.9')), 6)",
      ...allDroppedByRule,
    ],
    says: { ...udp, source: near, destination: '10.78.0.9', packet_bytes: 38 },
  },
  {
    reason: 'NETFILTER_DROP',
    since: [5, 19],
    way: 'a rule in output',
    side: 'near',
    by: [
      "drop_by_rule('output', 'udp dport 5002')",
      's = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind((NEAR, 5001))',
      'for _ in range(6):',
      "  try: s.sendto(b'x' * 10, (FAR, 5002))",
      '  except PermissionError: pass',
      'print(dropped_by_rule())',
    ],
    says: { ...udp, source: near, destination: far, packet_bytes: 38 },
  },
  {
    reason: 'ICMP_CSUM',
    side: 'far',
    by: ['put(ethernet(ipv4(icmp(8, 0, check=0x1234), 1)), 3)'],
    says: { ...there, protocol: 1, source_port: 0, destination_port: 0 },
    counter: 'Icmp.InCsumErrors',
  },
]

export const tcpDrops: readonly Provoked[] = [
  {
    reason: 'NO_SOCKET',
    since: [5, 19],
    way: 'a closed TCP port',
    side: 'far',
    by: ['put(ethernet(ipv4(tcp(5001, 5002, SYN), 6)), 3)'],
    says: { ...received, tcp_flags: 2, packet_bytes: 40 },
    counter: 'Tcp.OutRsts',
  },
  {
    reason: 'TCP_CSUM',
    since: [5, 19],
    side: 'far',
    by: ['put(ethernet(ipv4(tcp(5001, 5002, SYN, check=0x1234), 6)), 4)'],
    says: received,
    counter: 'Tcp.InCsumErrors',
  },
  {
    reason: 'TCP_FLAGS',
    way: 'SYN and FIN together',
    side: 'far',
    by: [
      'r = far_socket(socket.SOCK_STREAM, 5002); r.listen(8)',
      'put(ethernet(ipv4(tcp(5001, 5002, SYN | FIN), 6)), 4)',
      'print(4)',
    ],
    says: { ...received, tcp_flags: 3 },
  },
  {
    reason: 'TCP_FLAGS',
    way: 'a cookie that nobody gave out',
    side: 'far',
    by: [
      'with inside_far(): settings(tcp_syncookies=2)',
      'r = far_socket(socket.SOCK_STREAM, 5002); r.listen(8)',
      // A SYN that is answered with a cookie: from now on acknowledgements may have one.
      'put(ethernet(ipv4(tcp(5003, 5002, SYN), 6)))',
      "until('a cookie', lambda: far_counter('netstat', 'TcpExt', 'SyncookiesSent') == 1)",
      'put(ethernet(ipv4(tcp(5001, 5002, ACK, seq=77, ack=88), 6)), 4)',
    ],
    says: { ...received, tcp_flags: 16 },
    counter: 'TcpExt.SyncookiesFailed',
  },
  {
    reason: 'TCP_MINTTL',
    side: 'far',
    by: [
      'r = far_socket(socket.SOCK_STREAM, 5002); r.setsockopt(socket.IPPROTO_IP, IP_MINTTL, 255)',
      'r.listen(8)',
      'put(ethernet(ipv4(tcp(5001, 5002, SYN), 6)), 3)',
    ],
    says: { ...received, tcp_flags: 2 },
    counter: 'TcpExt.TCPMinTTLDrop',
  },
  {
    reason: 'TCP_LISTEN_OVERFLOW',
    way: 'handshakes end, and nobody accepts',
    side: 'far',
    by: [
      'with inside_far(): settings(tcp_syncookies=0)',
      'r = far_socket(socket.SOCK_STREAM, 5002); r.listen(3)',
      'opened = [socket.create_connection((FAR, 5002), LIMIT_S) for _ in range(3)]',
      // Three more handshakes stand still before their last segment: then all end, and the queue has room for one.
      "command('nft', 'add table ip hold')",
      "command('nft', 'add chain ip hold out { type filter hook output priority 0; }')",
      "command('nft', 'add rule ip hold out tcp dport 5002 tcp flags & (syn|ack) == ack drop')",
      'clients = [socket.create_connection((FAR, 5002), LIMIT_S) for _ in range(3)]',
      "command('nft', 'flush chain ip hold out')",
      "for one in clients: one.send(b'x')",
      "until('the queue is full', lambda: far_counter('netstat', 'TcpExt', 'ListenOverflows') >= 2)",
      "command('nft', 'add rule ip hold out tcp dport 5002 drop')",
    ],
    says: { source: near, destination: far, protocol: 6, destination_port: 5002 },
    counter: 'TcpExt.ListenOverflows',
  },
  {
    reason: 'TCP_RESET',
    way: 'a reset for a listening port',
    side: 'far',
    by: [
      'r = far_socket(socket.SOCK_STREAM, 5002); r.listen(8)',
      'put(ethernet(ipv4(tcp(5001, 5002, RST), 6)), 3)',
      'print(3)',
    ],
    says: { ...received, tcp_flags: 4 },
  },
  {
    reason: 'SOCKET_BACKLOG',
    way: 'a reader that stands still has the socket',
    side: 'far',
    by: [
      ...connection,
      "client.send(b'x')",
      'go_on = stuck_reader(accepted)',
      "put(ethernet(ipv4(tcp(5001, 5002, ACK | PSH, next + 50, expects, b'x' * 1000), 6)), 4000)",
      "until('the backlog is full', lambda: far_counter('netstat', 'TcpExt', 'TCPBacklogDrop') > 0)",
      'go_on()',
      'vanish(client, accepted)',
    ],
    says: { source: near, destination: far, ...tcp },
    counter: 'TcpExt.TCPBacklogDrop',
  },
  {
    reason: 'TCP_OLD_DATA',
    side: 'far',
    by: forged("ACK | PSH, next - 1, expects, b'x'", 3),
    says: received,
  },
  {
    reason: 'TCP_OLD_SEQUENCE',
    side: 'far',
    by: forged("ACK | PSH, next - 5000, expects, b'x'", 3),
    says: received,
  },
  {
    reason: 'TCP_INVALID_SEQUENCE',
    side: 'far',
    by: forged("ACK | PSH, next + (1 << 24), expects, b'x'", 3),
    says: received,
  },
  {
    reason: 'TCP_INVALID_SYN',
    side: 'far',
    by: counted(forged('SYN, next', 3)),
    says: { ...received, tcp_flags: 2 },
    counter: 'TcpExt.TCPSYNChallenge',
  },
  {
    reason: 'TCP_ACK_UNSENT_DATA',
    side: 'far',
    by: forged("ACK | PSH, next, expects + 100000, b'x'", 3),
    says: received,
  },
  {
    reason: 'TCP_TOO_OLD_ACK',
    side: 'far',
    by: forged("ACK | PSH, next, expects - 1000000, b'x'", 3),
    says: received,
  },
  {
    reason: 'TCP_ABORT_ON_DATA',
    way: 'data for a socket that was closed, before the peer has acknowledged that',
    side: 'far',
    by: [
      ...connection,
      "with inside_far(): drop_by_rule('output', 'tcp sport 5002')",
      "accepted.close(); client.send(b'x')",
      "until('the abort', lambda: far_counter('netstat', 'TcpExt', 'TCPAbortOnData') > 0)",
      'vanish(client)',
    ],
    says: received,
    counter: 'TcpExt.TCPAbortOnData',
  },
  {
    reason: 'TCP_OFOMERGE',
    side: 'far',
    by: counted(forged("ACK | PSH, next + 100, expects, b'x'", 5)),
    says: received,
    counter: 'TcpExt.TCPOFOMerge',
  },
  {
    reason: 'TCP_RFC7323_PAWS',
    side: 'far',
    by: counted(
      forged("ACK | PSH, next, expects, b'x', b'\\1\\1\\x08\\x0a' + struct.pack('>II', 1, 1)", 3),
    ),
    says: received,
    counter: 'TcpExt.PAWSEstab',
  },
]

/** A listener that has a key for near. */
const listenWithKey = [
  'with inside_far(): r = socket.socket()',
  'r.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); r.bind((FAR, 5002))',
  "key = struct.pack('=HH4s120xBBHi80s', socket.AF_INET, 0, address(NEAR), 0, 0, 3, 0, b'key')",
  'r.setsockopt(socket.IPPROTO_TCP, TCP_MD5SIG, key); r.listen(8)',
]
/** A SYN with a signature, which is wrong. */
const signed = "put(ethernet(ipv4(tcp(5001, 5002, SYN, options=b'\\x13\\x12' + bytes(18)), 6)), 3)"

export const signatureDrops: readonly Provoked[] = [
  {
    reason: 'TCP_MD5NOTFOUND',
    way: 'a segment without the signature that its peer must give',
    side: 'far',
    by: [...listenWithKey, 'put(ethernet(ipv4(tcp(5001, 5002, SYN), 6)), 3)'],
    says: { ...there, ...tcp, tcp_flags: 2 },
    counter: 'TcpExt.TCPMD5NotFound',
  },
  {
    reason: 'TCP_MD5FAILURE',
    side: 'far',
    by: [...listenWithKey, signed],
    says: { ...there, ...tcp, tcp_flags: 2 },
    counter: 'TcpExt.TCPMD5Failure',
  },
  {
    reason: 'TCP_MD5UNEXPECTED',
    side: 'far',
    by: ['r = far_socket(socket.SOCK_STREAM, 5002); r.listen(8)', signed],
    says: { ...there, ...tcp, tcp_flags: 2 },
    counter: 'TcpExt.TCPMD5Unexpected',
  },
]
