// Where a central of this host listens, so that `weir flows` finds a running `weir up` by itself. Each central keeps
// one small file in a runtime folder; a file whose process is gone, or that somebody else could have written, is
// no answer.

import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'

export interface RunningCentral {
  readonly url: string
  readonly pid: number
  /** When the process started, in the kernel's ticks since boot: pids are used again. */
  readonly start: string
}

const filePattern = /^central-\d+\.json$/

/** Tells where this process listens, in the first folder; the answer takes it back. A folder that cannot be written is no error. */
export function tellRunning(folders: readonly string[], url: string): () => void {
  const folder = folders[0]
  if (folder === undefined) return () => {}
  const { pid } = process
  const file = join(folder, `central-${pid}.json`)
  const central: RunningCentral = { url, pid, start: startOf(pid) ?? '' }
  try {
    // Its parent is there or the folder is not for us: a recursive one never returns below /proc.
    if (!existsSync(folder)) mkdirSync(folder, { mode: 0o755 })
    for (const name of filesIn(folder))
      if (!readCentral(folder, name)) rmSync(join(folder, name), { force: true })
    writeFileSync(`${file}.new`, `${JSON.stringify(central)}\n`, { mode: 0o644 })
    renameSync(`${file}.new`, file)
  } catch {
    return () => {}
  }
  return () => rmSync(file, { force: true })
}

/** Centrals that run on this host, the last started first. */
export function findRunning(folders: readonly string[]): readonly RunningCentral[] {
  return folders
    .flatMap((folder) => filesIn(folder).map((name) => readCentral(folder, name)))
    .filter((central) => central !== undefined)
    .toSorted((one, other) => Number(other.start) - Number(one.start))
}

function filesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder).filter((name) => filePattern.test(name))
  } catch {
    return []
  }
}

function readCentral(folder: string, name: string): RunningCentral | undefined {
  const file = join(folder, name)
  try {
    if (!isTrusted(file)) return undefined
    const central: unknown = JSON.parse(readFileSync(file, 'utf8'))
    return isCentral(central) && isAlive(central) ? central : undefined
  } catch {
    return undefined
  }
}

/** Written by root or by us: nobody else may say where our questions go. */
function isTrusted(file: string): boolean {
  const { uid } = statSync(file)
  return uid === 0 || uid === process.getuid?.()
}

function isCentral(value: unknown): value is RunningCentral {
  if (typeof value !== 'object' || value === null) return false
  const { url, pid, start } = value as Partial<RunningCentral>
  return typeof url === 'string' && Number.isInteger(pid) && typeof start === 'string'
}

function isAlive({ pid, start }: RunningCentral): boolean {
  return startOf(pid) === start
}

/** Field 22 of /proc/PID/stat; the name before it may hold spaces and brackets. Undefined when there is no such process. */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
  } catch {
    return undefined
  }
}
