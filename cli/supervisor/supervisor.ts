// Keeps the processes of `weir up` alive: starts them in order, each after the one before is ready, starts a
// dead one again, stops them in reverse. A child sees the supervisor's own death as a closed IPC channel.

import { type ChildProcess, spawn } from 'node:child_process'
import type { Reporter } from '../../common/mod.ts'

export interface ChildSpec {
  readonly name: string
  /** Arguments of the runtime: the script first. */
  readonly args: readonly string[]
  /** Runs before each start; what it throws is for the child to say, which meets the same. */
  readonly beforeStart?: () => void
  /** How long it may take to stop before it is killed. */
  readonly stopMs: number
}

/** What a child says once it works; the rest of the message is the child's own. */
export interface ReadyMessage {
  readonly type: 'ready'
  readonly [key: string]: unknown
}

export interface Supervisor {
  /**
   * Resolves with the children's ready messages by name, or with the exit code of the first child that ended
   * before it was ready (it has said why on standard error; the others are stopped).
   */
  start(): Promise<ReadonlyMap<string, ReadyMessage> | { readonly exitCode: number }>
  stop(): Promise<void>
}

interface Child {
  readonly spec: ChildSpec
  process: ChildProcess | undefined
  startedMs: number
  delayMs: number
  timer: NodeJS.Timeout | undefined
}

const firstDelayMs = 200
const longestDelayMs = 10_000
const stableMs = 60_000

export function createSupervisor(specs: readonly ChildSpec[], reporter: Reporter): Supervisor {
  const children: Child[] = []
  const restarts = reporter.counter(
    'restarts_total',
    'Processes that ended and were started again.',
  )
  let stopping = false

  async function start(): ReturnType<Supervisor['start']> {
    const ready = new Map<string, ReadyMessage>()
    for (const spec of specs) {
      const child: Child = {
        spec,
        process: undefined,
        startedMs: 0,
        delayMs: firstDelayMs,
        timer: undefined,
      }
      children.push(child)
      const answer = await firstStart(child)
      if ('exitCode' in answer) {
        await stop()
        return { exitCode: answer.exitCode as number }
      }
      ready.set(spec.name, answer as ReadyMessage)
      child.process?.once('exit', (code, signal) => onDeath(child, code, signal))
    }
    return ready
  }

  function onDeath(child: Child, code: number | null, signal: NodeJS.Signals | null): void {
    child.process = undefined
    if (stopping) return
    if (Date.now() - child.startedMs > stableMs) child.delayMs = firstDelayMs
    restarts.add(1, child.spec.name)
    const fields = { child: child.spec.name, code, signal, againInMs: child.delayMs }
    reporter.log.warn(fields, 'process ended, starting it again')
    child.timer = setTimeout(() => again(child), child.delayMs)
    child.delayMs = Math.min(child.delayMs * 2, longestDelayMs)
  }

  function again(child: Child): void {
    if (stopping) return
    launch(child).once('exit', (code, signal) => onDeath(child, code, signal))
  }

  async function stop(): Promise<void> {
    stopping = true
    for (const child of children.toReversed()) {
      clearTimeout(child.timer)
      if (child.process) await end(child.process, child.spec.stopMs)
    }
  }

  return { start, stop }
}

function launch(child: Child): ChildProcess {
  const { args, beforeStart } = child.spec
  try {
    beforeStart?.()
  } catch {
    // Said by the child.
  }
  child.startedMs = Date.now()
  // A session of its own: Ctrl-C reaches the supervisor alone, which stops the children in order.
  child.process = spawn(process.execPath, [...process.execArgv, ...args], {
    stdio: ['ignore', 2, 2, 'ipc'],
    detached: true,
  })
  return child.process
}

function firstStart(child: Child): Promise<ReadyMessage | { readonly exitCode: number }> {
  const process = launch(child)
  return new Promise((resolve) => {
    process.on('message', (message: ReadyMessage) => {
      if (message.type === 'ready') resolve(message)
    })
    process.once('exit', (code) => {
      child.process = undefined
      resolve({ exitCode: code ?? 1 })
    })
  })
}

/** SIGTERM, then SIGKILL after `graceMs`. Resolves when the process has ended. */
function end(process: ChildProcess, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    if (process.exitCode !== null || process.signalCode !== null) return resolve()
    const timer = setTimeout(() => process.kill('SIGKILL'), graceMs)
    process.once('exit', () => {
      clearTimeout(timer)
      resolve()
    })
    process.kill('SIGTERM')
  })
}
