/// <reference types="node" />
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gaugeFill, levelOf } from './coverage.ts'

test('amber below 99 %, red below 95 %', () => {
  assert.deepEqual([1, 0.99, 0.9899, 0.95, 0.9499].map(levelOf), [
    'ok',
    'ok',
    'warn',
    'warn',
    'bad',
  ])
})

test('the gauge is full only at 100 %', () => {
  assert.equal(gaugeFill(1), 1)
  assert.ok(gaugeFill(0.99999) < 0.9)
  assert.ok(gaugeFill(0) > 0)
})
