// A program of Weir that another process keeps on an interface without a pin (an agent, a trace): read by its maps, which
// are found by their ids. It goes with that process. Takes CAP_SYS_ADMIN.

import { atInterface, type InterfacePlace } from '../../loader/attach/interface.ts'
import { bpfCall, memory, objectInfo, writeAddress } from '../../loader/bpf-call.ts'
import { cString } from '../../loader/elf.ts'
import { closeDescriptor } from '../../loader/library.ts'
import { type XdpMapName, xdpMapNames } from './pinned.ts'

export interface JoinedProgram {
  readonly programId: number
  readonly mode: 'native' | 'generic'
  readonly descriptors: Readonly<Record<XdpMapName, number>>
  /** False when its process has ended, or has taken it off. */
  isThere(): boolean
  close(): void
}

/** struct bpf_prog_info and struct bpf_map_info, in octets. */
const program = { bytes: 256, mapCount: 52, mapIds: 56, name: 64 } as const
const map = { bytes: 128, name: 24 } as const
const nameBytes = 16
const mapsMax = 64

/** Undefined if there is no program, one of another tool, or this process may not ask. */
export function joinProgram(place: InterfacePlace): JoinedProgram | undefined {
  const attached = attachedAt(place)
  if (!attached || attached.mode === 'hardware') return undefined
  const { programId, mode } = attached
  const descriptors = mapsOfProgram(programId)
  if (!descriptors) return undefined
  return {
    programId,
    mode,
    descriptors,
    isThere: () => {
      try {
        return attachedAt(place)?.programId === programId
      } catch {
        return false // the interface is gone
      }
    },
    close: () => {
      for (const fd of Object.values(descriptors)) closeDescriptor(fd)
    },
  }
}

function attachedAt(place: InterfacePlace) {
  return atInterface(place, ({ xdp: [found] }) => found)
}

/** All maps that readers need, by their names; nothing if one is missing, or the program is of another tool. */
export function mapsOfProgram(id: number): Readonly<Record<XdpMapName, number>> | undefined {
  const fd = bpfCall('programFdById', [id])
  if (fd < 0) return undefined
  const info = memory(program.bytes)
  const ids = memory(mapsMax * 4)
  info.writeUInt32LE(mapsMax, program.mapCount)
  writeAddress(info, program.mapIds, ids)
  const result = objectInfo(fd, info)
  closeDescriptor(fd)
  const name = cString(info.subarray(0, program.name + nameBytes), program.name)
  if (result < 0 || name !== 'weir_xdp') return undefined
  const found = new Map<string, number>()
  const count = Math.min(info.readUInt32LE(program.mapCount), mapsMax)
  for (let index = 0; index < count; index++) keepMap(found, ids.readUInt32LE(index * 4))
  if (xdpMapNames.every((wanted) => found.has(wanted))) {
    return Object.fromEntries(found) as Record<XdpMapName, number>
  }
  for (const descriptor of found.values()) closeDescriptor(descriptor)
  return undefined
}

function keepMap(found: Map<string, number>, id: number): void {
  const fd = bpfCall('mapFdById', [id])
  if (fd < 0) return
  const info = memory(map.bytes)
  const result = objectInfo(fd, info)
  const name = cString(info.subarray(0, map.name + nameBytes), map.name)
  const isWanted = (xdpMapNames as readonly string[]).includes(name) && !found.has(name)
  if (result < 0 || !isWanted) closeDescriptor(fd)
  else found.set(name, fd)
}
