import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Command } from '../commands/command.ts'
import { valuesOf } from './arguments.ts'
import { insecureFlag, listenOf } from './loopback.ts'

const command: Command = {
  name: 'try',
  summary: '',
  flags: [{ name: 'listen', kind: 'endpoint', help: '' }, insecureFlag],
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
