// The flow probe in a process of its own, asked for its records as often as wanted, and killed.

import assert from 'node:assert/strict'
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface, type Interface as Lines } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import type { ProbeOptions } from '../probes/spec.ts'
import type { Namespace } from './peers.ts'

/** A flow_record, as flow-process.ts shows it. */
export interface FlowRecord {
  readonly interface: string
  readonly family: number
  readonly protocol: number
  readonly direction: number
  readonly src_port: number
  readonly dst_port: number
  readonly flags: number
  readonly bytes: number
  readonly packets: number
  readonly frames: number
}

/** What a dump gives. */
export interface FlowAnswer {
  readonly records: readonly FlowRecord[]
  readonly counters: Readonly<{ [name: string]: number }>
}

export interface FlowWatcher {
  dump(): Promise<FlowAnswer>
  /** Looks whether interfaces have changed. */
  tick(): Promise<void>
  close(): Promise<void>
  /** SIGKILL, `phase` = with a dump under way or between two. */
  kill(phase: 'dumping' | 'idle'): Promise<void>
}

const entry = fileURLToPath(new URL('./flow-process.ts', import.meta.url))

/** Opens the probe inside the namespace; rejects with what it wrote if it does not open. */
export async function watchFlows(
  namespace: Pick<Namespace, 'path'>,
  options: ProbeOptions,
): Promise<FlowWatcher> {
  const { child, said } = startFlows(namespace, options)
  const lines: Lines = createInterface({ input: child.stdout })
  const next = async () => {
    // What it said may still be in the pipe when it has exited.
    const ended = once(child, 'close').then(() => Promise.reject(new Error(said())))
    ended.catch(() => undefined)
    const [line] = (await Promise.race([once(lines, 'line'), ended])) as [string]
    return line
  }
  assert.equal(await next(), 'open')
  return {
    dump: async () => {
      const answer = next()
      child.stdin.write('dump\n')
      return JSON.parse(await answer) as FlowAnswer
    },
    tick: async () => {
      const answer = next()
      child.stdin.write('tick\n')
      assert.equal(await answer, 'ticked')
    },
    close: async () => {
      const exited = once(child, 'exit')
      child.stdin.end()
      await exited
    },
    kill: async (phase) => {
      const exited = once(child, 'exit')
      if (phase === 'dumping') child.stdin.write('dump\n')
      child.kill('SIGKILL')
      await exited
    },
  }
}

/** The process, which may be killed before it has opened the probe. */
export function startFlows(namespace: Pick<Namespace, 'path'>, options: ProbeOptions) {
  const args = [`--net=${namespace.path}`, process.execPath, entry, JSON.stringify(options)]
  const child: ChildProcessByStdio<Writable, Readable, Readable> = spawn('nsenter', args, {
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  let said = ''
  child.stderr.on('data', (text: Buffer) => {
    said += text.toString()
  })
  child.stdin.on('error', () => undefined)
  return { child, said: () => said }
}

export function sumOf(
  records: readonly FlowRecord[],
  field: 'bytes' | 'packets' | 'frames',
): number {
  return records.reduce((total, record) => total + record[field], 0)
}
