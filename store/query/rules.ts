// The newest report of every node: which rules its XDP programs have.

import { conditionsOf, type Row, ruleTable } from '../../wire/mod.ts'
import type { Reader, ReadOptions } from '../reader.ts'
import { createBinder } from './binder.ts'
import { rangeCondition } from './conditions.ts'
import { filterSql } from './filter-sql.ts'
import type { FlowsScope } from './question.ts'
import { fieldValue, selectOf } from './stored-row.ts'

const { name: table, fields } = ruleTable
/** More do not fit an answer. */
export const rulesMax = 10_000

/** By node, interface and rank. What the filter leaves out of the newest report is not looked for in older ones. */
export async function readRules(
  reader: Reader,
  { range, filter }: FlowsScope,
  options?: ReadOptions,
): Promise<readonly Row[]> {
  const binder = createBinder()
  const inRange = rangeCondition(binder, range)
  const wanted = conditionsOf(filter).map((part) => filterSql(binder, part))
  const conditions = [inRange, "f.interface != ''", ...wanted].join(' AND ')
  const stored = await reader.read(
    `SELECT ${fields.map((field) => selectOf(field)).join(', ')}
FROM ${table} AS f WHERE ${conditions}
AND (f.node, f.time) IN (SELECT f.node, max(f.time) FROM ${table} AS f WHERE ${inRange} GROUP BY f.node)
ORDER BY f.node, f.interface, f.netns, f.rank LIMIT 1 BY f.node, f.interface, f.netns, f.rank LIMIT ${rulesMax}`,
    binder.params,
    options,
  )
  return stored.map((row) =>
    Object.fromEntries(fields.map((field) => [field.name, fieldValue(field, row)])),
  )
}
