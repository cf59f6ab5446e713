// At which places the packets of a conversation are counted, so that each counts once: where it is seen first. A packet
// was seen before if, in the same conversation and the same way,
//
//   it comes in     by an interface above one by which packets came in (bridge, bond, VLAN), or at the other end of a cable
//   it goes out     by an interface under one by which packets went out
//   it is forwarded and packets came in anywhere
//
// `before` is this interval or the last one: a packet may be between two places when an interval ends.
// The rule and its limits: docs/design/032-a-packet-counts-once.md.

import { flowDirection, type InterfaceLinks } from '../../kernel/mod.ts'
import { type Conversations, type PointTable, way } from './conversations.ts'

export type LinksOf = ReadonlyMap<number, InterfaceLinks>

export interface Way {
  readonly goes: number
  readonly links: LinksOf
}

const alone: InterfaceLinks = { below: [], peer: 0, away: -1, bridge: 0 }

/** Of the points in `passed`, in the order of their packets: those at which packets of one way are counted. */
export function countingPoints(
  conversations: Conversations,
  conversation: number,
  ...[passed, { goes, links }]: [readonly number[], Way]
): readonly number[] {
  const { points } = conversations
  const sent = passed.filter((point) => (points.packets[point * 2 + goes] as number) > 0)
  if (sent.every((point) => isAnyChoice(points, point, links))) {
    return chosenPoint(conversations, conversation, sent, goes)
  }
  const known = conversations.recentPoints(conversation, goes)
  const [first, again]: [number[], number[]] = [[], []]
  for (const point of sent) {
    const place = placeOf(points, point, goes)
    const others = known.filter((other) => other !== point)
    const before = (is: (other: Place) => boolean) =>
      others.some((other) => is(placeOf(points, other, goes)))
    if (before((other) => isBefore(other, place, links))) continue
    if (before((other) => mayComeBack(other, place, links))) again.push(point)
    else first.push(point)
  }
  if (first.length > 0) return onePerBridge(points, first, { goes, links })
  return again.length > 0 ? chosenPoint(conversations, conversation, again, goes) : []
}

/** A packet on `lo` leaves and arrives, and the interfaces of a capture may have seen the same: any, but always the same. */
function isAnyChoice({ interface: on, side }: PointTable, point: number, links: LinksOf): boolean {
  const index = on[point] as number
  return side[point] === flowDirection.NONE || links.get(index)?.peer === index
}

interface Place {
  readonly interface: number
  readonly leaves: boolean
  readonly forwarded: boolean
}

function placeOf(points: PointTable, point: number, goes: number): Place {
  const leaves = (points.side[point] === flowDirection.EGRESS) === (goes === way.ab)
  const forwarded = leaves && points.forwarded[point] === 1
  return { interface: points.interface[point] as number, leaves, forwarded }
}

/** Whether what is seen at `place` has been seen at `other` before. */
function isBefore(other: Place, place: Place, links: LinksOf): boolean {
  const { below, peer } = links.get(place.interface) ?? alone
  if (!place.leaves)
    return other.leaves ? peer === other.interface : below.includes(other.interface)
  if (!other.leaves) return place.forwarded
  return (links.get(other.interface) ?? alone).below.includes(place.interface)
}

/** Whether what left by `other` may have come back by `place`: another cable to the same namespace. */
function mayComeBack(other: Place, place: Place, links: LinksOf): boolean {
  if (place.leaves || !other.leaves || other.interface === place.interface) return false
  const { away } = links.get(place.interface) ?? alone
  return away >= 0 && away === (links.get(other.interface) ?? alone).away
}

/** A bridge that is not watched itself may have given one packet to several of its ports. */
function onePerBridge(points: PointTable, first: readonly number[], { goes, links }: Way) {
  if (first.length < 2) return first
  const best = new Map<number, number>()
  const packetsOf = (point: number) => points.packets[point * 2 + goes] as number
  for (const point of first) {
    const bridge = bridgeOf(points, point, { goes, links })
    const most = best.get(bridge)
    if (most === undefined || packetsOf(point) > packetsOf(most)) best.set(bridge, point)
  }
  return first.filter((point) => {
    const bridge = bridgeOf(points, point, { goes, links })
    return bridge === 0 || best.get(bridge) === point
  })
}

function bridgeOf(points: PointTable, point: number, { goes, links }: Way): number {
  const place = placeOf(points, point, goes)
  return place.leaves ? (links.get(place.interface) ?? alone).bridge : 0
}

/** The one with the most, and then the same one as long as it has any. */
function chosenPoint(
  { table, points }: Conversations,
  conversation: number,
  ...[sent, goes]: [readonly number[], number]
): readonly number[] {
  const before = table.counting[conversation * 2 + goes] as number
  if (sent.includes(before)) return [before]
  const packetsOf = (point: number) => points.packets[point * 2 + goes] as number
  const [first, ...rest] = sent
  if (first === undefined) return []
  const best = rest.reduce(
    (most, point) => (packetsOf(point) > packetsOf(most) ? point : most),
    first,
  )
  table.counting[conversation * 2 + goes] = best
  return [best]
}
