// The drain stage seen from the main thread: a worker owns the probes, the records of each arrive whole and in order.

import { Worker } from 'node:worker_threads'
import { AppError, type Component, type Reporter } from '../../common/mod.ts'
import type { ProbeOptions } from '../../kernel/mod.ts'
import { agentError } from '../errors.ts'
import type { FailedProbe, FromWorker, RunningProbe, SnapshotReport, ToWorker } from './messages.ts'

export interface Drain extends Component {
  /** Probes that are open; empty before the start. */
  running(): readonly RunningProbe[]
  /** Probes that could not be opened, each with the reason. */
  failed(): readonly FailedProbe[]
  /**
   * Takes a snapshot: its records, and all closed ones up to then, have gone to `onRecords` when it resolves.
   * `complete` shows every living socket, those without a descriptor too, else only what has changed. One at a time.
   */
  snapshot(complete: boolean): Promise<SnapshotReport>
}

export interface DrainDeps {
  /** Whole records of the source of that name, valid during the call only. */
  readonly onRecords: (source: string, words: Uint32Array, records: number) => void
  /** The worker ended by itself: the agent cannot go on. */
  readonly onDeath: (error: Error) => void
}

type Waiting<T> = { resolve: (value: T) => void; reject: (error: Error) => void } | undefined

export function createDrain(config: ProbeOptions, deps: DrainDeps, reporter: Reporter): Drain {
  let worker: Worker | undefined
  let running: readonly RunningProbe[] = []
  let failed: readonly FailedProbe[] = []
  let starting: Waiting<void>
  let asked: Waiting<SnapshotReport>
  let stopping = false

  function start(): Promise<void> {
    const entry = new URL('./worker.ts', import.meta.url)
    // Descriptors come from libbpf and belong to the probe: Node must not count them as its own.
    const options = { workerData: config, name: 'weir-drain', trackUnmanagedFds: false }
    worker = new Worker(entry, options)
    worker.on('message', receive)
    worker.on('error', (error) => die(error instanceof Error ? error : new Error(String(error))))
    worker.on('exit', (code) => die(new Error(`exit code ${code}`)))
    return new Promise((resolve, reject) => {
      starting = { resolve, reject }
    })
  }

  function receive(message: FromWorker): void {
    if (message.type === 'records') {
      const { source, buffer } = message
      deps.onRecords(source, new Uint32Array(buffer), message.records)
      worker?.postMessage({ type: 'recycle', source, buffer } satisfies ToWorker, [buffer])
    } else if (message.type === 'snapshot') {
      asked?.resolve(message.report)
      asked = undefined
    } else if (message.type === 'ready') {
      running = message.running
      failed = message.failed
      for (const { probe, message: why, remedy } of failed) {
        reporter.log.warn({ probe, why, remedy }, 'a probe is not open')
      }
      starting?.resolve()
      starting = undefined
    } else {
      // It has said why it ends: that it ends is no other error.
      if (starting) stopping = true
      const { code, type: _, ...row } = message
      starting?.reject(new AppError(code, row))
      starting = undefined
    }
  }

  function die(cause: Error): void {
    if (stopping) return
    stopping = true
    const error = agentError('drain_died', { details: { why: cause.message }, cause })
    asked?.reject(error)
    if (starting) starting.reject(error)
    else deps.onDeath(error)
  }

  function snapshot(complete: boolean): Promise<SnapshotReport> {
    worker?.postMessage({ type: 'snapshot', complete } satisfies ToWorker)
    return new Promise((resolve, reject) => {
      asked = { resolve, reject }
    })
  }

  async function stop(): Promise<void> {
    if (!worker || stopping) return
    stopping = true
    const ended = new Promise((resolve) => worker?.once('exit', resolve))
    worker.postMessage({ type: 'stop' } satisfies ToWorker)
    await ended
    reporter.log.debug('drain stopped')
  }

  return { name: 'drain', start, stop, running: () => running, failed: () => failed, snapshot }
}
