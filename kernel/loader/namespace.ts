// Network namespaces of the host, and a way into them for one call.

import { closeSync, openSync, readdirSync, statSync } from 'node:fs'
import { isMainThread } from 'node:worker_threads'
import { fail } from './errors.ts'
import { lastError, openLibc } from './library.ts'

export interface NetworkNamespace {
  readonly inode: number
  /** A file that stands for it while it lives: /proc/PID/ns/net or a bind mount under /run. */
  readonly path: string
}

const mountFolders = ['/run/netns', '/run/docker/netns']

/** Every network namespace of the host, once each: those of processes and those kept by name. */
export function networkNamespaces(): readonly NetworkNamespace[] {
  const found = new Map<number, string>()
  for (const entry of readdirSync('/proc')) {
    if (/^\d+$/.test(entry)) note(found, `/proc/${entry}/ns/net`)
  }
  for (const folder of mountFolders) {
    for (const name of entries(folder)) note(found, `${folder}/${name}`)
  }
  return [...found].map(([inode, path]) => ({ inode, path }))
}

function note(found: Map<number, string>, path: string): void {
  try {
    const { ino } = statSync(path)
    if (!found.has(ino)) found.set(ino, path)
  } catch {
    // The process has ended, or the name has no namespace behind it: nothing to see there.
  }
}

function entries(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

const cloneNewnet = 0x40000000
const ownPath = '/proc/thread-self/ns/net'

/** A file that stands for a network namespace, or its inode; undefined is the one of the thread. */
export type NamespaceChoice = string | number | undefined

/** Inode of the thread's network namespace. */
export function ownNamespace(): number {
  return statSync(ownPath).ino
}

/** Runs `work` there: right away if the thread is there already, else as `insideNamespace` does. */
export function inNamespace<T>(netns: NamespaceChoice, work: () => T): T {
  if (netns === undefined || netns === ownNamespace()) return work()
  const path = typeof netns === 'number' ? pathOf(netns) : netns
  const there = statSync(path, { throwIfNoEntry: false })?.ino
  return there === ownNamespace() ? work() : insideNamespace(path, work)
}

function pathOf(inode: number): string {
  const found = networkNamespaces().find((namespace) => namespace.inode === inode)
  if (found !== undefined) return found.path
  const details = { path: `namespace ${inode}`, reason: 'no process and no name stands for it' }
  throw fail('namespace_refused', { details })
}

/** Runs `work` in a namespace that is made for it and gone afterwards; it has a loopback interface. */
export function insideNewNamespace<T>(work: () => T): T {
  return elsewhere('a new namespace', work, () => {
    if (openLibc().unshare(cloneNewnet) === 0) return
    const details = { path: 'a new namespace', reason: lastError() }
    throw fail('namespace_refused', { details })
  })
}

/**
 * Runs `work`, which must be synchronous, in another network namespace. Moves this thread alone; worker
 * threads only, and one that cannot come back ends, because all it did afterwards would be elsewhere.
 */
export function insideNamespace<T>(path: string, work: () => T): T {
  return elsewhere(path, work, () => enter(path))
}

function elsewhere<T>(path: string, work: () => T, leave: () => void): T {
  if (isMainThread) throw fail('namespace_main_thread', { details: { path } })
  const home = openSync(ownPath, 'r')
  try {
    leave()
    try {
      return work()
    } finally {
      if (openLibc().setns(home, cloneNewnet) !== 0) process.exit(70)
    }
  } finally {
    closeSync(home)
  }
}

function enter(path: string): void {
  let there: number
  try {
    there = openSync(path, 'r')
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code ?? 'unknown'
    throw fail('namespace_refused', { cause: error, details: { path, reason } })
  }
  try {
    if (openLibc().setns(there, cloneNewnet) !== 0) {
      throw fail('namespace_refused', { details: { path, reason: lastError() } })
    }
  } finally {
    closeSync(there)
  }
}
