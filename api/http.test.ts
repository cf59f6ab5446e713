// The server on a real socket: its address, a port that is taken, a client that goes away.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AppError } from '../common/mod.ts'
import { createReporter } from '../common/reporter/mod.ts'
import type { Reader } from '../store/mod.ts'
import { createHttp } from './mod.ts'

function server(read: Reader['read'], port = 0) {
  const reporter = createReporter('test', { level: 'silent' })
  const health = () => ({ status: 'ok' as const, version: '0', started: '', checks: [], nodes: [] })
  const deps = { reader: { read }, health, metrics: reporter.metrics }
  return createHttp({ host: '127.0.0.1', port }, deps, reporter)
}

test('it answers at its address until it is stopped', async () => {
  const http = server(async () => [])
  assert.throws(() => http.address(), /not listening/)
  await http.start()
  const { url, port } = http.address()
  assert.equal(url, `http://127.0.0.1:${port}`)
  assert.equal(await (await fetch(`${url}/healthz`)).text(), 'ok\n')
  const taken = server(async () => [], port)
  await assert.rejects(
    async () => taken.start(),
    (error) =>
      error instanceof AppError && error.code === 'port_taken' && /--listen/.test(error.remedy),
  )
  await http.stop()
  await assert.rejects(fetch(`${url}/healthz`))
})

test('an address that is not ours is refused with the reason', async () => {
  const reporter = createReporter('test', { level: 'silent' })
  const health = () => ({ status: 'ok' as const, version: '0', started: '', checks: [], nodes: [] })
  const deps = { reader: { read: async () => [] }, health, metrics: reporter.metrics }
  const http = createHttp({ host: '192.0.2.1', port: 0 }, deps, reporter)
  await assert.rejects(
    async () => http.start(),
    (error) => error instanceof AppError && error.code === 'listen_refused',
  )
})

test('a question ends with its client', async () => {
  const asked = Promise.withResolvers<AbortSignal>()
  const http = server((_sql, _params, options) => {
    const signal = options?.signal as AbortSignal
    asked.resolve(signal)
    return new Promise((_, reject) => {
      signal.addEventListener('abort', () => reject(new Error('aborted')))
    })
  })
  await http.start()
  try {
    const client = new AbortController()
    const answer = fetch(`${http.address().url}/api/ledger`, { signal: client.signal })
    const signal = await asked.promise
    assert.equal(signal.aborted, false)
    const aborted = new Promise((resolve) => signal.addEventListener('abort', resolve))
    client.abort()
    await assert.rejects(answer)
    await aborted
  } finally {
    await http.stop()
  }
})

test('stop ends questions that are still running', { timeout: 5000 }, async () => {
  const asked = Promise.withResolvers<void>()
  const http = server((_sql, _params, options) => {
    asked.resolve()
    return new Promise((_, reject) => {
      options?.signal?.addEventListener('abort', () => reject(new Error('aborted')))
    })
  })
  await http.start()
  const answer = fetch(`${http.address().url}/api/ledger`).then(
    () => 'answered',
    () => 'cut off',
  )
  await asked.promise
  await http.stop()
  assert.equal(await answer, 'cut off')
})
