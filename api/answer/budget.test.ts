// The memory budget of answers: who fits goes, who does not waits in line, and nobody waits for ever.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createBudget, type Share } from './budget.ts'

const never = new AbortController().signal

test('who does not fit waits in line, and goes in order as others leave or shrink', async () => {
  const budget = createBudget({ bytesMax: 100, waitingMax: 9, waitMs: 60_000 })
  const first = (await budget.enter(60, never)) as Share
  const order: string[] = []
  const waits = ['b', 'c'].map(async (name) => {
    const share = await budget.enter(50, never)
    order.push(name)
    return share as Share
  })
  const small = budget.enter(1, never)
  assert.deepEqual(
    [budget.heldBytes(), budget.waiting()],
    [60, 3],
    'the small one does not overtake',
  )
  first.resize(50)
  await waits[0]
  assert.deepEqual([order, budget.heldBytes()], [['b'], 100])
  first.release()
  first.release()
  await waits[1]
  assert.deepEqual([order, budget.heldBytes(), budget.waiting()], [['b', 'c'], 100, 1])
  ;(await waits[0])?.release()
  await small
  assert.deepEqual([budget.heldBytes(), budget.waiting()], [51, 0])
})

test('a full line, a wait that is too long and a client that goes are turned away', async () => {
  const budget = createBudget({ bytesMax: 10, waitingMax: 1, waitMs: 1 })
  const all = (await budget.enter(10, never)) as Share
  const late = budget.enter(1, never)
  assert.equal(await budget.enter(1, never), undefined, 'the line is full')
  assert.equal(await late, undefined, 'no room in time')
  const patient = createBudget({ bytesMax: 10, waitingMax: 1, waitMs: 60_000 })
  await patient.enter(10, never)
  const gone = new AbortController()
  const waiting = patient.enter(1, gone.signal)
  gone.abort()
  assert.equal(await waiting, undefined)
  assert.equal(patient.waiting(), 0)
  all.release()
  assert.equal(budget.heldBytes(), 0)
})

test('an answer larger than the whole budget goes alone', async () => {
  const budget = createBudget({ bytesMax: 10, waitingMax: 1, waitMs: 1 })
  const huge = (await budget.enter(500, never)) as Share
  assert.equal(await budget.enter(1, never), undefined)
  huge.release()
  assert.ok(await budget.enter(1, never))
})
