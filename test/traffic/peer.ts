// The TypeScript end of peer.py: a process in a namespace that makes one system call after another as told.

import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'

const program = fileURLToPath(new URL('peer.py', import.meta.url))

/** What a call came to. `errno` is set instead of the rest when the kernel refused it. */
export interface Answer {
  readonly errno?: string
  readonly pid?: number
  readonly pids?: readonly number[]
  readonly bytes?: number
  readonly sent?: number
  readonly received?: number
  readonly local?: readonly [string, number]
  readonly remote?: readonly [string, number]
}

/** Arguments of an op of peer.py, by name; `op` is the function's name there. */
export interface Order {
  readonly op: string
  readonly [argument: string]: string | number | boolean | undefined
}

export interface Peer {
  readonly pid: number
  readonly name: string
  /** Index of its namespace in the lab. */
  readonly at: number
  /** Makes one call; calls of one peer run one after another. An errno is an answer, not an error. */
  tell(order: Order): Promise<Answer>
  /** As `tell`, and an errno is an error: for calls that must work. */
  must(order: Order): Promise<Answer>
  stop(): Promise<void>
}

type Process = ChildProcessByStdio<Writable, Readable, null>

export async function startPeer(namespace: string, name: string, at: number): Promise<Peer> {
  const args = [`--net=/run/netns/${namespace}`, '--', '/usr/bin/python3', '-S', program]
  const child = spawn('nsenter', args, { stdio: ['pipe', 'pipe', 'inherit'], detached: true })
  const waiting: ((answer: Answer) => void)[] = []
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  createInterface({ input: child.stdout }).on('line', (line) => {
    waiting.shift()?.(JSON.parse(line) as Answer)
  })
  child.once('close', () => {
    for (const resolve of waiting.splice(0)) resolve({ errno: `peer ${name} ended` })
  })
  child.stdin.on('error', () => {})

  const hello = await new Promise<Answer>((resolve) => waiting.push(resolve))
  if (hello.pid === undefined) throw new Error(`starting peer ${name}: ${hello.errno}`)

  function tell(order: Order): Promise<Answer> {
    return new Promise((resolve) => {
      waiting.push(resolve)
      child.stdin.write(`${JSON.stringify(order)}\n`)
    })
  }

  async function must(order: Order): Promise<Answer> {
    const answer = await tell(order)
    if (answer.errno) throw new Error(`peer ${name} at ${JSON.stringify(order)}: ${answer.errno}`)
    return answer
  }

  const peer = { pid: hello.pid, name, at, tell, must, stop: () => stop(child, ended) }
  await peer.must({ op: 'rename', name })
  return peer
}

/** The end of its input ends a peer; one that hangs in a call is killed. */
async function stop(child: Process, ended: Promise<void>): Promise<void> {
  child.stdin.end()
  const limit = setTimeout(() => child.kill('SIGKILL'), 500)
  await ended
  clearTimeout(limit)
  try {
    process.kill(-child.pid!, 'SIGKILL') // Processes of a server that it forked.
  } catch {
    // It forked none.
  }
}
