// Range and filter of a question as a condition over the alias `f`.

import { conditionsOf, flowTable } from '../../wire/mod.ts'
import type { Binder } from './binder.ts'
import { tieOf } from './columns.ts'
import { filterSql } from './filter-sql.ts'
import type { FlowsScope, Range } from './question.ts'

export function scopeCondition(binder: Binder, { range, filter, open }: FlowsScope): string {
  const parts = conditionsOf(filter).map((part) => filterSql(binder, part))
  if (open) parts.push(openCondition(binder, open))
  return [rangeCondition(binder, range), ...parts].join(' AND ')
}

export function rangeCondition(binder: Binder, range: Range): string {
  return `f.time >= ${binder.bindTime(range.fromNs)} AND f.time < ${binder.bindTime(range.toNs)}`
}

/**
 * The newest counted row of each connection, unless it says the end. A row can come after the one with the end (what
 * the other end counted); its state says that the connection is closed. Of two rows of one instant the end is newer.
 */
function openCondition(binder: Binder, range: Range): string {
  const tie = tieOf(flowTable)
  const isEnded = "f.end_reason != '' OR f.state = 'closed'"
  return `(f.connection_id, f.time, ${tie}) IN (
  SELECT _id, _newest.1, _newest.3 FROM (
    SELECT f.connection_id AS _id, max((f.time, ${isEnded}, ${tie})) AS _newest
    FROM ${flowTable.name} AS f
    WHERE ${rangeCondition(binder, range)} AND f.counted AND f.view = 'socket' GROUP BY _id)
  WHERE NOT _newest.2)`
}
