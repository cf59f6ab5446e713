// Which packages a central has loaded that no export of its own needs: each costs memory as long as it lives.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const home = fileURLToPath(new URL('..', import.meta.url))
const script = `
  import { registerHooks } from 'node:module'
  const loaded = new Set()
  registerHooks({
    load: (url, context, next) => {
      loaded.add(/node_modules\\/((?:@[^/]+\\/)?[^/]+)/.exec(url)?.[1] ?? '')
      return next(url, context)
    },
  })
  await import('./central/mod.ts')
  console.log([...loaded].join('\\n'))
  process.exit(0)`

test('the client of Kafka was loaded into every central: 16 MB', () => {
  const loaded = execFileSync(process.execPath, ['--input-type=module', '-e', script], {
    cwd: home,
    encoding: 'utf8',
    timeout: 60_000,
  }).split('\n')
  assert.ok(loaded.includes('fastify'), 'what a central does need is in the list')
  assert.deepEqual(
    loaded.filter((name) => /kafka/.test(name)),
    [],
  )
})
