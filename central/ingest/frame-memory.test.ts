// Frames that came before are known; those of a copied data folder on another host are not the same.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createFrameMemory } from './frame-memory.ts'

const agent = 'a'

test('the frames of two hosts with one copied data folder are different frames', () => {
  const memory = createFrameMemory()
  memory.add([{ agent, boot: 'one', sequence: 7 }])
  assert.equal(memory.has({ agent, boot: 'one', sequence: 7 }), true)
  assert.equal(memory.has({ agent, boot: 'other', sequence: 7 }), false)
  memory.add([{ agent, boot: 'other', sequence: 7 }])
  memory.forget([{ agent, boot: 'one', sequence: 7 }])
  assert.equal(memory.has({ agent, boot: 'other', sequence: 7 }), true)
  assert.equal(memory.size(), 1)
})

test('a frame that an older version remembered is known, whatever its boot', () => {
  const memory = createFrameMemory()
  memory.add([{ agent, sequence: 3 }])
  assert.equal(memory.has({ agent, boot: 'one', sequence: 3 }), true)
  assert.equal(memory.has({ agent, boot: 'one', sequence: 4 }), false)
})
