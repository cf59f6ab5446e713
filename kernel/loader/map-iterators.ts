// Some hardened kernels have iterators over maps in their type information and refuse to load them (EPERM, with every
// capability): those hand out the memory of a map's values. So it is tried.

import { readFileSync } from 'node:fs'
import { constants } from 'node:os'
import { functionId } from './btf.ts'
import { btfPath, kernelNames, missingCapabilities } from './host.ts'
import { closeDescriptor } from './library.ts'
import { loadIterator } from './trial-program.ts'

const targets = ['bpf_map_elem', 'bpf_sk_storage_map'] as const
const { EACCES, EPERM } = constants.errno
let refused: ReadonlySet<string> | undefined

/**
 * `kernelNames` less those of iterators over maps (`bpf_iter__bpf_map_elem`) where the kernel refuses to load them. Nothing is
 * tried, and they are taken for loadable, without the capabilities for it.
 */
export function loadableNames<const N extends string>(names: readonly N[]): ReadonlySet<N> {
  const known = kernelNames(names)
  const may = targets.some((target) => known.has(contextOf(target) as N))
  if (!may || missingCapabilities().length > 0) return known
  refused ??= findRefused()
  return new Set([...known].filter((name) => !refused?.has(name)))
}

/** The structure that such an iterator is given. */
function contextOf(target: string): string {
  return `bpf_iter__${target}`
}

/** None if that cannot be found out. */
function findRefused(): ReadonlySet<string> {
  try {
    const btf = readFileSync(btfPath)
    const ids = targets.map(
      (target) => [contextOf(target), functionId(btf, `bpf_iter_${target}`)] as const,
    )
    return new Set(ids.filter(([, id]) => id !== 0 && isRefused(id)).map(([name]) => name))
  } catch {
    return new Set() // type information of a form that is newer than our reader
  }
}

function isRefused(id: number): boolean {
  const fd = loadIterator(id)
  if (fd >= 0) closeDescriptor(fd)
  return fd === -EPERM || fd === -EACCES
}
