// What a test leaves behind that was killed before it could clean up.

import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { createNamespace, sweepNamespaces } from './peers.ts'

test('the namespaces of a process that was killed are taken away, those of the living stay', async () => {
  const names = () => execFileSync('ip', ['netns', 'list'], { encoding: 'utf8' })
  const own = createNamespace()
  const script = [
    `import { createNamespace } from '${new URL('./peers.ts', import.meta.url).pathname}'`,
    'console.log(createNamespace().name)',
    'setInterval(() => {}, 1000)',
  ]
  const child = spawn(process.execPath, ['--input-type=module', '-e', script.join('\n')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  try {
    const left = String((await once(child.stdout, 'data'))[0]).trim()
    sweepNamespaces('weir-kernel')
    assert.ok(names().includes(`${left} `) || names().includes(`${left}\n`))
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
    sweepNamespaces('weir-kernel')
    const there = names()
    assert.ok(!there.includes(left))
    assert.ok(there.includes(own.name))
  } finally {
    child.kill('SIGKILL')
    own.remove()
  }
})
