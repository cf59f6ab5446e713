// Starts that cannot work end at once, with one line that says why, what to do, and the exit code of the table.

import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'

const main = fileURLToPath(new URL('main.ts', import.meta.url))
const any = ['--listen', '127.0.0.1:0']
const centralFlags = [...any, '--ingest', 'unix']

interface Ended {
  readonly exitCode: number | null
  readonly errors: string
}

/** Runs `weir ARGS` in a shell that first says `limits`. */
async function weir(args: readonly string[], limits = ':'): Promise<Ended> {
  const command = [`${limits}; exec "$0" "$@"`, process.execPath, main, ...args]
  const child = spawn('sh', ['-c', ...command], { stdio: ['ignore', 'ignore', 'pipe'] })
  // One that wrongly goes on is ended and shows as exit code null.
  const limit = setTimeout(() => child.kill('SIGKILL'), 90_000)
  const [errors, [exitCode]] = await Promise.all([text(child.stderr), once(child, 'exit')])
  clearTimeout(limit)
  return { exitCode: exitCode as number | null, errors }
}

function dataFolder(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'weir-start-'))
  context.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

test('a folder below /proc is refused, it does not spin for ever', async () => {
  for (const [command, more] of [
    ['up', any],
    ['central', centralFlags],
    ['agent', ['--metrics', 'off']],
  ] as const) {
    const { exitCode, errors } = await weir([command, '--data', '/proc/weir', ...more])
    assert.equal(exitCode, 73, `${command}: ${errors}`)
    assert.match(
      errors,
      /^weir: the data folder \/proc\/weir .*ENOENT.*\n {2}.*--data.*\n$/,
      command,
    )
  }
})

test('ulimit -n 64 and ulimit -v are refused with one line, before anything says that it runs', async (context) => {
  const data = dataFolder(context)
  for (const command of ['up', 'central', 'agent']) {
    const files = await weir([command, '--data', data], 'ulimit -n 64')
    assert.equal(files.exitCode, 71, `${command}: ${files.errors}`)
    assert.match(
      files.errors,
      /^weir: this shell allows 64 open files, Weir needs 1024\n {2}raise it: .*\n$/,
    )
    const space = await weir([command, '--data', data], 'ulimit -v 6000000')
    assert.equal(space.exitCode, 71, `${command}: ${space.errors}`)
    assert.match(space.errors, /^weir: this shell allows 6144000000 bytes of address space/)
  }
})

test('an interval that nobody can keep is refused with the allowed range', async () => {
  for (const value of ['10ms', '11m']) {
    const { exitCode, errors } = await weir(['agent', '--interval', value])
    assert.equal(exitCode, 64)
    assert.match(errors, new RegExp(`--interval ${value}: expected a time span from 100ms to 10m`))
  }
})

test('an error of up names up, not the child that would have met it', async (context) => {
  const data = dataFolder(context)
  const { exitCode, errors } = await weir([
    'up',
    '--data',
    data,
    '--cgroup',
    '/no/such/cgroup',
    ...any,
  ])
  assert.equal(exitCode, 64)
  assert.match(errors, /--cgroup \/no\/such\/cgroup: expected a number, or a path that exists/)
  assert.match(errors, /weir up --help/)
})

test('a data folder in use is exit code 75 for central, agent and up, and names the process', async (context) => {
  const data = dataFolder(context)
  const children = [
    [process.execPath, [main, 'central', '--data', data, ...centralFlags]],
    [
      process.execPath,
      [main, 'agent', '--data', data, '--upstream', `unix:${data}/ingest.sock`, '--metrics', 'off'],
    ],
  ] as const
  const running: ReturnType<typeof spawn>[] = []
  try {
    for (const [program, args] of children) {
      const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
      running.push(child)
      await Promise.race([
        once(child, 'message'),
        once(child, 'exit').then(() => assert.fail('it ended')),
      ])
    }
    const pids = running.map(({ pid }) => String(pid))
    for (const [args, owner] of [
      [['central', ...centralFlags], pids[0]],
      [['agent', '--metrics', 'off'], pids[1]],
      [['up', ...any], pids[0]],
    ] as const) {
      const { exitCode, errors } = await weir([...args, '--data', data])
      assert.equal(exitCode, 75, `${args[0]}: ${errors}`)
      assert.match(errors, new RegExp(`in use by process ${owner}`))
    }
  } finally {
    for (const child of running.toReversed()) {
      const exit = once(child, 'exit')
      if (child.kill('SIGTERM')) await exit
    }
  }
})

test('the folder of compiled code, in the data folder of root, is made for its owner alone', () => {
  const weirProgram = fileURLToPath(new URL('../bin/weir', import.meta.url))
  // A mount namespace with an empty /var/lib, as on a new host; umask 022 is what a shell has.
  const script = `mount -t tmpfs none /var/lib && umask 022 && "$0" --version > /dev/null && stat -c %a /var/lib/weir /var/lib/weir/cache`
  const { NODE_COMPILE_CACHE: _, ...env } = process.env
  const modes = execFileSync('unshare', ['--mount', 'sh', '-c', script, weirProgram], {
    env,
    encoding: 'utf8',
  })
  assert.equal(modes, '700\n700\n')
})
