// Range and filter of a question as a condition over the alias `f`.

import { conditionsOf } from '../../wire/mod.ts'
import type { Binder } from './binder.ts'
import { filterSql } from './filter-sql.ts'
import type { FlowsScope, Range } from './question.ts'

export function scopeCondition(binder: Binder, { range, filter }: FlowsScope): string {
  const parts = conditionsOf(filter).map((part) => filterSql(binder, part))
  return [rangeCondition(binder, range), ...parts].join(' AND ')
}

export function rangeCondition(binder: Binder, range: Range): string {
  return `f.time >= ${binder.bindTime(range.fromNs)} AND f.time < ${binder.bindTime(range.toNs)}`
}
