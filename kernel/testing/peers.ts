// Network namespaces of a test's own, and the programs inside that make exactly known traffic.

import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

export interface Namespace {
  readonly name: string
  readonly path: string
  readonly inode: number
  /** Runs a command inside, without a shell; throws if it fails. */
  run(...command: readonly string[]): string
  remove(): void
}

export type Truth = Readonly<Record<string, unknown>>

export interface Peers {
  readonly pid: number
  ask<T = Truth>(op: string, request?: Readonly<Record<string, unknown>>): Promise<T>
  stop(): Promise<void>
}

const program = fileURLToPath(new URL('./peers.py', import.meta.url))
const commandLimitMs = 60_000
const prefix = 'weir-kernel'
let created = 0

export function createNamespace(): Namespace {
  if (created === 0) sweepNamespaces(prefix)
  created++
  const name = `${prefix}-${process.pid}-${created}`
  const path = `/run/netns/${name}`
  execFileSync('ip', ['netns', 'add', name], { timeout: commandLimitMs })
  const run = (...command: readonly string[]) =>
    execFileSync('nsenter', [`--net=${path}`, ...command], {
      encoding: 'utf8',
      timeout: commandLimitMs,
    })
  run('ip', 'link', 'set', 'lo', 'up')
  return {
    name,
    path,
    run,
    inode: statSync(path).ino,
    remove: () => execFileSync('ip', ['netns', 'delete', name], { timeout: commandLimitMs }),
  }
}

/** Takes away the namespaces PREFIX-PID-… of processes that were killed before they could. */
export function sweepNamespaces(prefix: string): void {
  const listed = execFileSync('ip', ['netns', 'list'], {
    encoding: 'utf8',
    timeout: commandLimitMs,
  })
  for (const [name, pid] of listed.matchAll(new RegExp(`^${prefix}-(\\d+)-[\\d-]+`, 'gm'))) {
    if (existsSync(`/proc/${pid}`)) continue
    // Somebody else may sweep at the same time.
    spawnSync('ip', ['netns', 'delete', name], { timeout: commandLimitMs })
  }
}

/** Starts the traffic program inside a namespace; `ask` runs one operation of peers.py. */
export function startPeers(namespace: Namespace): Peers {
  const python = ['/usr/bin/python3', program]
  const child = spawn('nsenter', [`--net=${namespace.path}`, ...python], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return {
    pid: child.pid as number,
    ask: async <T>(op: string, request: Readonly<Record<string, unknown>> = {}) => {
      child.stdin.write(`${JSON.stringify({ op, ...request })}\n`)
      const { value, done } = await lines.next()
      if (done) throw new Error('the traffic program ended')
      const answer = JSON.parse(value) as { failed?: string }
      if (answer.failed !== undefined) throw new Error(`${op}: ${answer.failed}`)
      return answer as T
    },
    stop: () => stop(child),
  }
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGKILL')
  await ended
}
