// Drops by BPF programs of somebody else (tc, XDP, a cgroup), and by devices above an interface.

import { far, near, type Provoked, there } from './provoked.ts'

const udp = { protocol: 17, source_port: 5001, destination_port: 5002 } as const
const put = (times: number) => `put(ethernet(ipv4(udp(b'x' * 10, 5001, 5002), 17)), ${times})`
const onFar = (program: string, hook: string, flags = '0') =>
  `with inside_far(): hang(${program}, socket.if_nametoindex('far0'), ${hook}, ${flags})`

export const programDrops: readonly Provoked[] = [
  {
    reason: 'TC_INGRESS',
    side: 'far',
    by: [onFar('verdict(SCHED_CLS, TCX_INGRESS, TC_SHOT)', 'TCX_INGRESS'), put(5), 'print(5)'],
    says: { ...there, ...udp, packet_bytes: 38 },
  },
  {
    reason: 'TC_EGRESS',
    side: 'near',
    by: [
      "hang(verdict(SCHED_CLS, TCX_EGRESS, TC_SHOT), socket.if_nametoindex('near0'), TCX_EGRESS)",
      's = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind((NEAR, 5001))',
      "for _ in range(4): s.sendto(b'x' * 10, (FAR, 5002))",
      'print(4)',
    ],
    says: { ...udp, source: near, destination: far, interface: 'near0', packet_bytes: 38 },
  },
  {
    // The kernel has a reason XDP, and does not give it here.
    reason: 'NOT_SPECIFIED',
    way: 'a generic XDP program drops',
    side: 'far',
    by: [onFar('verdict(XDP, XDP_HOOK, XDP_DROPS)', 'XDP_HOOK', 'GENERIC'), put(6), 'print(6)'],
    says: { ...there, ...udp, packet_bytes: 38 },
  },
  {
    reason: 'BPF_CGROUP_EGRESS',
    side: 'near',
    by: [
      'refused = 0',
      'with own_cgroup() as cgroup:',
      '  hang(verdict(CGROUP_SKB, CGROUP_EGRESS, 0), cgroup, CGROUP_EGRESS)',
      '  mine = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); mine.bind((NEAR, 5003))',
      '  for _ in range(4):',
      "    try: mine.sendto(b'x' * 10, (FAR, 5002))",
      '    except PermissionError: refused += 1',
      'print(refused)',
    ],
    says: { ...udp, source: near, source_port: 5003, destination: far, packet_bytes: 38 },
  },
]

const bridge = [
  'with inside_far():',
  "  command('ip', 'link', 'add', 'br0', 'type', 'bridge', 'stp_state', '1', 'forward_delay', '3000')",
  "  command('ip', 'link', 'set', 'br0', 'up'); command('ip', 'link', 'set', 'far0', 'master', 'br0')",
]
const tunnel = [
  'with inside_far():',
  "  command('ip', 'link', 'add', 'vx0', 'type', 'vxlan', 'id', '7', 'local', FAR, 'dstport', '4789', 'dev', 'far0')",
  "  command('ip', 'link', 'set', 'vx0', 'up')",
]
const toTunnel = { ...there, protocol: 17, source_port: 5001, destination_port: 4789 } as const

export const deviceDrops: readonly Provoked[] = [
  {
    reason: 'BRIDGE_INGRESS_STP_STATE',
    way: 'a port that still listens for loops',
    side: 'far',
    by: [...bridge, put(5), 'print(5)'],
    says: { ...there, ...udp, packet_bytes: 38 },
  },
  {
    reason: 'MAC_IEEE_MAC_CONTROL',
    side: 'far',
    by: [
      ...bridge,
      "put(ethernet(bytes(60), kind=0x8808, destination='01:80:c2:00:00:01'), 4)",
      'print(4)',
    ],
    says: { link_protocol: 0x8808, interface: 'far0', packet_bytes: 60 },
  },
  {
    reason: 'VXLAN_INVALID_HDR',
    side: 'far',
    by: [...tunnel, 'put(ethernet(ipv4(udp(bytes(40), 5001, 4789), 17)), 3)', 'print(3)'],
    says: { ...toTunnel, packet_bytes: 68 },
  },
  {
    reason: 'VXLAN_VNI_NOT_FOUND',
    side: 'far',
    by: [
      ...tunnel,
      "inner = struct.pack('>II', 0x08000000, 99 << 8) + ethernet(bytes(50))",
      'put(ethernet(ipv4(udp(inner, 5001, 4789), 17)), 3)',
      'print(3)',
    ],
    says: toTunnel,
  },
  {
    reason: 'XFRM_POLICY',
    way: 'a policy of IPsec blocks',
    side: 'far',
    by: [
      'r = far_socket(socket.SOCK_DGRAM, 5002)',
      "block = ('src', NEAR, 'dst', FAR, 'dir', 'in', 'action', 'block')",
      "with inside_far(): command('ip', 'xfrm', 'policy', 'add', *block)",
      put(5),
      'print(5)',
    ],
    says: { ...there, ...udp, packet_bytes: 38 },
  },
]
