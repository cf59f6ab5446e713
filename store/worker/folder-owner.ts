// Whether another process has the engine's folder open. The binding says only "Failed to create connection",
// so the engine's own lock (flock on `status`) is looked up in the kernel's list.

import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'

/** Process id of the owner; undefined when nobody has it, or /proc/locks cannot tell. */
export function folderOwner(folder: string): number | undefined {
  try {
    const { ino } = statSync(join(folder, 'status'))
    // 1: FLOCK  ADVISORY  WRITE 2345 08:01:131077 0 EOF
    const lock = new RegExp(`^\\d+: \\w+ +\\w+ +WRITE (-?\\d+) \\w+:\\w+:${ino} `, 'm')
    const pid = lock.exec(readFileSync('/proc/locks', 'utf8'))?.[1]
    return pid === undefined ? undefined : Number(pid)
  } catch {
    return undefined
  }
}
