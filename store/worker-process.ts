// Keeps the storage worker alive: starts it, waits until it answers, starts it again when it dies.

import { type ChildProcess, fork } from 'node:child_process'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Reporter } from '../common/mod.ts'
import { storeError } from './errors.ts'
import { workerLimits } from './worker/limits.ts'
import type { WorkerNews } from './worker/news.ts'

export interface WorkerProcess {
  /** Resolves when the worker answers; rejects when it cannot (`data_folder_in_use`, `store_not_started`). */
  start(): Promise<void>
  /** Ends the worker after its running insert. */
  stop(): Promise<void>
  /** Resolves when the worker answers, at once if it does; rejects with `store_away` after the time. */
  ready(waitMs: number): Promise<void>
  /** Of the living worker. */
  pid(): number | undefined
}

const entry = fileURLToPath(new URL('worker/main.ts', import.meta.url))
/** A worker that lost its parent may still be inserting: its lock is waited for that long. */
const lockWaitMs = 10_000
const stopWaitMs = 8_000
const restartDelayMaxMs = 5_000
const lockedCode = 76

export function createWorkerProcess(folder: string, reporter: Reporter): WorkerProcess {
  const restarts = reporter.counter(
    'worker_restarts',
    'Starts of the storage worker after its death',
  )
  const waiters = new Set<() => void>()
  let child: ChildProcess | undefined
  let isReady = false
  let stopping = false
  let restartTimer: NodeJS.Timeout | undefined

  async function start(): Promise<void> {
    const deadline = Date.now() + lockWaitMs
    for (let wasLocked = false; ; ) {
      const news = await launch()
      if (news.state === 'ready') return
      if (stopping) throw storeError('store_away', { details: { reason: 'it was stopped' } })
      const isLocked = news.code === lockedCode
      // An owner that ends between the engine's refusal and our look at the lock leaves a refusal without an owner.
      if (!isLocked && !wasLocked) throw notStarted(folder, news.reason)
      wasLocked = isLocked
      if (Date.now() > deadline) {
        throw storeError('data_folder_in_use', { details: { folder, owner: '' } })
      }
      await delay(100)
    }
  }

  /** One life of the worker: resolves with its first word, watches it from then on. */
  async function launch(): Promise<WorkerNews> {
    const started = fork(entry, [folder], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      env: { ...process.env, UV_THREADPOOL_SIZE: String(workerLimits.poolThreads) },
    })
    child = started
    const news = await firstNews(started)
    if (news.state === 'ready') {
      isReady = true
      started.once('exit', (code, signal) => onDeath(code, signal))
      if (started.exitCode !== null || started.signalCode !== null) onDeath(started.exitCode, null)
      for (const wake of [...waiters]) wake()
    }
    return news
  }

  function onDeath(code: number | null, signal: string | null): void {
    if (!isReady) return
    isReady = false
    child = undefined
    if (stopping) return
    reporter.limited.error('death', { code, signal }, 'the storage worker died; starting it again')
    restart(100)
  }

  function restart(delayMs: number): void {
    restartTimer = setTimeout(async () => {
      restarts.add(1)
      const news = await launch()
      if (news.state === 'ready' || stopping) return
      reporter.limited.error(
        'restart',
        { reason: news.reason },
        'starting the storage worker again',
      )
      restart(Math.min(delayMs * 2, restartDelayMaxMs))
    }, delayMs)
  }

  function ready(waitMs: number): Promise<void> {
    if (isReady) return Promise.resolve()
    return new Promise((resolve, reject) => {
      const wake = () => {
        clearTimeout(timer)
        waiters.delete(wake)
        resolve()
      }
      const timer = setTimeout(() => {
        waiters.delete(wake)
        reject(storeError('store_away', { details: { reason: 'the worker is not running' } }))
      }, waitMs)
      waiters.add(wake)
    })
  }

  async function stop(): Promise<void> {
    stopping = true
    clearTimeout(restartTimer)
    const ending = child
    if (!ending || ending.exitCode !== null || ending.signalCode !== null) return
    const exited = new Promise<void>((resolve) => ending.once('exit', () => resolve()))
    ending.kill('SIGTERM')
    const timer = setTimeout(() => ending.kill('SIGKILL'), stopWaitMs)
    await exited
    clearTimeout(timer)
    isReady = false
  }

  return { start, stop, ready, pid: () => (isReady ? child?.pid : undefined) }
}

function firstNews(child: ChildProcess): Promise<WorkerNews> {
  return new Promise((resolve) => {
    const failed = (reason: string) => resolve({ state: 'failed', code: 0, reason })
    child.once('message', (news) => resolve(news as WorkerNews))
    child.once('error', (error) => failed(error.message))
    child.once('exit', (code, signal) => failed(`it ended with ${signal ?? code}`))
  })
}

function notStarted(folder: string, reason: string) {
  return storeError('store_not_started', { details: { folder, reason } })
}
