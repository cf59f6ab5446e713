import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { anyText } from '../any-text.fake.ts'
import { parseConfig } from './config-file.ts'

const whole = (value: string) => (/^\d+$/.test(value) ? undefined : 'a whole number')
const keys = [
  { path: 'name', expectation: () => undefined },
  { path: 'boat.length', expectation: whole },
  { path: 'boat.mast.height', expectation: whole },
]

test('values come with their places, as they are written', () => {
  const { values, mistakes } = parseConfig('name: 0x10\r\nboat:\r\n  mast: {height: 07}\r\n', keys)
  assert.deepEqual(mistakes, [])
  assert.deepEqual(
    [...values],
    [
      ['name', { text: '0x10', line: 1, column: 7 }],
      ['boat.mast.height', { text: '07', line: 3, column: 18 }],
    ],
  )
})

test('a value that is wrong is a mistake and no value; the rest is read', () => {
  const { values, mistakes } = parseConfig('boat: { length: long, mast: { height: 3 } }', keys)
  assert.deepEqual([...values.keys()], ['boat.mast.height'])
  assert.deepEqual(mistakes, [
    { line: 1, column: 17, message: 'boat.length long: expected a whole number' },
  ])
})

test('a file of 10,000 brackets ends with a mistake, not with the stack', () => {
  for (const text of ['['.repeat(10_000), `name: ${'{a: '.repeat(10_000)}`]) {
    const { values, mistakes } = parseConfig(text, keys)
    assert.equal(values.size, 0)
    assert.equal(mistakes[0]?.message, 'this is nested too deeply')
  }
})

test('property: whatever the file is, it is read or its mistakes have a place', () => {
  const word = fc.constantFrom(
    ...['name', 'boat', 'length', 'mast', 'height', 'x', '*a', '&a', '!t', '? ', '<<', '%YAML 9'],
    ...[':', ': ', '\n', '\n  ', '\n    ', '- ', '{', '}', '[', ']', '"', "'", '|', '>', '#', '\t'],
    ...['7', '~', '---\n', '...\n', '\u0000', '\ud800', '\ufeff', '@', '`'],
  )
  const text = fc.array(word, { maxLength: 24 }).map((words) => words.join(''))
  fc.assert(
    fc.property(fc.oneof(text, anyText), (file) => {
      const { values, mistakes } = parseConfig(file, keys)
      for (const { line, column, message } of mistakes) {
        assert.ok(line >= 1 && column >= 1 && message !== '', JSON.stringify(mistakes))
      }
      for (const [path, { text }] of values) {
        assert.equal(keys.find((key) => key.path === path)?.expectation(text), undefined)
      }
    }),
    { numRuns: 500 },
  )
})
