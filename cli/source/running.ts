// Where the processes of Weir on this host are: `weir flows` finds a running `weir up` by itself, and no rule cuts off
// an agent from its central. Each central and each agent keeps one small file in a runtime folder; a file whose process
// is gone, or that somebody else could have written, is no answer.

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
import type { InterfaceReport } from '../../agent/mod.ts'

/** What a process says of itself. */
export interface RunningNotice {
  /** Of the page and the API; of a central. */
  readonly url?: string
  /** TCP ports where it is reached. */
  readonly ports: readonly number[]
  /** The central to which an agent sends over TCP. */
  readonly upstream?: { readonly host: string; readonly port: number }
  /** Interfaces that an agent watches, and those that refused. */
  readonly interfaces?: readonly InterfaceReport[]
}

export interface RunningProcess extends RunningNotice {
  readonly pid: number
  /** When the process started, in the kernel's ticks since boot: pids are used again. */
  readonly start: string
}

export type RunningCentral = RunningProcess & { readonly url: string }

const filePattern = /^(?:central|agent)-\d+\.json$/

/**
 * Writes where this process is into the first folder; the function that is returned removes it. A folder that cannot be
 * written is no error.
 */
export function tellRunning(
  folders: readonly string[],
  role: 'central' | 'agent',
  notice: RunningNotice,
): () => void {
  const folder = folders[0]
  if (folder === undefined) return () => {}
  const { pid } = process
  const file = join(folder, `${role}-${pid}.json`)
  const said: RunningProcess = { ...notice, pid, start: startOf(pid) ?? '' }
  try {
    // Its parent is there or the folder is not for us: a recursive one never returns below /proc.
    if (!existsSync(folder)) mkdirSync(folder, { mode: 0o755 })
    for (const name of filesIn(folder))
      if (!readProcess(folder, name)) rmSync(join(folder, name), { force: true })
    writeFileSync(`${file}.new`, `${JSON.stringify(said)}\n`, { mode: 0o644 })
    renameSync(`${file}.new`, file)
  } catch {
    return () => {}
  }
  return () => rmSync(file, { force: true })
}

/** Centrals that run on this host, the last started first. */
export function findRunning(folders: readonly string[]): readonly RunningCentral[] {
  return findProcesses(folders)
    .filter((found): found is RunningCentral => found.url !== undefined)
    .toSorted((one, other) => Number(other.start) - Number(one.start))
}

/** Every central and agent that runs on this host. */
export function findProcesses(folders: readonly string[]): readonly RunningProcess[] {
  return folders
    .flatMap((folder) => filesIn(folder).map((name) => readProcess(folder, name)))
    .filter((found) => found !== undefined)
}

function filesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder).filter((name) => filePattern.test(name))
  } catch {
    return []
  }
}

function readProcess(folder: string, name: string): RunningProcess | undefined {
  const file = join(folder, name)
  try {
    if (!isTrusted(file)) return undefined
    const said: unknown = JSON.parse(readFileSync(file, 'utf8'))
    return isProcess(said) && isAlive(said) ? said : undefined
  } catch {
    return undefined
  }
}

/** Written by root or by us: nobody else may say where our questions go. */
function isTrusted(file: string): boolean {
  const { uid } = statSync(file)
  return uid === 0 || uid === process.getuid?.()
}

function isProcess(value: unknown): value is RunningProcess {
  if (typeof value !== 'object' || value === null) return false
  const { url, pid, start, ports, upstream, interfaces } = value as Partial<RunningProcess>
  if (url !== undefined && typeof url !== 'string') return false
  if (interfaces !== undefined && !(Array.isArray(interfaces) && interfaces.every(isReport))) {
    return false
  }
  if (upstream && !(typeof upstream.host === 'string' && isPort(upstream.port))) return false
  const isNamed = Number.isInteger(pid) && typeof start === 'string'
  return isNamed && Array.isArray(ports) && ports.every(isPort)
}

function isReport(value: unknown): value is InterfaceReport {
  const { probe, name, hook, refused } = Object(value) as Partial<InterfaceReport>
  return [probe, name, hook, refused].every((text) => typeof text === 'string')
}

function isPort(value: unknown): boolean {
  return Number.isInteger(value) && Number(value) > 0 && Number(value) < 65_536
}

function isAlive({ pid, start }: RunningProcess): boolean {
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
