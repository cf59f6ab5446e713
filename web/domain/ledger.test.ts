/// <reference types="node" />
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { stagesOf } from './ledger.ts'

const row = (stage: string, node: string, more: Record<string, string | number>) => {
  return { stage, node, unit: 'rows', cause: '', entered: 0, lost: 0, filtered: 0, ...more }
}

test('a stage is the sum of its nodes, and a cause is not counted a second time', () => {
  const stages = stagesOf([
    row('spool', 'a', { entered: 10, lost: 3 }),
    row('spool', 'a', { cause: 'age', lost: 3 }),
    row('spool', 'b', { entered: 5, lost: 1 }),
    row('spool', 'b', { cause: 'age', lost: 1 }),
    row('store', 'a', { entered: 6, filtered: 2 }),
    row('store', 'a', { cause: 'own', filtered: 2 }),
  ])
  assert.deepEqual(
    stages.map(({ name, counts }) => [name, counts['entered'], counts['lost'], counts['filtered']]),
    [
      ['spool', 15, 4, 0],
      ['store', 6, 0, 2],
    ],
  )
  assert.deepEqual(stages[0]?.causes, [{ name: 'age', kind: 'lost', count: 4 }])
  assert.deepEqual(stages[1]?.causes, [{ name: 'own', kind: 'filtered', count: 2 }])
})
