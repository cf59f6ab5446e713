// Lines from columns are the lines that objects would give, character by character.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Batch, type Column, createBatch, flowTable, pickRows, rowOf } from '../../wire/mod.ts'
import { escapedJson } from './escape.ts'
import { createLineWriter } from './json-lines.ts'

const names = ['', 'curl', 'a"b', '\u001b[2J', '\u202e', 'ü', '\\']

/** Every column filled from the numbers, as its kind allows. */
function batchOf(seeds: readonly number[]): Batch {
  const batch = createBatch(flowTable, seeds.length)
  batch.length = seeds.length
  for (const [at, { name, kind }] of flowTable.fields.entries()) {
    const column = batch.columns[name] as Column
    const width = column.values.length / seeds.length
    for (const [row, seed] of seeds.entries()) {
      const text = batch.names.index(names[(seed + at) % names.length] as string)
      const list = batch.heap.lists.push(names.slice(seed % names.length)) - 1
      for (let part = 0; part < width; part++) {
        const high = kind === 'time' && part === 1
        const value = anyValue(kind, { seed, part, text, list })
        column.values[row * width + part] = high ? value % 0x2000_0000 : value
      }
      if (column.nulls) column.nulls[row] = (seed >>> (at % 20)) & 1
    }
  }
  return batch
}

interface Values {
  readonly seed: number
  readonly part: number
  readonly text: number
  readonly list: number
}

function anyValue(kind: Column['field']['kind'], { seed, part, text, list }: Values): number {
  if (kind === 'name') return text
  if (kind === 'list') return list
  return kind === 'flag' ? seed & 1 : seed >>> (part * 3)
}

test('lines from columns are those of objects', () => {
  const seed = fc.oneof(fc.constantFrom(0, 0xffff_ffff), fc.integer({ min: 0, max: 0xffff_ffff }))
  const seeds = fc.array(seed, { minLength: 1, maxLength: 6 })
  const write = createLineWriter(flowTable)
  fc.assert(
    fc.property(seeds, fc.subarray([0, 1, 2, 3, 4, 5]), (values, rows) => {
      const batch = batchOf(values)
      const some = pickRows(
        batch,
        rows.filter((row) => row < values.length),
      )
      for (const one of [batch, some]) {
        const line = write(one)
        for (let row = 0; row < one.length; row++) {
          assert.equal(line(row), escapedJson(rowOf(one, row)))
        }
      }
      assert.deepEqual(
        Array.from({ length: some.length }, (_, row) => rowOf(some, row)),
        rows.filter((row) => row < values.length).map((row) => rowOf(batch, row)),
      )
    }),
  )
})
