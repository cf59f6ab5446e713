// Groups of flow rows with their metrics, the largest first, and the same metrics over all of them.

import { type Field, flowMetrics, type JsonValue, type Metric, type Row } from '../../wire/mod.ts'
import type { Reader, ReadOptions, StoredRow } from '../reader.ts'
import { type Binder, createBinder } from './binder.ts'
import { columnOf, scopeCondition } from './conditions.ts'
import type { FlowsScope, Order } from './question.ts'
import { fieldValue, integer, metricSelect, metricValue, selectOf } from './stored-row.ts'

export interface TopQuestion extends FlowsScope {
  readonly by: readonly Field[]
  readonly order: Order<Field | Metric>
  readonly limit: number
}

export interface Top {
  readonly rows: readonly Row[]
  /** All metrics and `groups`, the number of groups. */
  readonly totals: Readonly<Record<string, number | null>>
}

/** The `limit` first groups and the totals of all, in two queries. Errors: those of the reader. */
export async function readTop(
  reader: Reader,
  question: TopQuestion,
  options?: ReadOptions,
): Promise<Top> {
  const groups = createBinder()
  const totals = createBinder()
  const [rows, [total]] = await Promise.all([
    reader.read(groupsSql(groups, question), groups.params, options),
    reader.read(totalsSql(totals, question), totals.params, options),
  ])
  if (!total) throw new TypeError('the store gave no totals')
  return {
    rows: rows.map((row) => ({ ...groupValues(question.by, row), ...metricValues(row) })),
    totals: {
      groups: integer('groups', total['groups'] ?? null),
      ...metricValues(total),
    },
  }
}

export function metricValues(row: StoredRow): Record<string, number | null> {
  return Object.fromEntries(flowMetrics.map((metric) => [metric.name, metricValue(metric, row)]))
}

export function groupValues(by: readonly Field[], row: StoredRow): Record<string, JsonValue> {
  return Object.fromEntries(by.map((field) => [field.name, fieldValue(field, row)]))
}

/** By the order's metric or field, then by all fields of the group, so that equal ones keep their places. */
export function groupOrder(by: readonly Field[], order: Order<Field | Metric>): string {
  const first = 'kind' in order.by ? columnOf(order.by) : order.by.sql
  return [`${first} ${order.descending ? 'DESC' : 'ASC'}`, ...by.map(columnOf)].join(', ')
}

function groupsSql(binder: Binder, { by, order, limit, ...scope }: TopQuestion): string {
  const selects = [...by.map((field) => selectOf(field)), ...flowMetrics.map(metricSelect)]
  return `SELECT ${selects.join(', ')}
FROM flows AS f WHERE ${scopeCondition(binder, scope)}
GROUP BY ${by.map(columnOf).join(', ')}
ORDER BY ${groupOrder(by, order)} LIMIT ${binder.bind('UInt32', limit)}`
}

function totalsSql(binder: Binder, { by, ...scope }: TopQuestion): string {
  const groups = `uniqExact(tuple(${by.map(columnOf).join(', ')}))`
  return `SELECT ${groups} AS groups, ${flowMetrics.map(metricSelect).join(', ')}
FROM flows AS f WHERE ${scopeCondition(binder, scope)}`
}
