// The condition of a filter as the store asks it, for people who want to see it.

import type { Filter } from '../../wire/mod.ts'
import type { SqlParams } from '../reader.ts'
import { createBinder } from './binder.ts'
import { filterSql } from './filter-sql.ts'

export interface ExplainedSql {
  /** A condition on the row `f`; `{p0:UInt16}` is where a parameter is bound. */
  readonly sql: string
  readonly params: SqlParams
}

/** What stands behind WHERE, with the values that are bound. */
export function explainSql(filter: Filter): ExplainedSql {
  const binder = createBinder()
  const sql = filterSql(binder, filter)
  return { sql, params: binder.params }
}
