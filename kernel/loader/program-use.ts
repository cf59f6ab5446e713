// What a loaded program has cost: how often and how long it ran, and the memory of the maps that it uses. Read from
// the descriptors that this process holds, so it takes no capability.

import { closeSync, openSync, readdirSync, readSync } from 'node:fs'
import { memory, objectInfo, writeAddress } from './bpf-call.ts'

export interface ProgramUse {
  /** Counted by the kernel only while kernel.bpf_stats_enabled is on; else both are 0. */
  readonly runs: number
  readonly runTimeNs: number
  /** Runs that the kernel left out because the program would have interrupted itself; 0 where it leaves none out. */
  readonly missed: number
  /** Octets of the maps that the program uses, also those that it shares with others. */
  readonly mapBytes: number
}

/** Octet offsets in struct bpf_prog_info (linux/bpf.h). */
const info = { bytes: 256, mapCount: 52, mapIds: 56, runTime: 192, runs: 200, missed: 208 } as const
const mapsMax = 64

/** By the program's descriptor; `mapMemory` is asked for once for all programs. */
export function programUse(fd: number, mapMemory: ReadonlyMap<number, number>): ProgramUse {
  const octets = memory(info.bytes)
  const ids = memory(mapsMax * 4)
  octets.writeUInt32LE(mapsMax, info.mapCount)
  writeAddress(octets, info.mapIds, ids)
  if (objectInfo(fd, octets) < 0) return { runs: 0, runTimeNs: 0, missed: 0, mapBytes: 0 }
  const count = Math.min(octets.readUInt32LE(info.mapCount), mapsMax)
  let mapBytes = 0
  for (let index = 0; index < count; index++) {
    mapBytes += mapMemory.get(ids.readUInt32LE(index * 4)) ?? 0
  }
  return {
    runs: Number(octets.readBigUInt64LE(info.runs)),
    runTimeNs: Number(octets.readBigUInt64LE(info.runTime)),
    missed: Number(octets.readBigUInt64LE(info.missed)),
    mapBytes,
  }
}

/** Octets of every map that this process holds, by the map's id: `memlock` of its fdinfo. */
export function mapMemoryHere(): ReadonlyMap<number, number> {
  const found = new Map<number, number>()
  for (const fd of readdirSync('/proc/self/fdinfo')) {
    const text = fdInfo(fd)
    const id = /^map_id:\t(\d+)$/m.exec(text)?.[1]
    const octets = /^memlock:\t(\d+)$/m.exec(text)?.[1]
    if (id !== undefined && octets !== undefined) found.set(Number(id), Number(octets))
  }
  return found
}

const textBuffer = Buffer.alloc(4096)

/** Empty if the descriptor is gone meanwhile. */
function fdInfo(fd: string): string {
  try {
    const file = openSync(`/proc/self/fdinfo/${fd}`, 'r')
    try {
      return textBuffer.toString('latin1', 0, readSync(file, textBuffer))
    } finally {
      closeSync(file)
    }
  } catch {
    return ''
  }
}
