// Queueing disciplines and filters of traffic control, as far as programs on clsact need them. Messages of
// rtnetlink: linux/rtnetlink.h, linux/pkt_cls.h; the kernel's side is net/sched/{sch_ingress,cls_bpf}.c.
//
//   struct tcmsg   u8 family, padding | i32 interface | u32 handle | u32 parent | u32 info

import { cString } from './elf.ts'
import { type Answer, attribute, netlinkFlag, readAttributes, routeRequest } from './netlink.ts'

export type Direction = 'ingress' | 'egress'

export interface Filter {
  /** `bpf`, `flower`, `u32`, … */
  readonly kind: string
  readonly handle: number
  /** 1 runs first. */
  readonly priority: number
  /** What who added it calls it; empty for other kinds than `bpf`. */
  readonly name: string
  /** 0 if it is no BPF program. */
  readonly programId: number
}

export interface FilterId {
  readonly interfaceIndex: number
  readonly direction: Direction
  readonly handle: number
  readonly priority: number
}

const [newQdisc, deleteQdisc, getQdisc] = [36, 37, 38]
const [newFilter, deleteFilter, getFilter] = [44, 45, 46]
const messageBytes = 20
/** TC_H_CLSACT, which the older `ingress` uses as well: an interface has one of the two. */
const qdiscParent = 0xfffffff1
const qdiscHandle = 0xffff0000
const filterParent = { ingress: 0xfffffff2, egress: 0xfffffff3 } as const
/** TCA_*, TCA_BPF_*. */
const [attributeKind, attributeOptions] = [1, 2]
const [bpfFd, bpfName, bpfFlags, bpfId] = [6, 7, 8, 11]
/** TCA_BPF_FLAG_ACT_DIRECT: what the program returns is the verdict. */
const actDirect = 1
/** ETH_P_ALL, as the wire has it. */
const allProtocols = 0x0300

/** `clsact`, `ingress`, or undefined if the interface has neither. */
export function ingressQdisc(interfaceIndex: number): 'clsact' | 'ingress' | undefined {
  const { bodies } = routeRequest(getQdisc, netlinkFlag.dump, message({ interfaceIndex }))
  const kinds = bodies
    .filter(
      (body) => body.readInt32LE(4) === interfaceIndex && body.readUInt32LE(12) === qdiscParent,
    )
    .map(kindOf)
  return kinds.find((kind) => kind === 'clsact' || kind === 'ingress') as 'clsact' | 'ingress'
}

/** Refused with EEXIST if the interface has one already, or the older `ingress`. */
export function addClsact(interfaceIndex: number): Answer {
  const { create, exclusive } = netlinkFlag
  const head = message({ interfaceIndex, handle: qdiscHandle, parent: qdiscParent })
  const body = Buffer.concat([head, attribute(attributeKind, 'clsact')])
  return routeRequest(newQdisc, create | exclusive, body)
}

/** Takes every filter of both directions along. */
export function deleteClsact(interfaceIndex: number): Answer {
  const head = message({ interfaceIndex, handle: qdiscHandle, parent: qdiscParent })
  return routeRequest(deleteQdisc, 0, Buffer.concat([head, attribute(attributeKind, 'clsact')]))
}

/** In the order of their turn. */
export function listFilters(interfaceIndex: number, direction: Direction): readonly Filter[] {
  const head = message({ interfaceIndex, parent: filterParent[direction] })
  // Each chain has a line of its own without a handle.
  const { bodies } = routeRequest(getFilter, netlinkFlag.dump, head)
  return bodies.map(readFilter).filter(({ handle }) => handle !== 0)
}

/** Refused with EEXIST if there is one of this handle and priority. */
export function addFilter(id: FilterId, programFd: number, name: string): Answer {
  const options = [
    attribute(bpfFd, programFd),
    attribute(bpfName, name),
    attribute(bpfFlags, actDirect),
  ]
  const body = Buffer.concat([
    filterMessage(id),
    attribute(attributeKind, 'bpf'),
    attribute(attributeOptions, Buffer.concat(options)),
  ])
  return routeRequest(newFilter, netlinkFlag.create | netlinkFlag.exclusive, body)
}

/** The one of this handle and priority, and no other. */
export function deleteFilterOf(id: FilterId): Answer {
  const body = Buffer.concat([filterMessage(id), attribute(attributeKind, 'bpf')])
  return routeRequest(deleteFilter, 0, body)
}

function filterMessage({ interfaceIndex, direction, handle, priority }: FilterId): Buffer {
  const info = (priority << 16) | allProtocols
  return message({ interfaceIndex, handle, parent: filterParent[direction], info })
}

interface Message {
  readonly interfaceIndex: number
  readonly handle?: number
  readonly parent?: number
  readonly info?: number
}

function message({ interfaceIndex, handle = 0, parent = 0, info = 0 }: Message): Buffer {
  const body = Buffer.alloc(messageBytes)
  body.writeInt32LE(interfaceIndex, 4)
  body.writeUInt32LE(handle, 8)
  body.writeUInt32LE(parent, 12)
  body.writeUInt32LE(info >>> 0, 16)
  return body
}

function kindOf(body: Buffer): string {
  return cString(readAttributes(body, messageBytes).get(attributeKind) ?? Buffer.alloc(1), 0)
}

function readFilter(body: Buffer): Filter {
  const options = readAttributes(body, messageBytes).get(attributeOptions) ?? Buffer.alloc(0)
  const kind = kindOf(body)
  const about = kind === 'bpf' ? readAttributes(options, 0) : new Map<number, Buffer>()
  return {
    kind,
    handle: body.readUInt32LE(8),
    priority: body.readUInt32LE(16) >>> 16,
    name: cString(about.get(bpfName) ?? Buffer.alloc(1), 0),
    programId: about.get(bpfId)?.readUInt32LE(0) ?? 0,
  }
}
