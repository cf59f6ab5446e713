// One bench at a time on a machine: holds an flock for as long as this process lives.

import { spawn } from 'node:child_process'
import { once } from 'node:events'

/** Waits for the lock; the function it gives lets go of it. The kernel lets go when the process dies. */
export async function holdLock(file: string): Promise<() => void> {
  const holder = spawn('flock', [file, 'sh', '-c', 'echo held; exec cat'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  await once(holder.stdout, 'data')
  return () => {
    holder.stdin.end()
  }
}
