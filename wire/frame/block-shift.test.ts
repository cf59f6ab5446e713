// A block whose times were moved: read back, every time is the old one and the shift, and nothing else differs.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { flowTable } from '../model/flow-fields.ts'
import { rowOf } from '../model/row.ts'
import { createBlockCheck } from './block-check.ts'
import { createBlockEncoder } from './block-encode.ts'
import { readBlock } from './block-read.ts'
import { shiftTimes } from './block-shift.ts'
import { fakeFlows } from './fake.ts'

const hourNs = 3_600_000_000_000n

test('rows of a clock an hour ahead stand an hour earlier; what has no time keeps none', () => {
  const flows = fakeFlows()
  const block = Uint8Array.from(createBlockEncoder().encode(flows))
  const claim = { rows: flows.length, timeMin: 0n, timeMax: 2n ** 62n }
  const view = createBlockCheck(flowTable)(block, claim)
  const rowsOf = () => {
    const batch = readBlock(view)
    return Array.from({ length: batch.length }, (_, row) => rowOf(batch, row))
  }
  const before = rowsOf()
  shiftTimes(view, -hourNs)
  const times = new Set(
    flowTable.fields.filter(({ kind }) => kind === 'time').map(({ name }) => name),
  )
  const moved = before.map((row) =>
    Object.fromEntries(
      Object.entries(row).map(([name, value]) =>
        times.has(name) && value !== null ? [name, anHourEarlier(String(value))] : [name, value],
      ),
    ),
  )
  assert.ok(before.some((row) => row['end'] === null))
  assert.ok(before.some((row) => row['start'] !== null))
  assert.deepEqual(rowsOf(), moved)
})

/** RFC 3339 with nine digits. */
function anHourEarlier(time: string): string {
  const [second = '', nanos = ''] = time.split('.')
  const moved = new Date(Date.parse(`${second}Z`) - 3_600_000).toISOString().slice(0, 19)
  return `${moved}.${nanos}`
}
