// Exact or sketched: distinct counts and percentiles keep every value they have seen, so beyond a size they
// need more memory than a query may have. Then they are sketched, and the answer states the error. Sums are
// exact at any size.

import { conditionsOf, type Metric } from '../../wire/mod.ts'
import type { Reader } from '../reader.ts'
import { type Binder, createBinder } from './binder.ts'
import { rangeCondition, scopeCondition } from './conditions.ts'
import { sketchError } from './metric-sql.ts'
import type { FlowsScope, QuestionOptions } from './question.ts'
import { integer } from './stored-row.ts'

/** Rows of a question up to which every figure of its answer is exact. */
export const exactRowsMax = 5_000_000

/** A day of 100 M rows takes two processors up to 15 s; they may have others to serve. */
export const largeTimeoutSeconds = 90

/** Relative error by metric, as in the API's `approximate`; empty when all is exact. */
export type Approximate = Readonly<Record<string, number>>

/** Whether the question has more rows than are counted exactly. Errors: those of the reader. */
export async function isLarge(
  reader: Reader,
  scope: FlowsScope,
  { exactRowsMax: given, ...options }: QuestionOptions = {},
): Promise<boolean> {
  const rowsMax = given ?? exactRowsMax
  const range = createBinder()
  // The whole range first: without filters the index alone answers, in milliseconds.
  const inRange = await countRows(reader, rangeCondition(range, scope.range), range, options)
  if (inRange <= rowsMax || conditionsOf(scope.filter).length === 0) return inRange > rowsMax
  const binder = createBinder()
  return (await countRows(reader, scopeCondition(binder, scope), binder, options)) > rowsMax
}

export function errorsOf(metrics: readonly Metric[], large: boolean): Approximate {
  if (!large) return {}
  const errors = metrics.flatMap((metric): [string, number][] => {
    const error = sketchError(metric)
    return error === undefined ? [] : [[metric.name, error]]
  })
  return Object.fromEntries(errors)
}

/** The same text for all who count, so that they share one answer. */
export function countSql(condition: string, table = 'flows'): string {
  return `SELECT count() AS rows FROM ${table} AS f WHERE ${condition}`
}

async function countRows(
  reader: Reader,
  condition: string,
  { params }: Binder,
  options: QuestionOptions,
): Promise<number> {
  const [row] = await reader.read(countSql(condition), params, options)
  return row ? integer('rows', row['rows'] ?? null) : 0
}
