// The reader of a guest's verdicts, on what node's own runner prints of files with planted faults.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { readVerdicts } from './verdicts.ts'

let folder: string
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'weir-verdicts-'))
})
after(() => rmSync(folder, { recursive: true, force: true }))

const fails = `(() => { throw new Error('planted') })`

/** What the guest would print: a serial line ends its lines with CR LF. */
function guest(body: string): string {
  const path = join(folder, 'planted.test.mjs')
  writeFileSync(path, `import { after, before, describe, test } from 'node:test'\n${body}`)
  const { NODE_TEST_CONTEXT: _, ...env } = process.env
  const { stdout, status } = spawnSync(
    process.execPath,
    ['--test', '--test-concurrency=1', '--test-reporter=tap', path],
    { encoding: 'utf8', env, timeout: 30_000 },
  )
  return `${stdout}weir-guest: done, exit code ${status}\n`.replaceAll('\n', '\r\n')
}

const named = ({ failed }: ReturnType<typeof readVerdicts>) =>
  failed.map((block) => / - (.*)/.exec(block)?.[1]?.replace(folder, ''))

test('tests that pass, fail and are skipped are counted, inside of suites too', () => {
  const read = readVerdicts(
    guest(`
test('right', () => {})
test('wrong', ${fails})
test('left out', { skip: 'planted' }, () => {})
describe('a suite', () => { test('right inside', () => {}); test('wrong inside', ${fails}) })`),
  )
  assert.deepEqual([read.passed, read.skipped, read.ended], [2, 1, true])
  assert.deepEqual(named(read), ['wrong', 'wrong inside'])
  assert.deepEqual(read.skips, ['left out: planted'])
  assert.match(read.failed[0] ?? '', /planted/)
})

test('a suite whose hook fails has failed, and so have the tests that it took along', () => {
  const read = readVerdicts(
    guest(`
describe('begins badly', () => { before${fails}; test('cancelled', () => {}) })
describe('ends badly', () => { after${fails}; test('right', () => {}) })`),
  )
  assert.equal(read.passed, 1)
  assert.deepEqual(named(read), ['cancelled', 'begins badly', 'ends badly'])
})

test('a hook of a file, a process that dies, and an exit code that nothing explains are failures', () => {
  const hook = readVerdicts(guest(`after${fails}; test('right', () => {})`))
  assert.deepEqual([hook.passed, hook.failed.length], [1, 1])
  const dies = readVerdicts(
    guest(`test('right', () => {}); test('dies', () => process.kill(process.pid, 'SIGKILL'))`),
  )
  assert.match(dies.failed.join(), /SIGKILL/)
  assert.deepEqual(dies.crashed, [])
  const right = guest(`test('right', () => {})`)
  assert.deepEqual(readVerdicts(right).failed, [])
  assert.equal(readVerdicts(right.replace('exit code 0', 'exit code 1')).failed.length, 1)
})

test('a process that crashes is not counted as failed but listed, so that it can run again', () => {
  const { failed, crashed } = readVerdicts(
    guest(`test('right', () => {}); test('dies', () => process.kill(process.pid, 'SIGSEGV'))`),
  )
  assert.deepEqual(failed, [])
  assert.deepEqual(
    crashed.map(({ file }) => file),
    [join(folder, 'planted.test.mjs')],
  )
})

test('a machine that stopped keeps the verdicts that it had', () => {
  const text = guest(`test('first', () => {}); test('second', () => {})`)
  const read = readVerdicts(text.slice(0, text.indexOf('# Subtest: second')))
  assert.deepEqual([read.passed, read.failed, read.ended], [1, [], false])
})
