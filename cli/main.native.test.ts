import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { fakeCentral, fakeRow, wholeCoverage } from './fake.ts'

const main = fileURLToPath(new URL('main.ts', import.meta.url))
const rows = Array.from({ length: 1000 }, (_, at) => fakeRow({ src_pid: at }))
const endlessPages = () => ({ body: { rows, next: 'more', coverage: wholeCoverage } })

function weir(args: readonly string[], stdout: 'pipe' | 'ignore' = 'pipe'): ChildProcess {
  return spawn(process.execPath, [main, ...args], {
    stdio: ['ignore', stdout, 'pipe'],
    timeout: 20_000,
  })
}

test('a reader that closes the pipe ends the command quietly', async () => {
  const central = await fakeCentral(endlessPages)
  try {
    const child = weir(['flows', '--limit', '1000000', '--server', central.url])
    child.stdout?.once('data', () => child.stdout?.destroy())
    const [error, [code]] = await Promise.all([
      text(child.stderr as NodeJS.ReadableStream),
      once(child, 'exit'),
    ])
    assert.equal(error, '')
    assert.equal(code, 0)
  } finally {
    await central.close()
  }
})

test('a slow reader gets everything', async () => {
  const central = await fakeCentral(endlessPages)
  try {
    const child = weir(['flows', '-o', 'ndjson', '--limit', '3000', '--server', central.url])
    const output = await text(child.stdout as NodeJS.ReadableStream)
    assert.equal(output.trimEnd().split('\n').length, 3000)
  } finally {
    await central.close()
  }
})

for (const args of [['flows', '-f'], ['flows']]) {
  test(`Ctrl-C ends weir ${args.join(' ')} though the answer never comes`, async () => {
    let ask = (): void => {}
    const asked = new Promise<void>((resolve) => {
      ask = resolve
    })
    const central = createServer(() => ask()).listen(0, '127.0.0.1')
    await once(central, 'listening')
    const { port } = central.address() as AddressInfo
    try {
      const child = weir([...args, '--server', `http://127.0.0.1:${port}`], 'ignore')
      await asked
      child.kill('SIGINT')
      const [code] = await once(child, 'exit')
      assert.equal(code, args.includes('-f') ? 0 : 130)
    } finally {
      central.close()
      central.closeAllConnections()
    }
  })
}

test('an error has no stack, and its exit code', async () => {
  const child = weir(['flws'])
  const [error, [code]] = await Promise.all([
    text(child.stderr as NodeJS.ReadableStream),
    once(child, 'exit'),
  ])
  assert.equal(
    error,
    'weir: unknown command flws; did you mean flows?\n  weir --help lists the commands\n',
  )
  assert.equal(code, 64)
})
