// The living sockets of a loaded probe: a walk over descriptors for owners, then the dump by slots and storage. Where
// there are no slots the walk is the dump.

import { socketRecordBytes } from '../../layout/socket-record.ts'
import { type GrowingBuffer, iterator } from '../../loader/attach/iterator.ts'
import { insideNamespace } from '../../loader/namespace.ts'
import type { LoadedObject } from '../../loader/object.ts'
import type { Variables } from '../../loader/variables.ts'
import type { Living } from '../spec.ts'
import { type SocketFeatures, slotProgram, tellsOwners } from './features.ts'

/** WALK_NUMBER of conn.h. */
const walkNumberMax = 63

export function createDumps(
  object: LoadedObject,
  features: SocketFeatures,
  { set, get }: Variables = object.variables(),
): Living {
  const live: GrowingBuffer = { bytes: Buffer.alloc(0) }
  const none: GrowingBuffer = { bytes: Buffer.alloc(0) }
  const there: GrowingBuffer = { bytes: Buffer.alloc(0) }
  const slots = slotProgram(features)
  const holders = object.attach('socket_holders', iterator, { target: 'task_file' })
  const table = object.attach('socket_table', iterator, { target: 'tcp' })
  const overMap = (program: string, target: string, map: string) =>
    object.attach(program, iterator, { target, mapFd: object.mapFd(map) })
  const passes =
    slots === undefined
      ? []
      : [
          overMap(slots, 'bpf_map_elem', 'groups'),
          overMap('socket_stored', 'bpf_sk_storage_map', 'conns'),
        ]
  const walkAlways = slots === undefined || !tellsOwners(features)
  let walks = 0

  /** Returns the octets of records: none where slots do the showing. */
  function walk(): number {
    set('walk_number', BigInt((walks++ % walkNumberMax) + 1))
    set('missed_met', 0n)
    return holders.read(slots === undefined ? live : none)
  }

  function dump({ onlyChanges = false } = {}): Uint8Array {
    set('only_changes', onlyChanges ? 1n : 0n)
    let length = walkAlways || !onlyChanges || walks === 0 ? walk() : 0
    for (const pass of passes) length = pass.read(live, length)
    if (get('missed_met') !== 0n) walk()
    return wholeRecords(live, length)
  }

  return {
    seesUnheld: slots !== undefined,
    dump,
    dumpNamespace: (path) => insideNamespace(path, () => wholeRecords(there, table.read(there))),
  }
}

function wholeRecords(buffer: GrowingBuffer, octets: number): Uint8Array {
  if (octets % socketRecordBytes !== 0) throw new Error(`a dump of ${octets} octets is cut off`)
  return buffer.bytes.subarray(0, octets)
}
