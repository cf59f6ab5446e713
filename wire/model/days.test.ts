import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fakeKindsRows, kindsTable } from '../frame/fake.ts'
import { appendRow } from './append.ts'
import { createBatch } from './columns.ts'
import { byDay, timeRange } from './days.ts'
import { rowOf } from './row.ts'

const midnight = 1_795_219_200_000_000_000n // 2026-11-21T00:00:00Z

test('rows on both sides of midnight become two batches, each value with its row', () => {
  const times = [midnight, midnight - 1n, midnight + 5n, midnight - 86_400_000_000_001n]
  const batch = createBatch(kindsTable, 8)
  for (const [at, time] of times.entries()) appendRow(batch, { ...fakeKindsRows[at % 3], time })
  const parts = byDay(batch)
  const found = parts.map((part) =>
    Array.from({ length: part.length }, (_, row) => rowOf(part, row)),
  )
  const given = Array.from({ length: batch.length }, (_, row) => rowOf(batch, row))
  assert.deepEqual(found, [[given[3]], [given[1]], [given[0], given[2]]])
  assert.deepEqual(timeRange(parts[2] ?? batch), { timeMin: midnight, timeMax: midnight + 5n })
})

test('a batch of one day stays itself, an empty one is none', () => {
  const batch = createBatch(kindsTable, 2)
  assert.deepEqual(byDay(batch), [])
  appendRow(batch, { time: midnight })
  appendRow(batch, { time: midnight + 86_399_999_999_999n })
  assert.deepEqual(byDay(batch), [batch])
})
