// Names of processes: interpreters by their script, never an argument that is none.

import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { createProcessNames, type ProcessFiles } from './process-name.ts'

/** One process: its arguments, the files it sees, its start time ('' = it has gone). */
function fakeFiles(given: readonly string[], seen: readonly string[], start = '7') {
  const process = { given, seen, start, reads: 0 }
  const files: ProcessFiles = {
    read: (_pid, name) => {
      process.reads++
      if (process.start === '') return ''
      if (name === 'cmdline') return `${process.given.join('\0')}\0`
      return `42 (a) b (c) S ${'0 '.repeat(18)}${process.start} 0 0`
    },
    isFile: (_pid, argument) => process.seen.includes(argument),
  }
  return { process, files }
}

const nameOf = (comm: string, given: readonly string[], seen: readonly string[]) =>
  createProcessNames(fakeFiles(given, seen).files).nameOf(42, comm)

test('an interpreter is called by its script, without folders', () => {
  const cases = [
    ['node', ['node', 'server.js', '--port', '80'], ['server.js'], 'server.js'],
    ['node', ['node', '--max-old-space-size=99', '/srv/a/b.mjs'], ['/srv/a/b.mjs'], 'b.mjs'],
    ['node', ['node', '--require', './hook.js', 'app.ts'], ['./hook.js', 'app.ts'], 'app.ts'],
    ['python3.11', ['python3', '-u', 'script.py'], ['script.py'], 'script.py'],
    ['python3', ['python3', '-W', 'ignore', 'script.py'], ['script.py'], 'script.py'],
    ['java', ['java', '-cp', 'a.d', '-jar', 'shop.jar'], ['shop.jar'], 'shop.jar'],
    [
      'java',
      ['java', '-Xmx1g', '-cp', 'libs', 'kafka.Kafka', 'server.properties'],
      ['libs', 'server.properties'],
      'kafka.Kafka',
    ],
    [
      'java',
      ['java', '-p', 'mods', '-m', 'shop/org.shop.Main', 'secret'],
      ['secret'],
      'org.shop.Main',
    ],
    ['java', ['java', '@options', 'Shop.java', 'a.txt'], ['Shop.java', 'a.txt'], 'Shop.java'],
    ['java', ['java', '-version'], [], 'java'],
  ] as const
  for (const [comm, given, seen, name] of cases) assert.equal(nameOf(comm, given, seen), name)
})

test('MainThread is never shown', () => {
  assert.equal(nameOf('MainThread', ['node', 'server.js'], ['server.js']), 'server.js')
  assert.equal(nameOf('MainThread', ['node', '-e', 'secret'], []), 'node')
  assert.equal(createProcessNames(fakeFiles([], [], '').files).nameOf(0, 'MainThread'), 'node')
})

test('without a script it keeps its name, and no argument is shown', () => {
  const cases = [
    ['node', ['node', '-e', 'connect("secret")'], []],
    ['node', ['node', '-e', 'secret', 'other'], ['secret', 'other']],
    ['node', ['node', '-pe', 'secret'], ['secret']],
    ['python3', ['python3', '-m', 'http.server', '8000'], []],
    ['python3', ['python3', '-c', 'secret'], ['secret']],
    ['bash', ['bash', '-ec', 'mysql -psecret'], []],
    ['node', ['node', '--token', 'secret'], []],
    ['node', ['node'], []],
    ['node', [], []],
  ] as const
  for (const [comm, given, seen] of cases) assert.equal(nameOf(comm, given, seen), comm)
})

test('what is no interpreter is not looked up', () => {
  const { process, files } = fakeFiles(['nginx', 'nginx.conf'], ['nginx.conf'])
  const names = createProcessNames(files)
  for (const comm of ['nginx', 'nodered', 'pythonista', 'server.py', '']) {
    assert.equal(names.nameOf(42, comm), comm)
  }
  assert.equal(names.nameOf(0, 'node'), 'node')
  assert.equal(process.reads, 0)
})

test('a process is looked up once, and keeps its name when it has gone', () => {
  let ms = 0
  const { process, files } = fakeFiles(['node', 'a.js'], ['a.js', 'b.js'])
  const names = createProcessNames(files, () => ms)
  for (let row = 0; row < 9; row++) assert.equal(names.nameOf(42, 'node'), 'a.js')
  assert.equal(process.reads, 2)
  ms = 60_000
  process.start = ''
  assert.equal(names.nameOf(42, 'node'), 'a.js')
})

test('another process with the same id is looked up again', () => {
  let ms = 0
  const { process, files } = fakeFiles(['node', 'a.js'], ['a.js', 'b.js'])
  const names = createProcessNames(files, () => ms)
  assert.equal(names.nameOf(42, 'node'), 'a.js')
  ms = 60_000
  process.start = '8'
  process.given = ['node', 'b.js']
  assert.equal(names.nameOf(42, 'node'), 'b.js')
})

test('gone before it was looked up: the name that the kernel gave', () => {
  assert.equal(
    createProcessNames(fakeFiles(['node', 'a.js'], ['a.js'], '').files).nameOf(42, 'node'),
    'node',
  )
})

test('control characters and lengths of a file name do no harm', () => {
  const name = nameOf('node', ['node', 'a\n\u001b[31m b.js'], ['a\n\u001b[31m b.js'])
  assert.equal(name, 'a??[31m?b.js')
  const long = `${'x'.repeat(200)}.js`
  assert.equal(nameOf('node', ['node', long], [long]).length, 63)
})

test('a real process: node and python, by a relative path', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'weir-names-'))
  const running: ChildProcess[] = []
  try {
    writeFileSync(join(folder, 'serve.mjs'), 'console.log(1); setInterval(() => {}, 1e9)')
    writeFileSync(join(folder, 'serve.py'), 'print(1, flush=True)\nimport time\ntime.sleep(60)')
    const names = createProcessNames()
    for (const [comm, command, script] of [
      ['node', process.execPath, 'serve.mjs'],
      ['python3', '/usr/bin/python3', 'serve.py'],
    ] as const) {
      const child = spawn(command, [script, 'secret'], {
        cwd: folder,
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      running.push(child)
      await once(child.stdout, 'data')
      assert.equal(names.nameOf(child.pid as number, comm), script)
    }
  } finally {
    for (const child of running) child.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  }
})
