// Groups and steps of events: how many rows, how many packets they stand for, and when the last one was.

import { eventTable, type Field, type Row } from '../../wire/mod.ts'
import type { Reader, ReadOptions, StoredRow } from '../reader.ts'
import { type Binder, createBinder } from './binder.ts'
import { columnOf } from './columns.ts'
import { scopeCondition } from './conditions.ts'
import type { FlowsScope } from './question.ts'
import { partialMark, stepNsOf, stepSql, stepTime } from './steps.ts'
import { fieldValue, integer, selectOf } from './stored-row.ts'

/** What groups of events are sorted by. */
export type EventMetric = 'events' | 'count' | 'bytes' | 'last'

export interface EventGroupsQuestion extends FlowsScope {
  readonly by: readonly Field[]
  readonly order: { readonly by: EventMetric | Field; readonly descending: boolean }
  readonly limit: number
}

export interface EventGroups {
  /** The fields of `by`, `events`, `count`, `bytes`, `first` and `last`. */
  readonly rows: readonly Row[]
  readonly totals: Readonly<Record<'groups' | 'events' | 'count' | 'bytes', number>>
}

/** Events without octets add 0 to `bytes`. */
const sums = `count() AS events, sum(f.\`count\`) AS \`count\`, sum(f.\`bytes\`) AS \`bytes\``
const from = `FROM ${eventTable.name} AS f`

/** The `limit` first groups, and the sums of all. Errors: those of the reader. */
export async function readEventGroups(
  reader: Reader,
  question: EventGroupsQuestion,
  options?: ReadOptions,
): Promise<EventGroups> {
  const [groups, totals] = [createBinder(), createBinder()]
  const [stored, [total]] = await Promise.all([
    reader.read(groupsSql(groups, question), groups.params, options),
    reader.read(totalsSql(totals, question), totals.params, options),
  ])
  if (!total) throw new TypeError('the store gave no totals')
  return {
    rows: stored.map((row) => ({
      ...groupOf(question.by, row),
      ...sumsOf(row),
      first: timeOf(row, 'first'),
      last: timeOf(row, 'last'),
    })),
    totals: { groups: integer('groups', total['groups'] ?? null), ...sumsOf(total) },
  }
}

function groupsSql(binder: Binder, question: EventGroupsQuestion): string {
  const { by, order, limit } = question
  const columns = by.map(columnOf)
  const name = typeof order.by === 'string' ? order.by : columnOf(order.by)
  const direction = order.descending ? 'DESC' : 'ASC'
  return `SELECT ${by.map((field) => selectOf(field)).join(', ')}, ${sums},
  toString(min(coalesce(f.start, f.time))) AS first, toString(max(f.time)) AS last
${from} WHERE ${scopeCondition(binder, question)}
GROUP BY ${columns.join(', ')}
ORDER BY ${name} ${direction}, ${columns.join(', ')} LIMIT ${binder.bind('UInt32', limit)}`
}

function totalsSql(binder: Binder, question: EventGroupsQuestion): string {
  const key = question.by.map(columnOf).join(', ')
  return `SELECT uniqExact(${key}) AS groups, ${sums}
${from} WHERE ${scopeCondition(binder, question)}`
}

export interface EventStepsQuestion extends FlowsScope {
  readonly by: readonly Field[]
  readonly stepNs: bigint
}

export interface EventSteps {
  /** One per step and group that has an event; `time` is the step's begin. */
  readonly rows: readonly Row[]
  /** False: there are more steps of groups than `eventStepsMax`, and `rows` has not all of them. */
  readonly isWhole: boolean
}

/** Most rows of an answer: steps × groups. */
export const eventStepsMax = 20_000

/** Steps of the range; `by` are fields of few values. */
export async function readEventSteps(
  reader: Reader,
  question: EventStepsQuestion,
  options?: ReadOptions,
): Promise<EventSteps> {
  const { by, stepNs, range } = question
  const binder = createBinder()
  const columns = by.map(columnOf)
  const stored = await reader.read(
    `SELECT toString(${stepSql(binder, stepNs)} AS _s) AS _step,
  ${by.map((field) => `${selectOf(field)}, `).join('')} ${sums}
${from} WHERE ${scopeCondition(binder, question)}
GROUP BY ${['_s', ...columns].join(', ')} ORDER BY ${['_s', ...columns].join(', ')}
LIMIT ${binder.bind('UInt32', eventStepsMax + 1)}`,
    binder.params,
    options,
  )
  return {
    isWhole: stored.length <= eventStepsMax,
    rows: stored.slice(0, eventStepsMax).map((row) => ({
      time: stepTime(row),
      ...partialMark(range, stepNs, stepNsOf(row)),
      ...groupOf(by, row),
      ...sumsOf(row),
    })),
  }
}

function groupOf(by: readonly Field[], row: StoredRow): Row {
  return Object.fromEntries(by.map((field) => [field.name, fieldValue(field, row)]))
}

function sumsOf(row: StoredRow) {
  const of = (name: string) => integer(name, row[name] ?? null)
  return { events: of('events'), count: of('count'), bytes: of('bytes') }
}

function timeOf(row: StoredRow, name: string): string {
  return `${String(row[name]).replace(' ', 'T')}Z`
}
