import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createBatch, flowTable, parseFilter } from '../../wire/mod.ts'
import { createFlowNames } from './flow-names.ts'
import { stateNames } from './outcome.ts'

test('a state that rows had could not be asked for: closed', () => {
  const { names } = createBatch(flowTable, 1)
  const { fixed, state } = createFlowNames(names, 'n')
  const inRows = [
    names.text(fixed.closed),
    ...stateNames.map((_, number) => names.text(state(number))),
  ]
  for (const name of new Set(inRows)) {
    assert.ok(parseFilter(`state = ${name === '' ? '""' : name}`, { table: flowTable, nowNs: 0n }))
  }
  for (const [field, name] of [
    ['view', names.text(fixed.view)],
    ['protocol', names.text(fixed.protocol)],
    ['observer', names.text(fixed.both)],
  ] as const) {
    assert.ok(parseFilter(`${field} = ${name}`, { table: flowTable, nowNs: 0n }))
  }
})
