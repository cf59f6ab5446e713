// What no rule cuts off: TCP connections in the map `protected`, each with who put it there. A command replaces what
// commands named; the running agent keeps what it finds of Weir's own processes. Neither removes what is the other's.

import { fail } from '../../loader/errors.ts'
import { createMapEntries } from '../../loader/map-batch.ts'
import { findPinned, listPinned, type XdpMaps } from './pinned.ts'

/** A connection as it comes in: a whole one, a local port, or a far end with its port. What is absent is any. */
export interface ProtectedConnection {
  readonly source?: Uint8Array
  readonly destination?: Uint8Array
  readonly sourcePort?: number
  readonly destinationPort?: number
}

/** Values of the map; the program only asks whether there is an entry. */
const owners = { command: 1, weir: 2 } as const

/** Who named a connection: a command, or Weir found it by itself. */
export type ProtectedBy = keyof typeof owners

const keyBytes = 40
const tcp = 6

/** PORT_WORDS of xdp_record.h. */
const portWords = 1024

type ProtectedMaps = Pick<XdpMaps, 'protected' | 'protected_ports'>

/** Replaces the connections of an owner. Throws `map_full`: the map has room for 1,024. */
export function protect(
  maps: ProtectedMaps,
  connections: readonly ProtectedConnection[],
  by: ProtectedBy,
): void {
  const map = maps.protected
  const there = entriesOf(maps)
  const wanted = new Map(connections.map((each) => [keyOf(each).toString('hex'), keyOf(each)]))
  const gone = [...there].filter(([name, owner]) => owner === owners[by] && !wanted.has(name))
  const come = [...wanted].filter(([name]) => !there.has(name))
  assertRoom(maps, there.size - gone.length + come.length)
  for (const [name] of gone) map.delete(Buffer.from(name, 'hex'))
  for (const [name, key] of wanted) {
    // What a command named stays a command's.
    if (there.get(name) !== owners.command) map.update(key, Buffer.from([owners[by], 0, 0, 0]))
  }
  writePorts(maps)
}

/** Before anything is changed: a list that does not fit leaves the one before. */
function assertRoom({ protected: map }: ProtectedMaps, count: number): void {
  const { entriesMax } = map
  if (count <= entriesMax) return
  throw fail('map_full', { details: { map: 'protected', entriesMax, written: 0 } })
}

/** What the program asks first, from what is in the map of connections: each word as a whole. */
function writePorts(maps: ProtectedMaps): void {
  const words = new BigUint64Array(2 * portWords)
  for (const { sourcePort = 0, destinationPort = 0, source } of readProtected(maps)) {
    const [first, port] = source ? [portWords, sourcePort] : [0, destinationPort]
    words[first + (port >> 6)]! |= 1n << BigInt(port & 63)
  }
  const keys = Uint32Array.from({ length: words.length }, (_, word) => word)
  maps.protected_ports.updateAll(
    new Uint8Array(keys.buffer),
    new Uint8Array(words.buffer),
    words.length,
  )
}

/** Everything in the map. */
export function readProtected(
  maps: Pick<XdpMaps, 'protected'>,
): readonly (ProtectedConnection & { readonly by: ProtectedBy })[] {
  return [...entriesOf(maps)].map(([name, owner]) => {
    const key = Buffer.from(name, 'hex')
    return { ...connectionOf(key), by: owner === owners.weir ? 'weir' : 'command' }
  })
}

/** Lets Weir's own connections pass at every pinned program below a root. */
export function protectOwn(root: string, connections: readonly ProtectedConnection[]): void {
  for (const place of listPinned(root)) {
    const pinned = findPinned(place)
    if (pinned === undefined) continue
    try {
      protect(pinned.maps, connections, 'weir')
    } finally {
      pinned.close()
    }
  }
}

/** Key in hex → owner. */
function entriesOf({ protected: map }: Pick<XdpMaps, 'protected'>): ReadonlyMap<string, number> {
  const entries = createMapEntries()
  map.read(entries)
  const keys = Buffer.from(entries.keys)
  return new Map(
    Array.from({ length: entries.count }, (_, at) => [
      keys.toString('hex', at * keyBytes, (at + 1) * keyBytes),
      entries.valueWords[at] ?? 0,
    ]),
  )
}

/** struct protected_key. */
function keyOf(connection: ProtectedConnection): Buffer {
  const key = Buffer.alloc(keyBytes)
  if (connection.source) key.set(connection.source, 0)
  if (connection.destination) key.set(connection.destination, 16)
  key.writeUInt16LE(connection.sourcePort ?? 0, 32)
  key.writeUInt16LE(connection.destinationPort ?? 0, 34)
  key.writeUInt8(tcp, 36)
  return key
}

function connectionOf(key: Buffer): ProtectedConnection {
  const [source, destination] = [key.subarray(0, 16), key.subarray(16, 32)]
  const [sourcePort, destinationPort] = [key.readUInt16LE(32), key.readUInt16LE(34)]
  const isAny = (address: Buffer) => address.every((octet) => octet === 0)
  return {
    ...(isAny(source) ? {} : { source: Uint8Array.from(source) }),
    ...(isAny(destination) ? {} : { destination: Uint8Array.from(destination) }),
    ...(sourcePort === 0 ? {} : { sourcePort }),
    ...(destinationPort === 0 ? {} : { destinationPort }),
  }
}
