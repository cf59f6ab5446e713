import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, test } from 'node:test'
import { unchangedSince } from './unchanged.ts'

let home: string
const write = (file: string, text: string) => writeFileSync(join(home, file), text)
const open = () => unchangedSince(home, join(home, 'build', 'stamps.json'))
const tests = ['far.test.ts', 'near.test.ts', 'page.test.ts', 'tree.test.ts', 'tools/own.test.ts']
const unchanged = () => tests.filter((file) => open().has(file))

before(() => {
  home = mkdtempSync(join(tmpdir(), 'weir-unchanged-'))
  execFileSync('git', ['init', '-q'], { cwd: home })
  mkdirSync(join(home, 'tools'))
})
after(() => rmSync(home, { recursive: true, force: true }))

beforeEach(() => {
  write('.gitignore', 'build\n')
  write('data.json', '{}')
  write('deep.ts', 'export const a = 1')
  write('middle.ts', "export { a } from './deep.ts'")
  write('worker.ts', 'export {}')
  write('near.test.ts', "import { a } from './deep.ts'")
  write('far.test.ts', "await import('./middle.ts'); new URL('./worker.ts', import.meta.url)")
  write('page.test.ts', "new URL('page.md', import.meta.url)")
  write('page.md', '# Page')
  write('tree.test.ts', "const home = new URL('..', import.meta.url)")
  write('tools/own.test.ts', 'export {}')
  open().keep(tests)
})

test('what passed need not run again, but for what looks at the tree', () => {
  assert.deepEqual(unchanged(), ['far.test.ts', 'near.test.ts', 'page.test.ts'])
})

test('a test runs again when anything changes that it depends on', () => {
  const cases = [
    ['deep.ts', 'export const a = 2', ['page.test.ts']],
    ['middle.ts', "export { a } from './deep.ts' // again", ['near.test.ts', 'page.test.ts']],
    ['worker.ts', 'export const b = 1', ['near.test.ts', 'page.test.ts']],
    ['near.test.ts', 'export {}', ['far.test.ts', 'page.test.ts']],
    ['data.json', '{ "a": 1 }', []],
    ['other.md', 'new', ['far.test.ts', 'near.test.ts']],
    ['build/made.json', 'is ignored', ['far.test.ts', 'near.test.ts', 'page.test.ts']],
  ] as const
  for (const [file, text, rest] of cases) {
    write(file, text)
    assert.deepEqual(unchanged(), rest, file)
    open().keep(tests)
  }
})

test('what has not passed is never left out', () => {
  write('deep.ts', 'export const a = 3')
  open().keep(['far.test.ts'])
  assert.deepEqual(unchanged(), ['far.test.ts', 'page.test.ts'])
})

test('without git nothing is left out', () => {
  rmSync(join(home, '.git'), { recursive: true })
  assert.deepEqual(unchanged(), [])
})
