// Entry of the storage worker: the embedded engine in a process of its own, so that a query that
// hurts the engine cannot hurt the server, and the server's memory stays small.
// argv[2] = the data folder. Ends when its parent does.

import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { messageOf } from '../../common/mod.ts'
import { createReporter } from '../../common/reporter/mod.ts'
import { openEngine } from './engine.ts'
import { EngineError } from './engine-error.ts'
import type { WorkerNews } from './news.ts'
import { createWorkerServer } from './server.ts'

const folder = process.argv[2] as string
const reporter = createReporter('store-worker')
// A terminal's Ctrl-C reaches the whole group; the parent still has segments to insert and then ends us.
process.on('SIGINT', () => undefined)

try {
  mkdirSync(join(folder, 'store'), { recursive: true, mode: 0o700 })
  const engine = openEngine(join(folder, 'store'))
  const server = createWorkerServer(
    { socketPath: join(folder, 'store.sock'), spoolFolder: join(folder, 'store-inserts') },
    engine,
  )
  await server.listen()
  let isEnding = false
  const end = async () => {
    if (isEnding) return
    isEnding = true
    await server.close()
    process.exit(0)
  }
  process.once('SIGTERM', end)
  process.once('disconnect', end)
  tell({ state: 'ready' })
  if (process.send && !process.connected) await end()
} catch (error) {
  const code = error instanceof EngineError ? error.code : 0
  reporter.log.warn({ err: messageOf(error), code }, 'opening the store')
  tell({ state: 'failed', code, reason: messageOf(error) })
  process.exitCode = 1
  process.disconnect?.()
}

function tell(news: WorkerNews): void {
  if (process.connected) process.send?.(news)
}
