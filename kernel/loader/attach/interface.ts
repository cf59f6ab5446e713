// Interfaces by name or index, in whichever network namespace, and which XDP programs they carry.

import { constants } from 'node:os'
import { callRefused } from '../bpf-call.ts'
import { cString } from '../elf.ts'
import { fail } from '../errors.ts'
import { errorText } from '../library.ts'
import { inNamespace, type NamespaceChoice } from '../namespace.ts'
import { attribute, netlinkFlag, readAttributes, routeRequest } from '../netlink.ts'

export interface InterfacePlace {
  /** Its name, or its index in the namespace. */
  readonly interface: string | number
  /** A file that stands for a network namespace, or its inode. Only worker threads enter another than their own. */
  readonly netns?: string | number
}

export interface DirectedPlace extends InterfacePlace {
  /** As the host sees it: `ingress` is what comes in from the wire. */
  readonly direction: 'ingress' | 'egress'
}

export interface Interface {
  readonly index: number
  readonly name: string
  /** ARPHRD_*: 1 = Ethernet, 772 = loopback, 65534 = none (tun). */
  readonly linkType: number
  /** XDP programs by mode; two at once are hardware's and the host's. */
  readonly xdp: readonly { readonly mode: XdpMode; readonly programId: number }[]
  /** The interface that it is a port of; 0 = none. */
  readonly master: number
  /** The one under it, or the other end of its cable; 0 = none. */
  readonly link: number
  /** A number for the namespace in which `link` is; −1 = this one. */
  readonly linkNamespace: number
  /** `veth`, `bridge`, `bond`, `vlan` …; empty of hardware. */
  readonly kind: string
  /** Packets that it has received and sent, by its own counters. */
  readonly carried: { readonly received: number; readonly sent: number }
}

export type XdpMode = 'native' | 'generic' | 'hardware'

const getLink = 18
/** struct ifinfomsg, its index at 4. */
const linkBytes = 16
const [attributeName, attributeStatistics, attributeXdp] = [3, 23, 43]
const [attributeLink, attributeMaster, attributeLinkInfo, attributeLinkNamespace] = [5, 10, 18, 37]
/** IFLA_INFO_KIND. */
const infoKind = 1
/** IFLA_XDP_DRV_PROG_ID and so on; kernels that know no modes apart are older than any in use here. */
const xdpModes = { native: 5, generic: 6, hardware: 7 } as const

/** Runs `work` in the place's network namespace, with the interface found there. Throws `interface_missing`. */
export function atInterface<T>(place: InterfacePlace, work: (found: Interface) => T): T {
  return inNamespace(place.netns, () => work(findInterface(place)))
}

function findInterface({ interface: which, netns }: InterfacePlace): Interface {
  const request = Buffer.alloc(linkBytes)
  if (typeof which === 'number') request.writeInt32LE(which, 4)
  const name = typeof which === 'string' ? [attribute(attributeName, which)] : []
  const { errno, bodies, said } = routeRequest(getLink, 0, Buffer.concat([request, ...name]))
  const [body] = bodies
  if (errno === 0 && body !== undefined) return readInterface(body)
  const { EINVAL, ENODEV, ERANGE } = constants.errno
  // A name that is too long is ERANGE, index 0 is EINVAL.
  if (errno === ENODEV || errno === EINVAL || errno === ERANGE) {
    const details = { interface: which, netns: describeNamespace(netns) }
    throw fail('interface_missing', { details })
  }
  throw callRefused(`asking about interface ${which}`, said === '' ? errorText(errno) : said)
}

/** Every interface of the thread's network namespace. */
export function listInterfaces(): readonly Interface[] {
  return routeRequest(getLink, netlinkFlag.dump, Buffer.alloc(linkBytes)).bodies.map(readInterface)
}

function readInterface(body: Buffer): Interface {
  const attributes = readAttributes(body, linkBytes)
  const nested = (type: number) => readAttributes(attributes.get(type) ?? Buffer.alloc(0), 0)
  const number = (type: number, none: number) => attributes.get(type)?.readInt32LE(0) ?? none
  const xdp = nested(attributeXdp)
  // struct rtnl_link_stats64 begins with them.
  const statistics = attributes.get(attributeStatistics) ?? Buffer.alloc(16)
  return {
    carried: {
      received: Number(statistics.readBigUInt64LE(0)),
      sent: Number(statistics.readBigUInt64LE(8)),
    },
    index: body.readInt32LE(4),
    master: number(attributeMaster, 0),
    link: number(attributeLink, 0),
    linkNamespace: number(attributeLinkNamespace, -1),
    kind: cString(nested(attributeLinkInfo).get(infoKind) ?? Buffer.alloc(1), 0),
    linkType: body.readUInt16LE(2),
    name: cString(attributes.get(attributeName) ?? Buffer.alloc(1), 0),
    xdp: Object.entries(xdpModes).flatMap(([mode, type]) => {
      const programId = xdp.get(type)?.readUInt32LE(0) ?? 0
      return programId === 0 ? [] : [{ mode: mode as XdpMode, programId }]
    }),
  }
}

/** For messages. */
function describeNamespace(netns: NamespaceChoice): string {
  return netns === undefined ? 'of this process' : String(netns)
}
