// When an agent begins to watch, against the answers that its stream gets.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createAdmission } from './admission.ts'
import type { Outcome } from './stream.ts'

function ground(outcomes: readonly Outcome[], hasKey = true) {
  const left = [...outcomes]
  const steps: string[] = []
  const watch = {
    name: 'watch',
    start: () => void steps.push('start'),
    stop: () => void steps.push('stop'),
  }
  const outcome = async (): Promise<Outcome> => {
    const next = left.shift()
    return next ?? new Promise(() => {})
  }
  const log = { info: () => undefined }
  const onDeath = (error: Error) => assert.fail(error)
  const deps = { stream: { outcome }, watch, log, hasKey: () => hasKey, onDeath }
  return { steps, left, admission: createAdmission(deps) }
}

test('an agent that is welcome, and one whose central is away, watch at once', async () => {
  for (const first of ['welcome', 'away'] as const) {
    const { admission, steps } = ground([first])
    await admission.start()
    assert.deepEqual(steps, ['start'])
    assert.equal(admission.isWatching(), true)
    await admission.stop()
    assert.deepEqual(steps, ['start', 'stop'])
  }
})

test('before the first answer ever nothing is watched: its ids would be of no fleet', async () => {
  const { admission, steps } = ground(['away', 'away', 'welcome'], false)
  await admission.start()
  assert.deepEqual(steps, [])
  while (!admission.isWatching()) await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual(steps, ['start'])
})

test('the second agent of a name measures nothing until the name is free', async () => {
  const { admission, steps } = ground(['taken', 'taken', 'taken', 'welcome'])
  await admission.start()
  assert.deepEqual(steps, [])
  while (!admission.isWatching()) await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual(steps, ['start'])
})

test('one that is stopped while it waits never watched', async () => {
  const { admission, steps } = ground(['taken', 'taken'])
  await admission.start()
  await admission.stop()
  assert.deepEqual(steps, [])
})
