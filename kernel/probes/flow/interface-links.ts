// How interfaces are connected: which of two that saw one packet saw it first (docs/design/032).

import type { Interface } from '../../loader/attach/interface.ts'
import type { InterfaceLinks } from '../spec.ts'

/** A cable's link is its other end; everyone else's is what is under it. */
const cables = new Set(['veth', 'netkit', 'vxcan'])
/** They give a packet to one port. Other masters (bridge, openvswitch) may give it to all of theirs. */
const oneWayOut = new Set(['bond', 'team', 'vrf', 'hsr'])
/** ARPHRD_LOOPBACK. */
const loopback = 772

/** Of every interface of a namespace. */
export function linksOf(all: readonly Interface[]): ReadonlyMap<number, InterfaceLinks> {
  const kinds = new Map(all.map(({ index, kind }) => [index, kind]))
  const under = new Map<number, number[]>()
  const put = (above: number, below: number) => {
    under.set(above, [...(under.get(above) ?? []), below])
  }
  for (const { index, master, link, linkNamespace, kind } of all) {
    if (master > 0) put(master, index)
    if (link > 0 && linkNamespace < 0 && !cables.has(kind)) put(index, link)
  }
  return new Map(
    all.map((one) => [
      one.index,
      {
        below: allUnder(one.index, under),
        peer: peerOf(one),
        away: cables.has(one.kind) ? one.linkNamespace : -1,
        bridge: one.master > 0 && !oneWayOut.has(kinds.get(one.master) ?? '') ? one.master : 0,
      },
    ]),
  )
}

function peerOf({ index, link, linkNamespace, kind, linkType }: Interface): number {
  if (linkType === loopback) return index
  return cables.has(kind) && linkNamespace < 0 ? link : 0
}

function allUnder(index: number, under: ReadonlyMap<number, readonly number[]>): number[] {
  const found = new Set<number>()
  const look = (at: number) => {
    for (const below of under.get(at) ?? []) {
      if (below === index || found.has(below)) continue
      found.add(below)
      look(below)
    }
  }
  look(index)
  return [...found]
}
