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

/**
 * Runs `work`, which must be synchronous, in another network namespace. Moves this thread alone; worker
 * threads only, and one that cannot come back ends, because all it did afterwards would be elsewhere.
 */
export function insideNamespace<T>(path: string, work: () => T): T {
  if (isMainThread) throw fail('namespace_main_thread', { details: { path } })
  const home = openSync('/proc/thread-self/ns/net', 'r')
  try {
    enter(path)
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
