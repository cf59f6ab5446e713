// Cgroup ids → owners. The id is the inode of the folder in the cgroup2 tree, so one walk of the tree names
// them all; it is repeated only when an unknown id was met, at most once per interval.

import { readdirSync, readFileSync, statSync } from 'node:fs'
import { type CgroupOwner, ownerOfCgroup } from './cgroup-path.ts'

export interface Cgroups {
  /** The owner of an id, or undefined; an unknown one is noted for the next refresh. */
  ownerOf(id: number): CgroupOwner | undefined
  /** Walks the tree again when an unknown id was met since the last walk. */
  refresh(): void
}

export interface CgroupsOptions {
  /** Where cgroup2 is mounted; '' = nowhere, all ids stay unknown. */
  readonly root: string
  readonly foldersMax?: number
}

export function createCgroups({ root, foldersMax = 65_536 }: CgroupsOptions): Cgroups {
  let owners = new Map<number, CgroupOwner>()
  let gone = new Set<number>()
  let unknown = new Set<number>()

  /** An id that stays unknown after a walk is of a removed cgroup and causes no further walk. */
  function ownerOf(id: number): CgroupOwner | undefined {
    const owner = owners.get(id)
    if (!owner && id !== 0 && !gone.has(id) && unknown.size < foldersMax) unknown.add(id)
    return owner
  }

  function refresh(): void {
    if (unknown.size === 0 || root === '') return
    const found = walk(root, foldersMax)
    // Names of removed cgroups are kept while there is room: their last connections still come.
    if (owners.size + found.size > foldersMax * 2) owners = new Map()
    for (const [id, owner] of found) owners.set(id, owner)
    if (gone.size > foldersMax) gone = new Set()
    for (const id of unknown) if (!owners.has(id)) gone.add(id)
    unknown = new Set()
  }

  return { ownerOf, refresh }
}

/** The mount point of cgroup2: /sys/fs/cgroup, on hybrid hosts /sys/fs/cgroup/unified; '' when there is none. */
export function cgroupMount(mounts = readFileSync('/proc/self/mounts', 'utf8')): string {
  for (const line of mounts.split('\n')) {
    const [, path = '', type] = line.split(' ')
    if (type === 'cgroup2') return path.replace(/\\(\d{3})/g, (_, code) => octal(code as string))
  }
  return ''
}

function octal(code: string): string {
  return String.fromCharCode(Number.parseInt(code, 8))
}

function walk(root: string, foldersMax: number): Map<number, CgroupOwner> {
  const found = new Map<number, CgroupOwner>()
  const open = ['']
  for (let path = open.pop(); path !== undefined && found.size < foldersMax; path = open.pop()) {
    try {
      found.set(statSync(`${root}${path}/`).ino, ownerOfCgroup(path || '/'))
      for (const entry of readdirSync(`${root}${path}/`, { withFileTypes: true })) {
        if (entry.isDirectory()) open.push(`${path}/${entry.name}`)
      }
    } catch {
      // The cgroup was removed while we looked.
    }
  }
  return found
}
