// Attaching from a test: through a worker of this process, or through a process of its own that can be killed.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import type { AttachedProgram } from '../loader/attach/hook.ts'
import type { Answer, HookName, Place, Question } from './attach-messages.ts'

/** What a hook's `attach` gave, without its functions. */
export interface Attached {
  readonly number: number
  readonly programId: number
  readonly linkId: number
  readonly [more: string]: unknown
}

export interface RunInput {
  readonly context: readonly number[]
  readonly input: readonly number[]
}

export interface Attacher {
  attach(hook: HookName, program: string, place: Place): Promise<Attached>
  detach(attached: Attached): Promise<void>
  pin(attached: Attached, path: string): Promise<void>
  attached(hook: HookName, place: Place): Promise<readonly AttachedProgram[]>
  /** The state, and the error's message if there is one. */
  feature(hook: HookName, place?: Place): Promise<readonly string[]>
  /** Packets and L3 octets that a program has counted. */
  counted(who: number): Promise<readonly number[]>
  removeLeftFilters(netns: string): Promise<number>
  /** Runs a program without its hook, inside a namespace; the context in words. */
  run(program: string, netns: string, given: RunInput): Promise<number>
  /** Closes the object. */
  close(): Promise<void>
  stop(): Promise<void>
}

/** enum counting of attach.bpf.c. */
export const counting = {
  tcIn: 0,
  tcOut: 1,
  xdp: 2,
  cgroupIn: 3,
  cgroupOut: 4,
  socketFilter: 5,
  other: 7,
} as const

const workerUrl = new URL('./attach-worker.ts', import.meta.url)

export function startAttacher(): Attacher {
  const worker = new Worker(workerUrl)

  /** One question at a time. */
  async function ask<T>(question: Question): Promise<T> {
    worker.postMessage(question)
    const [{ value, refused }] = (await once(worker, 'message')) as [Answer]
    if (refused !== undefined) throw Object.assign(new Error(refused.message), refused)
    return value as T
  }

  return {
    attach: (hook, program, place) => ask({ op: 'attach', hook, program, place }),
    detach: ({ number }) => ask({ op: 'detach', number }),
    pin: ({ number }, path) => ask({ op: 'pin', number, path }),
    attached: (hook, place) => ask({ op: 'attached', hook, place }),
    feature: (hook, place = {}) => ask({ op: 'feature', hook, place }),
    counted: async (who) => {
      const sums = await ask<Record<number, readonly number[]>>({ op: 'counted' })
      return sums[who] ?? [0, 0]
    },
    removeLeftFilters: (netns) => ask({ op: 'removeLeftFilters', netns }),
    run: (program, netns, given) => ask({ op: 'run', program, netns, ...given }),
    close: () => ask({ op: 'close' }),
    stop: async () => {
      await worker.terminate()
    },
  }
}

export interface AttachedProcess extends Attached {
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<void>
}

/** Attaches in a process of its own, which then waits to be killed. */
export async function attachInProcess(
  hook: HookName,
  program: string,
  place: Place,
): Promise<AttachedProcess> {
  const script = fileURLToPath(new URL('./attach-process.ts', import.meta.url))
  const request = JSON.stringify({ hook, program, place })
  const child = spawn(process.execPath, [script, request], { stdio: ['pipe', 'pipe', 'pipe'] })
  const ended = once(child, 'exit')
  const said: string[] = []
  child.stderr.setEncoding('utf8').on('data', (text: string) => said.push(text))
  const kill = async () => {
    child.ref()
    child.kill('SIGKILL')
    await ended
  }
  const { value: line } = await createInterface({ input: child.stdout })
    [Symbol.asyncIterator]()
    .next()
  if (line === undefined) {
    const [code, signal] = (await ended) as [number | null, NodeJS.Signals | null]
    throw new Error(`the attaching process ended: ${signal ?? `exit ${code}`}: ${said.join('')}`)
  }
  // A test that fails before it kills must not wait for it; the process exits when its input ends.
  for (const open of [child, child.stdin, child.stdout, child.stderr]) (open as Socket).unref()
  return { ...(JSON.parse(line as string) as Attached), kill }
}
