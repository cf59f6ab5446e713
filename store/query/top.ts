// Groups of flow rows with their metrics, the largest first, and the same metrics over all of them.

import type { Field, JsonValue, Metric, Row } from '../../wire/mod.ts'
import type { Reader, ReadOptions, StoredRow } from '../reader.ts'
import { type Binder, createBinder } from './binder.ts'
import { columnOf, scopeCondition } from './conditions.ts'
import { type Fold, foldedRows, isFolding } from './fold.ts'
import type { FlowsScope, Order } from './question.ts'
import { fieldValue, integer, metricSelect, metricValue, selectOf } from './stored-row.ts'

export interface TopQuestion extends FlowsScope {
  readonly by: readonly Field[]
  readonly order: Order<Field | Metric>
  readonly limit: number
  /** What is computed, beside the order's metric. */
  readonly metrics: readonly Metric[]
  /** Whether ephemeral ports fold (fold.ts). */
  readonly fold: boolean
}

export interface Top {
  /** A group that stands for several ports has `folded_ports`, their number, and a null `dst_port`. */
  readonly rows: readonly Row[]
  /** The metrics, `groups` and `folded_ports`: how many groups there are, and how many ports folded. */
  readonly totals: Readonly<Record<string, number | null>>
}

/** The `limit` first groups and the totals of all, in two queries. Errors: those of the reader. */
export async function readTop(
  reader: Reader,
  question: TopQuestion,
  options?: ReadOptions,
): Promise<Top> {
  const { by, metrics } = question
  const groups = createBinder()
  const totals = createBinder()
  const [rows, [total]] = await Promise.all([
    reader.read(groupsSql(groups, question), groups.params, options),
    reader.read(totalsSql(totals, question), totals.params, options),
  ])
  if (!total) throw new TypeError('the store gave no totals')
  const folded = (row: StoredRow) => integer('_folded', row['_folded'] ?? null)
  return {
    rows: rows.map((row) => ({
      ...groupValues(by, row),
      ...(folded(row) > 0 ? { folded_ports: folded(row) } : {}),
      ...metricValues(metrics, row),
    })),
    totals: {
      groups: integer('groups', total['groups'] ?? null),
      folded_ports: folded(total),
      ...metricValues(metrics, total),
    },
  }
}

/** The metrics over all rows of the scope: what groups and steps add up to. */
export async function readTotals(
  reader: Reader,
  { metrics, ...scope }: FlowsScope & { readonly metrics: readonly Metric[] },
  options?: ReadOptions,
): Promise<Readonly<Record<string, number | null>>> {
  if (metrics.length === 0) return {}
  const binder = createBinder()
  const sql = `SELECT ${metrics.map(metricSelect).join(', ')}
FROM flows AS f WHERE ${scopeCondition(binder, scope)}`
  const [total] = await reader.read(sql, binder.params, options)
  if (!total) throw new TypeError('the store gave no totals')
  return metricValues(metrics, total)
}

export function metricValues(
  metrics: readonly Metric[],
  row: StoredRow,
): Record<string, number | null> {
  return Object.fromEntries(metrics.map((metric) => [metric.name, metricValue(metric, row)]))
}

export function groupValues(by: readonly Field[], row: StoredRow): Record<string, JsonValue> {
  return Object.fromEntries(by.map((field) => [field.name, fieldValue(field, row)]))
}

/** By the order's metric or field, then by all fields of the group, so that equal ones keep their places. */
export function groupOrder(
  by: readonly Field[],
  order: Order<Field | Metric>,
  column: (field: Field) => string = columnOf,
): string {
  const first = 'kind' in order.by ? column(order.by) : order.by.sql
  return [`${first} ${order.descending ? 'DESC' : 'ASC'}`, ...by.map(column)].join(', ')
}

function groupsSql(
  binder: Binder,
  { by, order, limit, metrics, ...question }: TopQuestion,
): string {
  const { from, columnOf, folded } = rowsOf(binder, { by, ...question })
  const selects = [
    ...by.map((field) => selectOf(field, columnOf(field))),
    ...metrics.map(metricSelect),
    `${folded} AS _folded`,
  ]
  return `SELECT ${selects.join(', ')}
FROM ${from}
GROUP BY ${by.map(columnOf).join(', ')}
ORDER BY ${groupOrder(by, order, columnOf)} LIMIT ${binder.bind('UInt32', limit)}`
}

function totalsSql(binder: Binder, { by, metrics, ...question }: TopQuestion): string {
  const { from, columnOf, foldedGroups } = rowsOf(binder, { by, ...question })
  const groups = `uniqExact(tuple(${by.map(columnOf).join(', ')}))`
  const selects = [
    `${groups} AS groups`,
    `${foldedGroups} AS _folded`,
    ...metrics.map(metricSelect),
  ]
  return `SELECT ${selects.join(', ')}\nFROM ${from}`
}

/** Where the rows come from, what their groups are, and how many ports fold in one group and in all. */
function rowsOf(
  binder: Binder,
  { by, fold, ...scope }: Pick<TopQuestion, 'by' | 'fold' | 'range' | 'filters'>,
): Fold & { readonly folded: string; readonly foldedGroups: string } {
  if (!fold || !isFolding(by, scope)) {
    const from = `flows AS f WHERE ${scopeCondition(binder, scope)}`
    return { from, columnOf, folded: '0', foldedGroups: '0' }
  }
  return {
    ...foldedRows(binder, by, scope),
    folded: 'uniqExactIf(f.dst_port, f._folds)',
    foldedGroups: `uniqExactIf(tuple(${by.map(columnOf).join(', ')}), f._folds)`,
  }
}
