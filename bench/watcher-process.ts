// The child of watcher.ts: obeys "on" and "off" of its parent.

import { createLocalAgent } from '../agent/mod.ts'
import { createReporter } from '../common/reporter/mod.ts'
import type { WatcherSaid } from './watcher.ts'

const reporter = createReporter('bench', { level: 'error' })
let rows = 0
let agent: ReturnType<typeof createLocalAgent> | undefined

function say(): void {
  const said: WatcherSaid = { rows }
  process.send?.(said)
}

async function obey(word: 'on' | 'off'): Promise<void> {
  if (word === 'on') {
    rows = 0
    agent = createLocalAgent({ intervalMs: 5_000 }, reporter, (batch) => {
      if (batch.table.name !== 'events') rows += batch.length
    })
    await agent.start()
  } else {
    await agent?.stop()
  }
  say()
}

process.on('message', (word: 'on' | 'off') => {
  obey(word).catch((error: unknown) => {
    console.error(error)
    process.exit(1)
  })
})
process.once('disconnect', () => process.exit(0))
say()
