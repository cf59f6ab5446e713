// Pins: files of a BPF file system that keep a map or a link when its last descriptor is closed. Which path, and
// that it names the network namespace where it must, is the caller's to decide.

import { readlinkSync, statfsSync, unlinkSync } from 'node:fs'
import { constants } from 'node:os'
import { dirname } from 'node:path'
import { bpfCall, callRefused, cText } from './bpf-call.ts'
import { fail } from './errors.ts'
import { closeDescriptor, errorText } from './library.ts'

/** BPF_FS_MAGIC of linux/magic.h. */
const bpffsMagic = 0xcafe4a11

/** Whether `folder` exists and lies on a BPF file system. */
export function isBpffs(folder: string): boolean {
  try {
    return statfsSync(folder).type >>> 0 === bpffsMagic
  } catch {
    return false
  }
}

/** Throws `bpffs_missing` if the folder of `path` is on another file system or absent, `pin_exists`, `kernel_call`. */
export function pin(fd: number, path: string): void {
  if (!isBpffs(dirname(path))) throw fail('bpffs_missing', { details: { path: dirname(path) } })
  const result = -bpfCall('pin', [cText(path), fd])
  if (result === constants.errno.EEXIST) throw fail('pin_exists', { details: { path } })
  if (result > 0) throw callRefused(`pinning ${path}`, errorText(result))
}

/** Removes a pin; what it kept ends if nothing else holds it. False if there is none. */
export function unpin(path: string): boolean {
  if (!isBpffs(dirname(path))) throw fail('bpffs_missing', { details: { path: dirname(path) } })
  try {
    unlinkSync(path)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
}

/**
 * A new descriptor of what is pinned there; undefined if nothing is. Throws `kernel_call`, also if it is of another
 * kind.
 */
export function openPin(path: string, kind: 'map' | 'link'): number | undefined {
  const fd = bpfCall('openPinned', [cText(path)])
  if (fd === -constants.errno.ENOENT) return undefined
  if (fd < 0) throw callRefused(`opening ${path}`, errorText(fd))
  // `anon_inode:bpf-map`, `anon_inode:bpf_link`: the kernel's answers about them do not tell one from the other.
  const found = readlinkSync(`/proc/self/fd/${fd}`)
  if (found.endsWith(kind)) return fd
  closeDescriptor(fd)
  throw callRefused(`opening ${path}`, `it is no ${kind} but ${found}`)
}
