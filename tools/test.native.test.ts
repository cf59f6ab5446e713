// The runner itself, on small trees of tests with planted faults.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const runner = fileURLToPath(new URL('test.ts', import.meta.url))
const head = "import { after, before, describe, test } from 'node:test'\n"

interface Run {
  readonly folder: string
  readonly lines: readonly string[]
  readonly code: number | null
}

/** Runs the tests of a tree made of `files`, and hands what was printed to `check`. */
async function running(
  files: Readonly<Record<string, string>>,
  args: readonly string[],
  check: (run: Run) => void,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'weir-runner-'))
  try {
    for (const [name, body] of Object.entries(files)) {
      const source = head + body.replaceAll('FOLDER', JSON.stringify(folder))
      writeFileSync(join(folder, `${name}.test.ts`), source)
    }
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
    const child = spawn(process.execPath, [runner, '--in', folder, ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [output, [code]] = await Promise.all([text(child.stdout), once(child, 'exit')])
    check({ folder, lines: output.trimEnd().split('\n'), code: code as number | null })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

test('a process that is killed keeps its verdicts, and the tests it did not reach are named', () =>
  running(
    {
      'hangs.native': `
test('is right', () => {})
test('is wrong', () => { throw new Error('planted') })
test('never ends', () => {
  const runner = process.ppid
  while (process.ppid === runner); // A runner that was killed itself leaves no busy process.
})
test('is not reached', () => {})
describe('a suite', () => { test('is inside', () => {}) })`,
    },
    ['--limit', '1'],
    ({ lines, code }) => {
      assert.equal(code, 1)
      assert.equal(lines.at(-1), '1 passed, 4 failed')
      const bad = lines.filter((line) => line.startsWith('not ok')).join('\n')
      const file = 'hangs.native.test.ts'
      assert.equal(
        bad,
        [
          `not ok  ${file}: is wrong`,
          `not ok  ${file}: never ends (killed: longer than a test may take)`,
          `not ok  ${file}: is not reached (not run)`,
          `not ok  ${file}: a suite (not run)`,
        ].join('\n'),
      )
    },
  ))

test('a process may take longer than any test when each of its tests is in time', () =>
  running(
    {
      'many.native': `
for (let n = 0; n < 10; n++)
  test('test ' + n, () => new Promise((resolve) => setTimeout(resolve, 700)))
test('too slow', () => new Promise((resolve) => setTimeout(resolve, 6000)))
test('after it', () => {})`,
    },
    ['--limit', '2'],
    ({ lines }) => assert.equal(lines.at(-1), '11 passed, 1 failed'),
  ))

test('a file that cannot be loaded is one failure and does not hide the others', () =>
  running(
    {
      'good.native': `test('is right', () => {})`,
      'broken.native': `import 'nothing-of-this-name'`,
      'dies.native': `test('is right', () => {}); test('dies', () => process.kill(process.pid, 'SIGKILL'))`,
    },
    [],
    ({ lines }) => {
      assert.equal(lines.at(-1), '2 passed, 2 failed')
      assert.ok(lines.some((line) => line.includes('dies (the process ended with SIGKILL)')))
    },
  ))

test('a hook that fails is a failure, of a suite and of a file', () => {
  const fails = `(() => { throw new Error('planted') })`
  const right = `test('is right', () => {})`
  return running(
    {
      'after.native': `describe('ends badly', () => { after${fails}; ${right} })`,
      'before.native': `describe('begins badly', () => { before${fails}; ${right} })`,
      'file.native': `after${fails}; ${right}`,
      'suite.native': `describe('is no suite', ${fails}); ${right}`,
    },
    [],
    ({ lines, code }) => {
      assert.equal(code, 1)
      assert.equal(lines.at(-1), '3 passed, 5 failed')
      assert.deepEqual(lines.filter((line) => line.startsWith('not ok')).toSorted(), [
        'not ok  after.native.test.ts: ends badly',
        'not ok  before.native.test.ts: begins badly',
        'not ok  before.native.test.ts: is right',
        'not ok  file.native.test.ts: a hook of the file',
        'not ok  suite.native.test.ts: is no suite',
      ])
      assert.equal(lines.filter((line) => line.includes('Error: planted')).length, 4)
    },
  )
})

test('--repeat ends with a table: runs, failures, and which test failed in which run', () =>
  running(
    {
      unit: `test('is right', () => {})`,
      'odd.native': `
import { appendFileSync, readFileSync } from 'node:fs'
test('fails in the second run', () => {
  appendFileSync(FOLDER + '/runs', 'x')
  if (readFileSync(FOLDER + '/runs', 'utf8') === 'xx') throw new Error('planted')
})
test('is skipped', { skip: 'planted' }, () => {})`,
    },
    ['--repeat', '3', '--load'],
    ({ lines, code }) => {
      assert.equal(code, 1)
      const at = lines.findIndex((line) => line.startsWith('tests '))
      const table = lines.slice(at).map((line) => line.replace(/\S+–\S+$/, 'MIN–MAX'))
      assert.deepEqual(table.slice(1, 3).toSorted(), [
        'odd.native.test.ts     3         1  MIN–MAX',
        'unit tests             3         0  MIN–MAX',
      ])
      assert.deepEqual(table.slice(3), [
        'failed in run 2: odd.native.test.ts: fails in the second run',
        '5 passed, 1 failed, 3 skipped',
      ])
    },
  ))

/** A test that is over when `others` have begun as well. */
const meeting = (name: string, others: readonly string[]) => `
import { appendFileSync, readFileSync } from 'node:fs'
const log = () => readFileSync(FOLDER + '/order', 'utf8')
test('${name}', async () => {
  appendFileSync(FOLDER + '/order', '<${name}')
  while (!${JSON.stringify(others)}.every((other) => log().includes('<' + other)))
    await new Promise((resolve) => setTimeout(resolve, 10))
  appendFileSync(FOLDER + '/order', '${name}>')
})`

test('natives run at once, and one that says so runs alone', () =>
  running(
    {
      'a.native': meeting('a', ['c']),
      'b.native': `// Runs alone: it is planted.\n${meeting('b', [])}`,
      'c.native': meeting('c', ['a']),
    },
    ['--limit', '30'],
    ({ folder, lines }) => {
      assert.equal(lines.at(-1), '3 passed, 0 failed')
      assert.match(readFileSync(join(folder, 'order'), 'utf8'), /<bb>$/)
    },
  ))
