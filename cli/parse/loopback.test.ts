import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Command } from '../commands/command.ts'
import { alsoListenFlag, upstreamFlag, upstreamOf } from '../commands/process-flags.ts'
import { valuesOf } from './arguments.ts'
import { insecureFlag, listenOf, listensOf } from './loopback.ts'

const command: Command = {
  name: 'try',
  summary: '',
  flags: [
    { name: 'listen', kind: 'endpoint', help: '' },
    insecureFlag,
    alsoListenFlag,
    upstreamFlag,
  ],
  examples: [],
  run: () => Promise.resolve(0),
}

const listen = (...args: readonly string[]) =>
  listenOf(valuesOf(command, ['--listen', ...args], {}), 'listen')

test('loopback is free', () => {
  assert.deepEqual(listen('127.0.0.1:0'), { host: '127.0.0.1', port: 0 })
  assert.deepEqual(listen('127.8.8.8:1'), { host: '127.8.8.8', port: 1 })
  assert.deepEqual(listen('[::1]:8080'), { host: '::1', port: 8080 })
  assert.deepEqual(listen('localhost:8080'), { host: 'localhost', port: 8080 })
})

test('any other address must be asked for', () => {
  for (const text of [
    '0.0.0.0:8080',
    '[::]:8080',
    '192.0.2.1:8080',
    '[::ffff:192.0.2.1]:1',
    'host:1',
  ]) {
    assert.throws(() => listen(text), /refusing to listen on/, text)
    assert.ok(listen(text, '--insecure'))
  }
})

test('each of several addresses is checked', () => {
  const also = (text: string) =>
    listensOf(valuesOf(command, ['--also-listen', text], {}), 'also-listen')
  assert.deepEqual(also('127.0.0.1:8081, [::1]:8080'), [
    { host: '127.0.0.1', port: 8081 },
    { host: '::1', port: 8080 },
  ])
  assert.throws(() => also('127.0.0.1:8081,0.0.0.0:8080'), /refusing to listen on/)
  for (const text of ['8081', '127.0.0.1:8081,', '127.0.0.1:99999']) {
    assert.throws(() => also(text), /one or more ADDR:PORT/, text)
  }
  assert.deepEqual(listensOf(valuesOf(command, [], {}), 'also-listen'), [])
})

test('AGGREGATOR_URL names the host of the central, at the port for agents', () => {
  const upstream = (env: Record<string, string>) =>
    upstreamOf(valuesOf(command, [], env).text('upstream') ?? '')
  const AGGREGATOR_URL = 'http://ebpf-aggregator:8081'
  assert.deepEqual(upstream({ AGGREGATOR_URL }), { host: 'ebpf-aggregator', port: 50_051 })
  assert.deepEqual(upstream({ AGGREGATOR_URL: 'http://[::1]:8081' }), { host: '::1', port: 50_051 })
  assert.deepEqual(upstream({ AGGREGATOR_URL, WEIR_UPSTREAM: 'a:1' }), { host: 'a', port: 1 })
  assert.throws(() => upstream({ AGGREGATOR_URL: 'http://' }), /AGGREGATOR_URL/)
})
