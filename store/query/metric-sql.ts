// A metric of wire/model as an aggregate over the alias `f`: exact, or sketched when there are more rows than can be
// counted exactly (precision.ts).

import { flowMetrics, type Metric } from '../../wire/mod.ts'
import type { Binder } from './binder.ts'
import { columnOf } from './columns.ts'
import { filterSql } from './filter-sql.ts'

/** Three standard errors of the 2^15 cells of a HyperLogLog: 1.04 / 2^7.5 = 0.6 % each. */
export const distinctError = 0.02
/** DDSketch: the value at the rank within 1 %, whatever the distribution. */
const quantileError = 0.01

/** `aggregate AS name`. */
export function metricSelect(binder: Binder, metric: Metric, large: boolean): string {
  return `${metricSql(binder, metric, large)} AS \`${metric.name}\``
}

export function metricSql(binder: Binder, metric: Metric, large: boolean): string {
  const { op, of, where } = metric
  const condition = where && filterSql(binder, where)
  const [column = ''] = of.map(columnOf)
  switch (op) {
    case 'count':
      return condition === undefined ? 'count()' : `countIf(${condition})`
    case 'sum':
      return of.map((field) => aggregate('sum', '', { of: columnOf(field), condition })).join(' + ')
    case 'distinct':
      return distinctSql(column, large, condition)
    case 'quantile':
      return quantileSql(metric, large, { of: column, condition })
  }
}

/** Distinct values of an expression, if it is large within `distinctError`. */
export function distinctSql(expression: string, large: boolean, condition?: string): string {
  const rows = { of: expression, condition }
  return large ? aggregate('uniqCombined64', '(15)', rows) : aggregate('uniqExact', '', rows)
}

/** |estimate - truth| / truth of at least 997 of 1000 answers over a large number of rows; undefined: exact. */
export function sketchError({ op }: Metric): number | undefined {
  if (op === 'distinct') return distinctError
  return op === 'quantile' ? quantileError : undefined
}

interface Rows {
  readonly of: string
  readonly condition: string | undefined
}

function aggregate(name: string, parameters: string, { of, condition }: Rows): string {
  return condition === undefined
    ? `${name}${parameters}(${of})`
    : `${name}If${parameters}(${of}, ${condition})`
}

/**
 * All ranks of a field from one state. Measured on 10,000 groups of 2M rows: cheaper than any sketch, 8 octets a
 * row.
 */
function quantileSql(metric: Metric, large: boolean, rows: Rows): string {
  const ranks = flowMetrics.filter((other) => isSameState(other, metric)).map(({ rank }) => rank)
  const values = large
    ? aggregate('quantilesDD', `(${[quantileError, ...ranks].join(', ')})`, rows)
    : aggregate('quantilesExact', `(${ranks.join(', ')})`, rows)
  return `if(${aggregate('count', '', rows)} = 0, NULL, ${values}[${ranks.indexOf(metric.rank) + 1}])`
}

function isSameState(one: Metric, other: Metric): boolean {
  return one.op === other.op && one.of[0] === other.of[0] && one.where === other.where
}
