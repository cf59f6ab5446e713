// Rows as the store would give them for /api/flows, without a store.

import type { StoredRow, StoredValue } from '../store/mod.ts'
import { type Field, flowTable } from '../wire/mod.ts'

const fields = [...flowTable.fields, ...flowTable.derived]

/** Two rows that differ in nothing but their tie. */
export function twoRows(): readonly StoredRow[] {
  return ['1', '2'].map((tie) => ({
    ...Object.fromEntries(fields.map((field) => [field.name, valueOfKind(field)])),
    _value: '7',
    _time: '1795240800000000001',
    _tie: tie,
  }))
}

function valueOfKind(field: Field): StoredValue {
  switch (field.kind) {
    case 'time':
      return '2026-11-21 06:00:00.000000001'
    case 'address':
      return '::ffff:10.0.0.1'
    case 'name':
      return 'x'
    case 'id':
      return '7'
    default:
      return 7
  }
}
