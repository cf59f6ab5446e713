// Metrics per step of time, if wanted for the 8 largest groups apart and the rest as one.

import { type Field, flowMetrics, flowTable, type Metric, type Row } from '../../wire/mod.ts'
import type { Reader, ReadOptions, StoredRow } from '../reader.ts'
import { type Binder, createBinder } from './binder.ts'
import { columnOf, scopeCondition } from './conditions.ts'
import type { FlowsScope, Order } from './question.ts'
import { stepSql, stepTime } from './steps.ts'
import { integer, metricSelect, selectOf } from './stored-row.ts'
import { groupOrder, groupValues, metricValues } from './top.ts'

export interface SeriesQuestion extends FlowsScope {
  readonly stepNs: bigint
  readonly by: readonly Field[]
  /** Which metric decides the groups that are shown apart. */
  readonly order: Order<Metric>
}

const groupsApart = 8

/** One row per step (and group) that has any flow row; `time` is the step's begin. */
export async function readSeries(
  reader: Reader,
  question: SeriesQuestion,
  options?: ReadOptions,
): Promise<readonly Row[]> {
  const binder = createBinder()
  const { by } = question
  const sql = by.length === 0 ? plainSql(binder, question) : groupedSql(binder, question)
  const rows = await reader.read(sql, binder.params, options)
  return rows.map((row) => ({
    time: stepTime(row),
    ...(by.length > 0 ? groupOf(by, row) : {}),
    ...metricValues(row),
  }))
}

function groupOf(by: readonly Field[], row: StoredRow): Row {
  return { ...groupValues(by, row), other: integer('_other', row['_other'] ?? null) === 1 }
}

function plainSql(binder: Binder, question: SeriesQuestion): string {
  return `SELECT toString(${stepSql(binder, question.stepNs)} AS _s) AS _step, ${metrics()}
FROM flows AS f WHERE ${scopeCondition(binder, question)}
GROUP BY _s ORDER BY _s`
}

/** The inner query marks the rows of the largest groups; the outer one adds up. */
function groupedSql(binder: Binder, question: SeriesQuestion): string {
  const { by, stepNs } = question
  const derived = by.filter((field) => flowTable.derived.some(({ name }) => name === field.name))
  const stored = flowTable.fields.map(columnOf)
  const columns = [...stored, ...derived.map((field) => `${columnOf(field)} AS \`${field.name}\``)]
  const marked = by.map((field) => `if(f._apart, f.\`${field.name}\`, NULL)`)
  const names = by.map((_, i) => `_group${i}`)
  return `SELECT toString(_s) AS _step, NOT _a AS _other,
  ${by.map((field, i) => selectOf(field, names[i])).join(', ')}, ${metricNames()}
FROM (
  SELECT ${stepSql(binder, stepNs)} AS _s, f._apart AS _a,
    ${marked.map((sql, i) => `${sql} AS ${names[i]}`).join(', ')}, ${metrics()}
  FROM (
    SELECT ${columns.join(', ')}, ${member(by)} IN (${largestSql(binder, question)}) AS _apart
    FROM flows AS f WHERE ${scopeCondition(binder, question)}
  ) AS f GROUP BY _s, _a, ${names.join(', ')}
) ORDER BY _s, _other, ${names.join(', ')}`
}

function largestSql(binder: Binder, question: SeriesQuestion): string {
  const { by, order } = question
  return `SELECT ${member(by)} FROM flows AS f WHERE ${scopeCondition(binder, question)}
    GROUP BY ${by.map(columnOf).join(', ')} ORDER BY ${groupOrder(by, order)} LIMIT ${groupsApart}`
}

/** A tuple without nulls, because IN knows none. */
function member(by: readonly Field[]): string {
  const parts = by.flatMap((field) => {
    const column = columnOf(field)
    if (!field.nullable) return [column]
    return [`ifNull(toString(${column}), '')`, `isNull(${column})`]
  })
  return `tuple(${parts.join(', ')})`
}

function metrics(): string {
  return flowMetrics.map(metricSelect).join(', ')
}

function metricNames(): string {
  return flowMetrics.map((metric) => `\`${metric.name}\``).join(', ')
}
