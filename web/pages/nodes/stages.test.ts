/// <reference types="node" />
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { lostBeside, stagesOf, unaccounted } from './stages.ts'

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

test('packets of one probe are not added to records of another in the same stage', () => {
  const stages = stagesOf([
    row('hook', 'a', { unit: 'records', entered: 10 }),
    row('hook', 'a', { unit: 'packets', entered: 7000, lost: 4 }),
    row('hook', 'a', { unit: 'packets', cause: 'map_full', lost: 4 }),
    row('hook', 'b', { unit: 'records', entered: 1 }),
  ])
  assert.deepEqual(
    stages.map(({ name, unit, counts, causes }) => [name, unit, counts['entered'], causes.length]),
    [
      ['hook', 'records', 11, 0],
      ['hook', 'packets', 7000, 1],
    ],
  )
})

test('what was lost of other things stands beside the share of connections, and is not in it', () => {
  const stages = stagesOf([
    row('hook', 'a', { unit: 'packets', lost: 103_703 }),
    row('hook', 'a', { unit: 'packets', cause: 'map_full', lost: 103_703 }),
    row('hook', 'a', { unit: 'records', lost: 7 }),
    row('hook', 'a', { unit: 'records', cause: 'ring_full', lost: 7 }),
    row('spool', 'a', { cause: 'spool_full', lost: 30 }),
    row('spool', 'a', { cause: 'own', filtered: 9 }),
  ])
  assert.deepEqual(lostBeside(stages, { ring_full: 7, spool_full: 10 }), [
    { unit: 'packets', count: 103_703 },
    { unit: 'rows', count: 20 },
  ])
  assert.deepEqual(lostBeside(stages, { ring_full: 7, spool_full: 30, map_full: 103_703 }), [])
})

test('what goes in comes out, is lost or waits longer than before; else the stage says so', () => {
  const spool = { entered: 100, left: 80, lost: 5, waiting: 25, waiting_before: 10 }
  const [sound, unsound] = stagesOf([
    row('spool', 'a', spool),
    row('ingest', 'a', { entered: 80, left: 78, waiting: 0 }),
  ])
  assert.ok(sound && unsound)
  assert.equal(unaccounted(sound), 0)
  assert.equal(unaccounted(unsound), 2)
})
