// Exact or sketched: distinct counts and percentiles keep every value they have seen, so beyond a size they
// need more memory than a query may have. Then they are sketched, and the answer states the error. Sums are
// exact at any size.

import type { Metric } from '../../wire/mod.ts'
import type { Reader } from '../reader.ts'
import { type Binder, createBinder } from './binder.ts'
import { rangeCondition, scopeCondition } from './conditions.ts'
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
  if (inRange <= rowsMax || scope.filters.length === 0) return inRange > rowsMax
  const binder = createBinder()
  return (await countRows(reader, scopeCondition(binder, scope), binder, options)) > rowsMax
}

/** The metric as it is computed over a large number of rows, or a small one. */
export function sized<T extends object>(metric: T, large: boolean): T {
  const sketch = 'sketch' in metric ? (metric as Partial<Metric>).sketch : undefined
  return large && sketch ? { ...metric, sql: sketch.sql } : metric
}

/** Distinct values of an expression, if it is large within `distinctError`. */
export function distinctSql(expression: string, large: boolean, condition?: string): string {
  const name = large ? 'uniqCombined64' : 'uniqExact'
  const parameters = large ? '(15)' : ''
  if (condition === undefined) return `${name}${parameters}(${expression})`
  return `${name}If${parameters}(${expression}, ${condition})`
}

/** Three standard errors of 2^15 cells. */
export const distinctError = 0.02

export function errorsOf(metrics: readonly Metric[], large: boolean): Approximate {
  const sketched = large ? metrics.filter(({ sketch }) => sketch !== undefined) : []
  return Object.fromEntries(sketched.map(({ name, sketch }) => [name, sketch?.error ?? 0]))
}

/** The same text for all who count, so that they share one answer. */
export function countSql(condition: string): string {
  return `SELECT count() AS rows FROM flows AS f WHERE ${condition}`
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
