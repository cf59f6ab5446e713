// How many events a question has, in groups: of kinds, of nodes. Lists of them are pages (page.ts).

import { eventTable, type Field } from '../../wire/mod.ts'
import type { Reader, ReadOptions } from '../reader.ts'
import { createBinder } from './binder.ts'
import { columnOf } from './columns.ts'
import { scopeCondition } from './conditions.ts'
import type { FlowsScope } from './question.ts'
import { fieldValue, integer, selectOf } from './stored-row.ts'

/** A group of events. */
export interface EventCount {
  /** Values of the fields that it was grouped by, in their order. */
  readonly group: readonly string[]
  readonly rows: number
  /** Sum of `count`: packets of drops, segments of retransmits. */
  readonly count: number
  /** The newest, RFC 3339. */
  readonly last: string
}

const time = eventTable.fields.find(({ name }) => name === 'time') as Field

/** Groups of events by fields that are names. Errors: those of the reader. */
export async function readEventCounts(
  reader: Reader,
  { by, ...scope }: FlowsScope & { readonly by: readonly string[] },
  options?: ReadOptions,
): Promise<readonly EventCount[]> {
  const binder = createBinder()
  const fields = eventTable.fields.filter(({ name }) => by.includes(name))
  const groups = fields.map((field) => columnOf(field)).join(', ')
  const selects = [
    ...fields.map((field) => selectOf(field)),
    'count() AS _rows',
    'sum(f.count) AS _count',
    selectOf(time, 'max(f.time)'),
  ]
  const sql = `SELECT ${selects.join(', ')} FROM ${eventTable.name} AS f
WHERE ${scopeCondition(binder, scope)}${groups === '' ? '' : ` GROUP BY ${groups}`}`
  const rows = await reader.read(sql, binder.params, options)
  return rows
    .map((row) => ({
      group: by.map((name) => {
        const field = fields.find((each) => each.name === name) as Field
        return String(fieldValue(field, row))
      }),
      rows: integer('rows', row['_rows'] ?? 0),
      count: integer('count', row['_count'] ?? 0),
      last: String(fieldValue(time, row)),
    }))
    .filter(({ rows }) => rows > 0)
}
