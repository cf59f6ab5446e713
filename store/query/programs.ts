// The newest row of every program: what runs in the kernels of the nodes.

import { programTable, type Row } from '../../wire/mod.ts'
import type { Reader, ReadOptions } from '../reader.ts'
import { createBinder } from './binder.ts'
import { scopeCondition } from './conditions.ts'
import type { FlowsScope } from './question.ts'
import { fieldValue, selectOf } from './stored-row.ts'

const { name: table, fields, identity } = programTable
const keys = identity.map((name) => `f.\`${name}\``).join(', ')

/** One row per program and node: its last one of the range. By node, probe and program. */
export async function readPrograms(
  reader: Reader,
  question: FlowsScope,
  options?: ReadOptions,
): Promise<readonly Row[]> {
  const binder = createBinder()
  const stored = await reader.read(
    `SELECT ${fields.map((field) => selectOf(field)).join(', ')}
FROM ${table} AS f WHERE ${scopeCondition(binder, question)}
ORDER BY ${keys}, f.time DESC LIMIT 1 BY ${keys}`,
    binder.params,
    options,
  )
  return stored.map((row) =>
    Object.fromEntries(fields.map((field) => [field.name, fieldValue(field, row)])),
  )
}
