import assert from 'node:assert/strict'
import { test } from 'node:test'
import { flowTable } from '../model/flow-fields.ts'
import { namesOf } from './check.ts'
import { completeFilter } from './complete.ts'

/** Completes at the `|`. */
function at(marked: string) {
  const caret = marked.indexOf('|')
  const text = marked.replace('|', '')
  return completeFilter(text, caret, flowTable)
}

const texts = (marked: string) => at(marked)?.options.map(({ text }) => text) ?? []

test('an empty filter offers fields, those for either end first', () => {
  const completion = at('|')
  assert.equal(completion?.expected, 'field')
  assert.equal(completion?.options[0]?.help, 'src_address or dst_address')
})

test('every name of the table can be completed from its own text', () => {
  for (const name of namesOf(flowTable).keys()) assert.equal(texts(`${name}|`)[0], name)
})

for (const [marked, expected, fields] of [
  ['dst_po|', 'field', []],
  ['dst_port |', 'operator', ['dst_port']],
  ['dst_port i|', 'operator', ['dst_port']],
  ['dst_port = |', 'value', ['dst_port']],
  ['dst_port = 44|', 'value', ['dst_port']],
  ['dst_port in (|', 'value', ['dst_port']],
  ['dst_port in (80 |', 'list', ['dst_port']],
  ['dst_port in (80, 4|', 'value', ['dst_port']],
  ['process = "a b|', 'value', ['src_process', 'dst_process']],
  ['rtt > |', 'value', ['rtt_ns']],
  ['dst_port = 443 |', 'joint', []],
  ['dst_port = 443 an|', 'joint', []],
  ['dst_port = 443 and |', 'field', []],
  ['not (src_process ~ x or |', 'field', []],
  ['not |', 'field', []],
] as const) {
  test(`${marked} expects ${expected}`, () => {
    const completion = at(marked)
    assert.equal(completion?.expected, expected)
    assert.deepEqual(completion?.fields, fields)
  })
}

test('an option replaces the whole word under the caret, and nothing else', () => {
  const completion = at('dst_po|x = 443 and node = a')
  assert.deepEqual([completion?.from, completion?.to, completion?.typed], [0, 7, 'dst_po'])
  const quoted = at("src_process = 'po|")
  assert.deepEqual([quoted?.from, quoted?.to, quoted?.typed], [14, 17, 'po'])
})

test('operators are those of the kind: no pattern for a number, no order for a name', () => {
  assert.ok(!texts('dst_port |').includes('~'))
  assert.ok(!texts('src_process |').includes('>'))
  assert.ok(!texts('src_address |').includes('>'))
})

test('a closed set offers its values, and a group its end', () => {
  assert.ok(texts('end_reason = ref|').includes('refused'))
  assert.ok(texts('(dst_port = 1 |').includes(')'))
  assert.ok(!texts('dst_port = 1 |').includes(')'))
})

test('after a mistake nothing is offered', () => {
  assert.equal(at('dst_port = = |'), undefined)
  assert.equal(at(') dst|'), undefined)
})
