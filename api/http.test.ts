// The server on a real socket: its address, a port that is taken, a client that goes away.

import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { AppError } from '../common/mod.ts'
import { createReporter } from '../common/reporter/mod.ts'
import type { Reader } from '../store/mod.ts'
import type { ErrorBody } from './contract/mod.ts'
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

test('other addresses answer the same until it is stopped, and one that is taken is named', async () => {
  const reporter = createReporter('test', { level: 'silent' })
  const started = new Date(Date.now() - 5000).toISOString()
  const health = () => ({ status: 'ok' as const, version: '0', started, checks: [], nodes: [] })
  const deps = { reader: { read: async () => [] }, health, metrics: reporter.metrics }
  const beside = (port: number) =>
    createHttp({ host: '127.0.0.1', port: 0, also: [{ host: '127.0.0.2', port }] }, deps, reporter)
  const http = beside(0)
  await http.start()
  const [other] = http.also()
  const url = `http://${other?.host}:${other?.port}`
  const body = (await (await fetch(`${url}/health`)).json()) as Record<string, string>
  assert.equal(body['component'], 'aggregator')
  assert.match(body['uptime'] ?? '', /^[1-9]\d*s$/)
  const taken = beside(other?.port ?? 0)
  await assert.rejects(
    async () => taken.start(),
    (error) =>
      error instanceof AppError &&
      error.code === 'port_taken' &&
      error.message.includes(String(other?.port)),
  )
  assert.throws(() => taken.address(), /not listening/)
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

/** Everything that the server says to these octets, until it ends the connection. */
async function said(port: number, request: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  socket.write(request)
  return text(socket)
}

test('a query string of 100 kB is answered with 414 in words, not with a reset', async () => {
  const http = server(async () => [])
  await http.start()
  try {
    const { port } = http.address()
    for (const kilobytes of [17, 100, 1000]) {
      const address = `/api/flows?src_process=${'x'.repeat(kilobytes * 1000)}`
      const answer = await said(port, `GET ${address} HTTP/1.1\r\nHost: localhost\r\n\r\n`)
      assert.match(answer, /^HTTP\/1\.1 414 URI Too Long\r\n/, `${kilobytes} kB: ${answer}`)
      const { error } = JSON.parse(answer.slice(answer.indexOf('\r\n\r\n'))) as ErrorBody
      assert.deepEqual([error.code, /16 kB/.test(error.message)], ['address_too_long', true])
    }
    const cookie = 'x'.repeat(100_000)
    const long = await said(port, `GET / HTTP/1.1\r\nHost: a\r\nCookie: ${cookie}\r\n\r\n`)
    assert.match(long, /^HTTP\/1\.1 431 [\s\S]*"headers_too_long"/)
    assert.match(await said(port, 'no request\r\n\r\n'), /^HTTP\/1\.1 400 [\s\S]*"bad_request"/)
  } finally {
    await http.stop()
  }
})
