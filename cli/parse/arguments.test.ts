import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AppError } from '../../common/mod.ts'
import type { Command } from '../commands/command.ts'
import { endpointOf, valuesOf } from './arguments.ts'

const command: Command = {
  name: 'try',
  summary: 'Tries flags.',
  flags: [
    { name: 'follow', short: 'f', kind: 'switch', help: '' },
    { name: 'limit', kind: 'number', min: 1, max: 10, default: '5', help: '' },
    { name: 'for', kind: 'duration', help: '' },
    { name: 'from', kind: 'text', help: '' },
    { name: 'listen', kind: 'endpoint', env: 'TRY_LISTEN', help: '' },
    { name: 'output', kind: 'choice', choices: ['table', 'json'], default: 'table', help: '' },
    { name: 'src-port', kind: 'text', repeatable: true, help: '' },
  ],
  examples: [],
  run: () => Promise.resolve(0),
}

test('values come from the line, else the environment, else the default', () => {
  const env = { TRY_LISTEN: '[::1]:0' }
  const values = valuesOf(command, ['-f', '--limit=7', '--src-port', '1', '--src-port', '2'], env)
  assert.equal(values.on('follow'), true)
  assert.equal(values.number('limit'), 7)
  assert.equal(values.durationMs('for'), undefined)
  assert.deepEqual(values.list('src-port'), ['1', '2'])
  assert.equal(values.text('listen'), '[::1]:0')
  assert.equal(values.text('output'), 'table')
  assert.deepEqual(values.given, ['follow', 'limit', 'src-port'])
})

test('a value may begin with a dash', () => {
  assert.equal(valuesOf(command, ['--from', '-15m'], {}).text('from'), '-15m')
})

for (const [args, code, words] of [
  [['--src-prot', '443'], 'mistyped_option', 'did you mean --src-port?'],
  [['--kubernetes'], 'unknown_option', '--kubernetes'],
  [['-x'], 'unknown_option', '-x'],
  [['--limit'], 'missing_value', '--limit'],
  [['--follow=yes'], 'unwanted_value', '--follow'],
  [['443'], 'unwanted_argument', '443'],
  [['--', '-f'], 'unwanted_argument', '-f'],
  [['--limit', '0'], 'bad_value', '1 to 10'],
  [['--limit', '1e1'], 'bad_value', '1 to 10'],
  [['--for', '5'], 'bad_value', 'time span'],
  [['--for', '0s'], 'bad_value', 'time span'],
  [['--listen', '8080'], 'bad_value', 'ADDR:PORT'],
  [['--output', 'xml'], 'bad_value', 'table, json'],
  [['--output', 'jsn'], 'bad_value', 'did you mean json?'],
] as const) {
  test(`refuses ${args.join(' ')}`, () => {
    assert.throws(
      () => valuesOf(command, args, {}),
      (error) => error instanceof AppError && error.code === code && error.message.includes(words),
    )
  })
}

test('a bad value of the environment is refused by the name of its variable', () => {
  assert.throws(
    () => valuesOf(command, [], { TRY_LISTEN: 'no' }),
    /TRY_LISTEN no: expected ADDR:PORT/,
  )
})

test('sizes are as in filters: k is 1000, Ki 1024; below the bound is refused', () => {
  const sized = { ...command, flags: [{ name: 'room', kind: 'size', min: 1e6, help: '' } as const] }
  const octetsOf = (text: string) => valuesOf(sized, ['--room', text], {}).octets('room')
  assert.equal(octetsOf('1.5GiB'), 1.5 * 2 ** 30)
  assert.equal(octetsOf('500MB'), 500e6)
  assert.equal(octetsOf('1000000'), 1e6)
  for (const text of ['10', '1KiB', 'much', '-5MB', '5s', '']) {
    assert.throws(() => octetsOf(text), /expected a size of at least 1MB, for example 500MB/)
  }
})

test('endpoints', () => {
  assert.deepEqual(endpointOf('127.0.0.1:0'), { host: '127.0.0.1', port: 0 })
  assert.deepEqual(endpointOf('[2001:db8::1]:65535'), { host: '2001:db8::1', port: 65_535 })
  assert.deepEqual(endpointOf('localhost:80'), { host: 'localhost', port: 80 })
  for (const bad of ['', ':80', '::1:80', '127.0.0.1', '127.0.0.1:65536', 'a b:1', '1.2.3.4:-1']) {
    assert.equal(endpointOf(bad), undefined, bad)
  }
})
