// Whose program an id is, and its name: from the descriptors of this process and from the kernel.

import { readdirSync } from 'node:fs'
import { bpfCall, memory, objectInfo } from '../bpf-call.ts'
import { cString } from '../elf.ts'
import { readText } from '../host.ts'
import { closeDescriptor } from '../library.ts'
import { namePrefix, type Owner } from './hook.ts'

/** struct bpf_prog_info: the name's 16 octets lie at 64. */
const infoBytes = 256
const nameOffset = 64

/** Asks for many programs with one look at this process's descriptors. */
export function createOwners(): (programId: number) => { name: string; owner: Owner } {
  const own = ownPrograms()
  return (programId) => {
    const name = programName(programId)
    if (own.has(programId)) return { name, owner: 'this' }
    return { name, owner: name.startsWith(namePrefix) ? 'weir' : 'other' }
  }
}

/** Ids of the programs that descriptors of this process hold, by themselves or through a link. */
function ownPrograms(): ReadonlySet<number> {
  const found = new Set<number>()
  for (const fd of readdirSync('/proc/self/fdinfo')) {
    const id = /^prog_id:\s*(\d+)/m.exec(readText(`/proc/self/fdinfo/${fd}`))?.[1]
    if (id !== undefined) found.add(Number(id))
  }
  return found
}

/** Empty if the program is gone or this process may not ask (CAP_SYS_ADMIN). */
function programName(id: number): string {
  const fd = bpfCall('programFdById', [id])
  if (fd < 0) return ''
  try {
    const info = memory(infoBytes)
    return objectInfo(fd, info) < 0 ? '' : cString(info.subarray(0, nameOffset + 16), nameOffset)
  } finally {
    closeDescriptor(fd)
  }
}
