import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { createReporter } from '../../common/reporter/mod.ts'
import { until } from '../../common/until.fake.ts'
import { type ChildSpec, createSupervisor, type ReadyMessage } from './supervisor.ts'

const readyScript = `
  require('node:fs').appendFileSync(process.argv[2], process.pid + '\\n')
  process.once('disconnect', () => process.exit(0))
  process.send({ type: 'ready', pid: process.pid })
  setInterval(() => {}, 1000)
`

function withScripts(
  run: (make: (name: string, text: string) => ChildSpec, folder: string) => Promise<void>,
) {
  return async () => {
    const folder = mkdtempSync(join(tmpdir(), 'weir-supervisor-'))
    const make = (name: string, text: string): ChildSpec => {
      const script = join(folder, `${name}.cjs`)
      writeFileSync(script, text)
      return { name, args: [script, join(folder, `${name}.pids`)], stopMs: 1000 }
    }
    try {
      await run(make, folder)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  }
}

const quiet = () => createReporter('supervisor', { level: 'silent' })

const alive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

test(
  'a child that is killed is started again; stop ends them all',
  withScripts(async (make, folder) => {
    const supervisor = createSupervisor(
      [make('one', readyScript), make('two', readyScript)],
      quiet(),
    )
    const pidsOf = (name: string): number[] =>
      readFileSync(join(folder, `${name}.pids`), 'utf8')
        .trim()
        .split('\n')
        .map(Number)
    try {
      const ready = await supervisor.start()
      assert.ok(ready instanceof Map)
      assert.deepEqual([...ready.keys()], ['one', 'two'])
      process.kill(pidsOf('one')[0] as number, 'SIGKILL')
      const second = await until('the second life', () => pidsOf('one')[1])
      assert.ok(alive(second))
    } finally {
      await supervisor.stop()
    }
    assert.deepEqual([...pidsOf('one'), ...pidsOf('two')].filter(alive), [])
  }),
)

test(
  'a child that ends before it is ready ends the start with its exit code',
  withScripts(async (make, folder) => {
    const supervisor = createSupervisor(
      [make('one', readyScript), make('bad', 'process.exit(78)')],
      quiet(),
    )
    assert.deepEqual(await supervisor.start(), { exitCode: 78 })
    const first = Number(readFileSync(join(folder, 'one.pids'), 'utf8'))
    assert.equal(alive(first), false)
  }),
)

test(
  'a child that ignores SIGTERM is killed after its grace',
  withScripts(async (make) => {
    const stubborn = make('stubborn', `process.on('SIGTERM', () => {});${readyScript}`)
    const supervisor = createSupervisor([{ ...stubborn, stopMs: 200 }], quiet())
    const ready = (await supervisor.start()) as ReadonlyMap<string, ReadyMessage>
    await supervisor.stop()
    assert.equal(alive(ready.get('stubborn')?.['pid'] as number), false)
  }),
)
