// Components start in the order they are listed and stop in reverse, each within a deadline.
// When one that is running dies, the whole process ends: half a process is worse than none.

import type { Reporter } from '../reporter/reporter.ts'

/** What every component of Weir is: inert until started, silent after stopped. */
export interface Component {
  readonly name: string
  start(): void | Promise<void>
  stop(): void | Promise<void>
}

/** A list of components that lives and ends as one. */
export interface Lifecycle {
  /** Starts all in order; if one fails, those already started are stopped and the error is thrown. */
  start(): Promise<void>
  /** Stops all in reverse; idempotent. A component that misses the deadline is named in the log and left. */
  stop(): Promise<void>
}

/** `stopDeadlineMs` is the time that each component gets to stop, 4000 by default. */
export interface LifecycleOptions {
  readonly reporter: Reporter
  readonly stopDeadlineMs?: number
}

/** Binds components; nothing runs before `start`. */
export function createLifecycle(
  components: readonly Component[],
  options: LifecycleOptions,
): Lifecycle {
  const started: Component[] = []
  let stopping: Promise<void> | undefined

  async function start(): Promise<void> {
    for (const component of components) {
      try {
        await component.start()
        started.push(component)
      } catch (error) {
        await stop()
        throw error
      }
    }
  }

  function stop(): Promise<void> {
    stopping ??= stopAll(started, options)
    return stopping
  }

  return { start, stop }
}

async function stopAll(started: readonly Component[], options: LifecycleOptions): Promise<void> {
  const deadlineMs = options.stopDeadlineMs ?? 4000
  for (const component of started.toReversed()) {
    const late = Symbol('late')
    let timer: NodeJS.Timeout | undefined
    const deadline = new Promise<symbol>((resolve) => {
      timer = setTimeout(resolve, deadlineMs, late)
    })
    try {
      const result = await Promise.race([Promise.resolve(component.stop()), deadline])
      if (result === late) options.reporter.log.warn({ component: component.name }, 'stop is late')
    } catch (error) {
      options.reporter.log.error({ component: component.name, err: error }, 'stopping')
    } finally {
      clearTimeout(timer)
    }
  }
}

/**
 * Runs a process made of components until SIGINT, SIGTERM, or its parent goes away (the IPC channel of a
 * supervisor closes even when the supervisor is killed with SIGKILL). Resolves after everything stopped.
 */
export async function runUntilSignal(lifecycle: Lifecycle): Promise<void> {
  const ended = new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve())
    process.once('disconnect', () => resolve())
  })
  await lifecycle.start()
  await ended
  await lifecycle.stop()
}
