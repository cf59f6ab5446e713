import assert from 'node:assert/strict'
import { test } from 'node:test'
import { interfacesOf } from './rules.ts'

test('interfaces of one name in two namespaces are two, each with its own rules', () => {
  const row = (node: string, netns: number, rank: number) => ({
    node,
    interface: 'eth0',
    netns,
    rank,
  })
  const found = interfacesOf([row('a', 1, 0), row('a', 1, 1), row('a', 2, 1), row('b', 1, 0)])
  assert.deepEqual(
    found.map(({ node, itself, rules }) => [node, itself !== undefined, rules.length]),
    [
      ['a', true, 1],
      ['a', false, 1],
      ['b', true, 0],
    ],
  )
})
