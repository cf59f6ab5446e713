// Which of Node's own modules an agent has loaded: each costs memory as long as the agent lives.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const home = fileURLToPath(new URL('..', import.meta.url))
const script = `
  await import('./agent/mod.ts')
  console.log(process.moduleLoadList.map((name) => name.split(' ').at(-1)).join('\\n'))`

test('an import of node:http loaded undici and http2 into every agent', () => {
  const loaded = execFileSync(process.execPath, ['--input-type=module', '-e', script], {
    cwd: home,
    encoding: 'utf8',
    timeout: 20_000,
  }).split('\n')
  assert.ok(loaded.includes('net'), 'what an agent does need is in the list')
  assert.deepEqual(
    loaded.filter((name) => /^(?:http2?|internal\/deps\/undici\/undici)$/.test(name)),
    [],
  )
})
