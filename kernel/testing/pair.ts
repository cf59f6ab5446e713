// Two namespaces of a test's own with a cable between them, datagrams over it, and nftables' count of those.

import { createNamespace, type Namespace } from './peers.ts'
import { untilSync } from './until-sync.ts'

export interface Sum {
  readonly packets: number
  readonly octets: number
}

/** `near0` of the near namespace is connected to `far0` of the far one; neither has IPv6. */
export interface Pair {
  readonly near: Namespace
  readonly far: Namespace
  /** Sends datagrams from near to far, to the port that the programs count. */
  send(count: number, payloadBytes: number): void
  /** The same, and waits until nftables has seen all of them come into far: kernels before 6.4 may take them in later. */
  deliver(count: number, payloadBytes: number): void
  /** What nftables has seen leave near and come into far since the pair was made; L3 octets. */
  sent(): Sum
  received(): Sum
  /** Index of an interface. */
  index(namespace: Namespace, name: string): number
  remove(): void
}

const [nearAddress, farAddress] = ['10.77.0.1', '10.77.0.2']
const [nearMac, farMac] = ['02:00:00:00:00:01', '02:00:00:00:00:02']
const port = 9999

export function createPair(): Pair {
  const near = createNamespace()
  const far = createNamespace()
  for (const side of [near, far]) withoutIpv6(side)
  const peer = ['peer', 'name', 'far0', 'address', farMac, 'netns', far.name]
  near.run('ip', 'link', 'add', 'near0', 'address', nearMac, 'type', 'veth', ...peer)
  set(near, 'near0', nearAddress, { address: farAddress, mac: farMac })
  set(far, 'far0', farAddress, { address: nearAddress, mac: nearMac })
  untilUp(near, 'near0')
  untilUp(far, 'far0')
  countIn(near, 'output')
  countIn(far, 'prerouting')
  const send = (count: number, payloadBytes: number) => {
    const lines = [
      'import socket',
      's = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)',
      `[s.sendto(bytes(${payloadBytes}), ("${farAddress}", ${port})) for _ in range(${count})]`,
    ]
    near.run('/usr/bin/python3', '-c', lines.join('\n'))
  }
  return {
    near,
    far,
    send,
    deliver: (count, payloadBytes) => {
      const all = countedIn(far).packets + count
      send(count, payloadBytes)
      untilSync(`${count} datagrams`, () => countedIn(far).packets >= all)
    },
    sent: () => countedIn(near),
    received: () => countedIn(far),
    index: (namespace, name) => {
      const [link] = JSON.parse(namespace.run('ip', '-j', 'link', 'show', name)) as {
        ifindex: number
      }[]
      return link?.ifindex ?? 0
    },
    remove: () => {
      near.remove()
      far.remove()
    },
  }
}

/** With IPv6 each side greets the other by multicast whenever it likes: packets that nobody sent, in every count. */
function withoutIpv6(namespace: Namespace): void {
  namespace.run('sh', '-c', 'echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6')
}

interface Neighbour {
  readonly address: string
  readonly mac: string
}

function set(namespace: Namespace, link: string, address: string, other: Neighbour): void {
  namespace.run('ip', 'address', 'add', `${address}/24`, 'dev', link)
  namespace.run('ip', 'link', 'set', link, 'up')
  // No question for the other's address: it would be a packet more, and datagrams would wait for the answer.
  const neighbour = [other.address, 'lladdr', other.mac, 'dev', link, 'nud', 'permanent']
  namespace.run('ip', 'neighbour', 'replace', ...neighbour)
}

/**
 * The kernel takes a cable into use some time after both ends are up, and longer on a busy host. Until then a queue
 * gives away what it gets.
 */
export function untilUp(namespace: Namespace, link: string): void {
  untilSync(`${link} to be up`, () =>
    namespace.run('ip', 'link', 'show', link).includes(' state UP '),
  )
}

function countIn(namespace: Namespace, hook: string): void {
  namespace.run('nft', 'add table ip weir_test')
  const chain = `{ type filter hook ${hook} priority -300; }`
  namespace.run('nft', `add chain ip weir_test seen ${chain}`)
  namespace.run('nft', `add rule ip weir_test seen udp dport ${port} counter`)
}

function countedIn(namespace: Namespace): Sum {
  const text = namespace.run('nft', 'list chain ip weir_test seen')
  const [, packets, octets] = /counter packets (\d+) bytes (\d+)/.exec(text) ?? []
  return { packets: Number(packets), octets: Number(octets) }
}
