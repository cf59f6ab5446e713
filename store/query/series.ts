// Metrics per step of time, if wanted for the 8 largest groups apart and the rest as one.

import type { Field, Metric, Row } from '../../wire/mod.ts'
import type { Reader, StoredRow } from '../reader.ts'
import { type Binder, createBinder } from './binder.ts'
import { columnOf } from './columns.ts'
import { scopeCondition } from './conditions.ts'
import { countedOf } from './counted.ts'
import { markedColumns, member } from './fold.ts'
import { metricSelect } from './metric-sql.ts'
import { planOf, type Source } from './plan.ts'
import { type Approximate, errorsOf, isLarge, largeTimeoutSeconds } from './precision.ts'
import type { FlowsScope, Order, QuestionOptions } from './question.ts'
import { partialMark, stepNsOf, stepSql, stepTime } from './steps.ts'
import { integer, selectOf } from './stored-row.ts'
import { groupOrder, groupValues, metricValues, readTotals } from './top.ts'

export interface SeriesQuestion extends FlowsScope {
  readonly stepNs: bigint
  readonly by: readonly Field[]
  /** Which metric decides the groups that are shown apart. */
  readonly order: Order<Metric>
  readonly metrics: readonly Metric[]
}

export interface Series {
  /** One per step (and group) that has any flow row; `time` is the step's begin. */
  readonly rows: readonly Row[]
  /** The metrics over exactly the range: what the steps add up to, the partial ones included. */
  readonly totals: Readonly<Record<string, number | null>>
  readonly approximate: Approximate
  readonly source: Source
  /** Flow rows by begin of step, when they were counted on the way. */
  readonly rowsOfSteps?: ReadonlyMap<bigint, number>
}

/** A question of known size. */
interface SizedQuestion extends SeriesQuestion {
  readonly large: boolean
}

const groupsApart = 8

/** The steps and the totals of the range. Errors: those of the reader. */
export async function readSeries(
  reader: Reader,
  given: SeriesQuestion,
  options?: QuestionOptions,
): Promise<Series> {
  const asked = countedOf(given)
  const { by, range, filter } = asked
  const large = await isLarge(reader, given, options)
  const { metrics } = asked
  const question = { ...asked, large }
  const { source } = planOf(asked)
  const approximate = errorsOf(metrics, large)
  const bounds = large ? { timeoutSeconds: largeTimeoutSeconds, ...options } : options
  const binder = createBinder()
  const rowOf = (row: StoredRow): Row => ({
    time: stepTime(row),
    ...partialMark(range, question.stepNs, stepNsOf(row)),
    ...(by.length > 0 ? groupOf(by, row) : {}),
    ...metricValues(metrics, row),
  })
  if (by.length === 0) {
    const stored = await reader.read(plainSql(binder, question), binder.params, bounds)
    const total = stored.find(isTotal)
    const steps = stored.filter((row) => !isTotal(row))
    return {
      rows: steps.map(rowOf),
      totals: total ? metricValues(metrics, total) : nothing(metrics),
      approximate,
      source,
      rowsOfSteps: new Map(
        steps.map((row) => [stepNsOf(row), integer('_rows', row['_rows'] ?? null)]),
      ),
    }
  }
  const [stored, totals] = await Promise.all([
    reader.read(groupedSql(binder, question), binder.params, bounds),
    readTotals(reader, { range, filter, metrics, large }, bounds),
  ])
  return { rows: stored.map(rowOf), totals, approximate, source }
}

function isTotal(row: StoredRow): boolean {
  return integer('_total', row['_total'] ?? null) === 1
}

function groupOf(by: readonly Field[], row: StoredRow): Row {
  return { ...groupValues(by, row), other: integer('_other', row['_other'] ?? null) === 1 }
}

/** What no rows sum to. */
function nothing(metrics: readonly Metric[]): Record<string, number | null> {
  return Object.fromEntries(metrics.map(({ name, nullable }) => [name, nullable ? null : 0]))
}

/** The steps, and of their states the totals (ROLLUP): one pass over the rows. */
function plainSql(binder: Binder, question: SizedQuestion): string {
  const { stepNs } = question
  return `SELECT toString(${stepSql(binder, stepNs)} AS _s) AS _step, grouping(_s) AS _total,
  count() AS _rows  ${selected(binder, question)}
FROM flows AS f WHERE ${scopeCondition(binder, question)}
GROUP BY _s WITH ROLLUP ORDER BY _total, _s`
}

/** The inner query marks the rows of the largest groups; the outer one adds up. */
function groupedSql(binder: Binder, question: SizedQuestion): string {
  const { by, stepNs, metrics } = question
  const marked = by.map((field) => `if(f._apart, f.\`${field.name}\`, NULL)`)
  const names = by.map((_, i) => `_group${i}`)
  return `SELECT toString(_s) AS _step, NOT _a AS _other,
  ${by.map((field, i) => selectOf(field, names[i])).join(', ')} ${named(metrics)}
FROM (
  SELECT ${stepSql(binder, stepNs)} AS _s, f._apart AS _a,
    ${marked.map((sql, i) => `${sql} AS ${names[i]}`).join(', ')} ${selected(binder, question)}
  FROM (
    SELECT ${markedColumns(by)}, ${member(by)} IN (${largestSql(binder, question)}) AS _apart
    FROM flows AS f WHERE ${scopeCondition(binder, question)}
  ) AS f GROUP BY _s, _a, ${names.join(', ')}
) ORDER BY _s, _other, ${names.join(', ')}`
}

function largestSql(binder: Binder, question: SizedQuestion): string {
  const { by } = question
  return `SELECT ${member(by)} FROM flows AS f WHERE ${scopeCondition(binder, question)}
    GROUP BY ${by.map(columnOf).join(', ')} ORDER BY ${groupOrder(binder, question)} LIMIT ${groupsApart}`
}

/** Goes on behind other columns: empty when nothing is computed. */
function selected(binder: Binder, { metrics, large }: SizedQuestion): string {
  return metrics.map((metric) => `, ${metricSelect(binder, metric, large)}`).join('')
}

function named(metrics: readonly Metric[]): string {
  return metrics.map((metric) => `, \`${metric.name}\``).join('')
}
