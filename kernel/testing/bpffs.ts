// A BPF file system of a test's own, and what of it is left in the kernel.

import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { listAll } from './loader.ts'
import { untilSync } from './until-sync.ts'

export interface Bpffs {
  readonly folder: string
  /** Unmounts it, which ends every pin in it. */
  remove(): void
}

export function mountBpffs(): Bpffs {
  const folder = mkdtempSync(join(tmpdir(), 'weir-bpffs-'))
  execFileSync('mount', ['-t', 'bpf', 'bpf', folder], { timeout: 20_000 })
  return {
    folder,
    remove: () => {
      execFileSync('umount', [folder], { timeout: 20_000 })
      rmdirSync(folder)
    },
  }
}

/**
 * Waits until the kernel has freed what has this id: it does so some time after the last descriptor is closed, and
 * whoever lists all of the host has one for a moment.
 */
export function assertGone(kind: 'map' | 'prog' | 'link', id: number): void {
  const isLeft = () => listAll<{ id: number }>(kind).some((one) => one.id === id)
  untilSync(`the end of ${kind} ${id}`, () => !isLeft())
}
