// Groups of flow rows with their metrics, the largest first, and the same metrics over all of them.

import type { Field, JsonValue, Metric, Row } from '../../wire/mod.ts'
import type { Reader, StoredRow } from '../reader.ts'
import { type Binder, createBinder } from './binder.ts'
import { columnOf } from './columns.ts'
import { scopeCondition } from './conditions.ts'
import { countedOf } from './counted.ts'
import {
  foldedRows,
  type GroupRows,
  isAnyEphemeral,
  isFolding,
  knownParts,
  plainRows,
} from './fold.ts'
import { distinctError, distinctSql, metricSelect, metricSql } from './metric-sql.ts'
import { planOf, type Source } from './plan.ts'
import { type Approximate, errorsOf, isLarge, largeTimeoutSeconds } from './precision.ts'
import type { FlowsScope, Order, QuestionOptions } from './question.ts'
import { fieldValue, integer, metricValue, selectOf } from './stored-row.ts'

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
  readonly approximate: Approximate
  readonly source: Source
}

/** A question of known size, its metrics computed as that size allows. */
interface SizedQuestion extends TopQuestion {
  readonly large: boolean
}

/** The `limit` first groups and the totals of all. Errors: those of the reader. */
export async function readTop(
  reader: Reader,
  given: TopQuestion,
  options?: QuestionOptions,
): Promise<Top> {
  const asked = countedOf(given)
  const { range, filter } = asked
  const mayFold = asked.fold && isFolding(asked.by, asked)
  const [large, fold] = await Promise.all([
    isLarge(reader, given, options),
    mayFold && isAnyEphemeral(reader, { range, filter }, options),
  ])
  const question: SizedQuestion = { ...asked, fold, large }
  if (!large) {
    const [totals, rows] = await Promise.all([
      readGroupTotals(reader, question, options),
      readGroups(reader, question, options),
    ])
    return { rows, totals, approximate: {}, source: planOf(question).source }
  }
  return readLargeTop(reader, question, { timeoutSeconds: largeTimeoutSeconds, ...options })
}

/** One after the other: they share the processors anyhow, and the number of groups decides how to ask. */
async function readLargeTop(
  reader: Reader,
  question: SizedQuestion,
  options: QuestionOptions,
): Promise<Top> {
  const totals = await readGroupTotals(reader, question, options)
  const isNarrowed = Number(totals['groups']) > 2 * question.limit
  const rows = await readGroups(reader, { ...question, isNarrowed }, options)
  const ports = question.fold ? { folded_ports: distinctError } : {}
  return {
    rows,
    totals,
    source: planOf(question).source,
    approximate: { groups: distinctError, ...ports, ...errorsOf(question.metrics, true) },
  }
}

async function readGroups(
  reader: Reader,
  question: SizedQuestion & { readonly isNarrowed?: boolean },
  options?: QuestionOptions,
): Promise<readonly Row[]> {
  const binder = createBinder()
  const rows = await reader.read(groupsSql(binder, question), binder.params, options)
  return rows.map((row) => ({
    ...groupValues(question.by, row),
    ...(foldedOf(row) > 0 ? { folded_ports: foldedOf(row) } : {}),
    ...metricValues(question.metrics, row),
  }))
}

async function readGroupTotals(
  reader: Reader,
  question: SizedQuestion,
  options?: QuestionOptions,
): Promise<Record<string, number | null>> {
  const binder = createBinder()
  const [total] = await reader.read(totalsSql(binder, question), binder.params, options)
  if (!total) throw new TypeError('the store gave no totals')
  return {
    groups: integer('groups', total['groups'] ?? null),
    folded_ports: foldedOf(total),
    ...metricValues(question.metrics, total),
  }
}

function foldedOf(row: StoredRow): number {
  return integer('_folded', row['_folded'] ?? null)
}

interface TotalsQuestion extends FlowsScope {
  readonly metrics: readonly Metric[]
  readonly large: boolean
}

/** The metrics over all rows of the scope: what groups and steps add up to. */
export async function readTotals(
  reader: Reader,
  { metrics, large, ...scope }: TotalsQuestion,
  options?: QuestionOptions,
): Promise<Readonly<Record<string, number | null>>> {
  if (metrics.length === 0) return {}
  const binder = createBinder()
  const selects = metrics.map((metric) => metricSelect(binder, metric, large))
  const sql = `SELECT ${selects.join(', ')}
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
  binder: Binder,
  { by, order, large }: Ordered,
  column: (field: Field) => string = columnOf,
): string {
  const first = 'kind' in order.by ? column(order.by) : metricSql(binder, order.by, large)
  return [`${first} ${order.descending ? 'DESC' : 'ASC'}`, ...by.map(column)].join(', ')
}

interface Ordered {
  readonly by: readonly Field[]
  readonly order: Order<Field | Metric>
  readonly large: boolean
}

/**
 * A large question asks twice: first which groups are shown, by nothing but the order, then all metrics of
 * those alone. Strings are grouped by their hash there, in a third of the time; the answer's own GROUP BY
 * is by the fields.
 */
function groupsSql(
  binder: Binder,
  question: SizedQuestion & { readonly isNarrowed?: boolean },
): string {
  const { by, metrics, large } = question
  const rows = rowsOf(binder, question)
  const { from, where, keyOf, shownAs, isFolded } = rows
  const limit = binder.bind('UInt32', question.limit)
  const selects = [
    ...by.map((field) => selectOf(field, shownAs(field))),
    ...metrics.map((metric) => metricSelect(binder, metric, large)),
    `${distinctSql('f.dst_port', false, isFolded)} AS _folded`,
  ]
  return `SELECT ${selects.join(', ')}
FROM ${from} WHERE ${where}${question.isNarrowed ? ` AND ${isAmongFirst(binder, rows, question)}` : ''}
GROUP BY ${by.map(keyOf).join(', ')}
ORDER BY ${groupOrder(binder, question, shownAs)} LIMIT ${limit}`
}

function isAmongFirst(
  binder: Binder,
  { from, where, keyOf, shownAs }: GroupRows,
  { by, order, limit: groups, large }: SizedQuestion,
): string {
  const group = hashOf(by, keyOf, true)
  const limit = binder.bind('UInt32', groups)
  const { by: ordered } = order
  const first = 'kind' in ordered ? `any(${shownAs(ordered)})` : metricSql(binder, ordered, large)
  return `${group} IN (
  SELECT ${group} AS _group FROM ${from} WHERE ${where}
  GROUP BY _group ORDER BY ${first} ${order.descending ? 'DESC' : 'ASC'}, _group LIMIT ${limit})`
}

function totalsSql(binder: Binder, question: SizedQuestion): string {
  const { by, metrics, large } = question
  const { from, where, keyOf, isFolded } = rowsOf(binder, question)
  const groups = distinctSql(hashOf(by, keyOf, large), large)
  const folded = isFolded === '0' ? '0' : distinctSql(hashOf(by, columnOf, large), large, isFolded)
  const selects = [`${groups} AS groups`, `${folded} AS _folded`]
  for (const metric of metrics) selects.push(metricSelect(binder, metric, large))
  return `SELECT ${selects.join(', ')}\nFROM ${from} WHERE ${where}`
}

/** What tells groups apart: one column by itself is much cheaper than a tuple, and so is a hash. */
function hashOf(by: readonly Field[], keyOf: (field: Field) => string, large: boolean): string {
  const parts = knownParts(by, keyOf)
  if (parts.length === 1) return parts[0] as string
  return `${large ? 'cityHash64' : 'tuple'}(${parts.join(', ')})`
}

function rowsOf(binder: Binder, { by, fold, ...scope }: SizedQuestion): GroupRows {
  return fold ? foldedRows(binder, by, scope) : plainRows(binder, scope)
}
