import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createReporter } from '../reporter/reporter.ts'
import { type Component, createLifecycle } from './lifecycle.ts'

const reporter = createReporter('test', { level: 'silent' })

function recorder(said: string[], name: string, fails: Partial<Component> = {}): Component {
  return {
    name,
    start: () => void said.push(`start ${name}`),
    stop: () => void said.push(`stop ${name}`),
    ...fails,
  }
}

test('starts in order, stops in reverse, once', async () => {
  const said: string[] = []
  const lifecycle = createLifecycle([recorder(said, 'a'), recorder(said, 'b')], { reporter })
  await lifecycle.start()
  await lifecycle.stop()
  await lifecycle.stop()
  assert.deepEqual(said, ['start a', 'start b', 'stop b', 'stop a'])
})

test('a component that cannot start stops those before it and its error is thrown', async () => {
  const said: string[] = []
  const bad = recorder(said, 'bad', {
    start: () => {
      throw new Error('no port')
    },
  })
  const lifecycle = createLifecycle([recorder(said, 'a'), bad, recorder(said, 'c')], { reporter })
  await assert.rejects(lifecycle.start(), /no port/)
  assert.deepEqual(said, ['start a', 'stop a'])
})

test('a component that never stops does not hold up the others', async () => {
  const said: string[] = []
  const stuck = recorder(said, 'stuck', { stop: () => new Promise(() => {}) })
  const lifecycle = createLifecycle([recorder(said, 'a'), stuck], { reporter, stopDeadlineMs: 20 })
  await lifecycle.start()
  await lifecycle.stop()
  assert.deepEqual(said, ['start a', 'start stuck', 'stop a'])
})
