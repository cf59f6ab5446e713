// A process of its own that runs the agent's stages (probes included) and can be switched on and off.

import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

export interface Watcher {
  readonly pid: number
  /** Attaches the default probes and drains, enriches and encodes as an agent does. */
  on(): Promise<void>
  /** Detaches them. Rows made since `on`. */
  off(): Promise<number>
  stop(): Promise<void>
}

/** What the child answers. */
export interface WatcherSaid {
  readonly rows: number
}

const entry = fileURLToPath(new URL('watcher-process.ts', import.meta.url))

export async function startWatcher(): Promise<Watcher> {
  const child = fork(entry)
  await answer(child)
  const order = async (word: 'on' | 'off') => {
    child.send(word)
    return answer(child)
  }
  return {
    pid: child.pid!,
    on: async () => void (await order('on')),
    off: async () => (await order('off')).rows,
    stop: async () => {
      child.disconnect()
      if (child.exitCode === null) await once(child, 'exit')
    },
  }
}

async function answer(child: ChildProcess): Promise<WatcherSaid> {
  const listening = new AbortController()
  const { signal } = listening
  try {
    const [said] = await Promise.race([
      once(child, 'message', { signal }),
      once(child, 'exit', { signal }).then(([code]) => {
        throw new Error(`the watcher ended with ${code}`)
      }),
    ])
    return said as WatcherSaid
  } finally {
    listening.abort()
  }
}
