// The living sockets of a loaded probe: a walk over descriptors for owners, then the dump by slots and storage. Where
// there are no slots the walk is the dump.

import { socketRecordBytes } from '../../layout/socket-record.ts'
import { type GrowingBuffer, iterator } from '../../loader/attach/iterator.ts'
import { insideNamespace } from '../../loader/namespace.ts'
import type { LoadedObject } from '../../loader/object.ts'
import type { Variables } from '../../loader/variables.ts'
import type { Living } from '../spec.ts'
import {
  type SlotProgram,
  type SocketFeatures,
  slotProgram,
  tellsOwners,
  walkShows,
  walkShowsOn,
} from './features.ts'

/** WALK_NUMBER of conn.h. */
const walkNumberMax = 63

export function createDumps(
  object: LoadedObject,
  features: SocketFeatures,
  { set, get }: Variables = object.variables(),
): Living {
  const live: GrowingBuffer = { bytes: Buffer.alloc(0) }
  const there: GrowingBuffer = { bytes: Buffer.alloc(0) }
  const slots = slotProgram(features)
  const holders = object.attach('socket_holders', iterator, { target: 'task_file' })
  const table = object.attach('socket_table', iterator, { target: 'tcp' })
  const passes = slots === undefined ? [] : passesOf(slots)
  const walkAlways = slots === undefined || !tellsOwners(features)
  const showsStored = walkShowsOn(features) === walkShows.stored
  let walks = 0

  /** What reads slots, and storage. Each puts records behind `length` octets and returns where they end. */
  function passesOf(program: SlotProgram): readonly ((length: number) => number)[] {
    if (program === 'socket_slots_loop') return [loop(program)]
    const overMap = (name: string, target: string, map: string) => {
      const pass = object.attach(name, iterator, { target, mapFd: object.mapFd(map) })
      return (length: number) => pass.read(live, length)
    }
    return [
      overMap(program, 'bpf_map_elem', 'groups'),
      overMap('socket_stored', 'bpf_sk_storage_map', 'conns'),
    ]
  }

  /** Runs the program once for one thread, and again until it has been through all slots. */
  function loop(program: SlotProgram): (length: number) => number {
    const once = object.attach(program, iterator, { target: 'task', tid: process.pid })
    const count = BigInt(object.map('slots').entriesMax)
    return (length) => {
      let end = length
      set('next_slot', 0n)
      for (let at = 0n; at < count; ) {
        end = once.read(live, end)
        const next = get('next_slot')
        if (next === at) throw new Error('a dump does not go on')
        at = next
      }
      return end
    }
  }

  /** Puts the records that it shows behind `length` octets: none where slots do the showing. */
  function walk(length: number): number {
    set('walk_number', BigInt((walks++ % walkNumberMax) + 1))
    set('missed_met', 0n)
    set('storage_met', 0n)
    return holders.read(live, length)
  }

  function isWalkDue(onlyChanges: boolean): boolean {
    const hides = showsStored && get('storage_met') !== 0n
    return walkAlways || !onlyChanges || walks === 0 || hides
  }

  function dump({ onlyChanges = false } = {}): Uint8Array {
    set('only_changes', onlyChanges ? 1n : 0n)
    let length = isWalkDue(onlyChanges) ? walk(0) : 0
    for (const pass of passes) length = pass(length)
    if (get('missed_met') !== 0n) {
      set('only_changes', 1n) // what it shows has been shown
      length = walk(length)
    }
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
