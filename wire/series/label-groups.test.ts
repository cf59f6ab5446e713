// Rows are of one group if and only if their labels are the same, whatever kinds of columns these come from.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { appendRow } from '../model/append.ts'
import { createBatch } from '../model/columns.ts'
import { flowTable } from '../model/flow-fields.ts'
import { rowOf } from '../model/row.ts'
import { createRowGrouper } from './label-groups.ts'

const names = ['src_workload', 'src_address', 'dst_port', 'src_uid', 'connection_id', 'counted']
const row = fc.record({
  src_workload: fc.constantFrom('', 'a', 'b'),
  src_address: fc.constantFrom('10.0.0.1', '10.0.0.2', '2001:db8::1'),
  dst_port: fc.constantFrom(0, 80, 65_535),
  src_uid: fc.constantFrom(null, 0, 1000),
  connection_id: fc.constantFrom(1n, 1n << 32n, (1n << 64n) - 1n),
  counted: fc.boolean(),
})

test('rows of equal labels are one group, all others are not, in the order of their first rows', () => {
  const group = createRowGrouper()
  const rows = fc.array(row, { minLength: 1, maxLength: 60 })
  fc.assert(
    fc.property(rows, fc.subarray(names), (values, chosen) => {
      const batch = createBatch(flowTable, values.length + 3)
      for (const one of values) appendRow(batch, one)
      const labels = values.map((_, index) => {
        const own = rowOf(batch, index)
        return JSON.stringify(chosen.map((name) => own[name]))
      })
      const distinct = [...new Set(labels)]
      const { of, firsts } = group(batch, [...chosen, 'no_such_field'])
      assert.deepEqual(
        [...of],
        labels.map((label) => distinct.indexOf(label)),
      )
      assert.deepEqual(
        firsts,
        distinct.map((label) => labels.indexOf(label)),
      )
    }),
  )
})
