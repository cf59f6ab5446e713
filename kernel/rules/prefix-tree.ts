// A tree of prefixes as the program walks it (struct prefix_node of xdp_record.h): four bits of the address choose one
// of 16 ways, and what all prefixes below a node have in common is compared at once and not walked through. 1,000
// prefixes are three or four nodes deep. Each way has the list of the longest prefix that covers it, so the walk keeps
// nothing but its place.

import type { PrefixList } from './compile.ts'

/** struct prefix_node. */
export const prefixNodeBytes = 168
const member = { address: 0, mask: 16, octet: 32, shift: 33, above: 36, slots: 40 } as const
const slotBytes = 8
const stepBits = 4
const ways = 1 << stepBits
/** LIST_PLACE_BITS. */
const placeBits = 24
/** Places of lists, and rules. */
export const listPlaceMax = 1 << placeBits

/** Nodes side by side, the root first; at least that. For prefixes as `compileRules` orders them. */
export function prefixTree(prefixes: readonly PrefixList[]): Uint8Array {
  const nodes = createNodes(prefixes.length)
  const [first] = prefixes
  const everywhere = first?.prefix.bits === 0 ? first : undefined
  const from = everywhere ? 1 : 0
  const above = everywhere ? listOf(everywhere) : 0
  if (from === prefixes.length) nodes.add(new Uint8Array(16), 0, above)
  else grow(nodes, prefixes, { from, to: prefixes.length, above })
  return nodes.octets()
}

/** Prefixes that begin alike, and the list of what is around them all. */
interface Branch {
  readonly from: number
  readonly to: number
  readonly above: number
}

function grow(nodes: Nodes, prefixes: readonly PrefixList[], { from, to, above }: Branch): number {
  const bits = sharedBits(prefixes, from, to)
  const node = nodes.add(prefixes[from]!.prefix.address, bits, above)
  for (let at = from; at < to; ) {
    const { address, bits: length } = prefixes[at]!.prefix
    const way = fourBits(address, bits)
    if (length <= bits + stepBits) {
      // Shorter ones come first: a longer one replaces what they said of its ways.
      const count = 1 << (bits + stepBits - length)
      for (let each = way; each < way + count; each++) {
        nodes.setList(node, each, listOf(prefixes[at]!))
      }
      at++
      continue
    }
    let end = at + 1
    while (end < to && fourBits(prefixes[end]!.prefix.address, bits) === way) end++
    nodes.setChild(
      node,
      way,
      grow(nodes, prefixes, { from: at, to: end, above: nodes.list(node, way) }),
    )
    at = end
  }
  return node
}

/** Where the prefixes part, or the shortest of them ends within four bits; a multiple of 4. */
function sharedBits(prefixes: readonly PrefixList[], from: number, to: number): number {
  let shortest = 128
  for (let at = from; at < to; at++) shortest = Math.min(shortest, prefixes[at]!.prefix.bits)
  const [one, other] = [prefixes[from]!.prefix.address, prefixes[to - 1]!.prefix.address]
  let octet = 0
  while (octet < 15 && one[octet] === other[octet]) octet++
  const common = octet * 8 + Math.clz32((one[octet]! ^ other[octet]!) << 24)
  return Math.min(common, shortest - 1) & ~(stepBits - 1)
}

function fourBits(address: Uint8Array, bits: number): number {
  return (address[bits >> 3]! >> ((bits & stepBits) === 0 ? 4 : 0)) & (ways - 1)
}

function listOf({ start, count }: PrefixList): number {
  return start + count * listPlaceMax
}

interface Nodes {
  add(address: Uint8Array, bits: number, above: number): number
  list(node: number, way: number): number
  setList(node: number, way: number, list: number): void
  setChild(node: number, way: number, child: number): void
  octets(): Uint8Array
}

function createNodes(expected: number): Nodes {
  let room = Buffer.alloc((Math.ceil(expected * 1.5) + 1) * prefixNodeBytes)
  let count = 0
  const slot = (node: number, way: number) =>
    node * prefixNodeBytes + member.slots + way * slotBytes
  return {
    add: (address, bits, above) => {
      const begin = count * prefixNodeBytes
      if (begin + prefixNodeBytes > room.length)
        room = Buffer.concat([room, Buffer.alloc(room.length)])
      const [whole, rest] = [bits >> 3, bits & 7]
      for (let at = 0; at < whole; at++) {
        room[begin + at] = address[at]!
        room[begin + member.mask + at] = 0xff
      }
      if (rest > 0) {
        room[begin + whole] = address[whole]! & 0xf0
        room[begin + member.mask + whole] = 0xf0
      }
      room[begin + member.octet] = whole
      room[begin + member.shift] = rest === 0 ? 4 : 0
      room.writeUInt32LE(above, begin + member.above)
      if (above > 0) {
        for (let way = 0; way < ways; way++) room.writeUInt32LE(above, slot(count, way) + 4)
      }
      return count++
    },
    list: (node, way) => room.readUInt32LE(slot(node, way) + 4),
    setList: (node, way, list) => void room.writeUInt32LE(list, slot(node, way) + 4),
    setChild: (node, way, child) => void room.writeUInt32LE(child, slot(node, way)),
    octets: () => room.subarray(0, count * prefixNodeBytes),
  }
}
